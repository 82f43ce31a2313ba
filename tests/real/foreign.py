"""Hosts of another architecture: Debian's own userland under QEMU, with its own sshd.

Everything happens in a user namespace with its own binfmt_misc (Linux 6.7 and later), so that this machine goes on not
knowing how to run such programs. The network is shared: the sshd listens on loopback.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real.process import Daemon, NotReadyError, free_port, listens, run
from tests.real.require import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NEEDS_KERNEL = (6, 7)
"""Since then each user namespace may mount a binfmt_misc of its own."""

DOWNLOAD_WITHIN_S = 100.0
SUITE = "bookworm"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DEFAULT_MIRROR = "http://deb.debian.org/debian"

PACKAGES = """
containerd libseccomp2 openssh-server dash coreutils grep sed mawk util-linux libc6 libc-bin libcrypt1 libssl3 zlib1g libpam0g libaudit1
libcap-ng0 libcap2 libselinux1 libpcre2-8-0 libacl1 libattr1 libgmp10 libwrap0 libnsl2 libtirpc3 libsystemd0 libgcrypt20
libgpg-error0 liblz4-1 liblzma5 libzstd1 libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libcom-err2 libkeyutils1
"""
"""An engine, sshd, what the probe calls, their libraries; nothing is configured, so nothing of dpkg is needed."""


@dataclass(frozen=True)
class Architecture:
    """One that Debian has packages for and QEMU runs; ``cpuinfo`` is what its kernels print, which QEMU does not."""

    debian: str
    emulator: str
    elf_class: int
    elf_machine: int
    cpuinfo: str


ARCHITECTURES = {
    "aarch64": Architecture("arm64", "qemu-aarch64", 2, 183, (
        "processor\t: 0\nBogoMIPS\t: 125.00\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid\n"
        "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd07\nCPU revision\t: 0\n")),
    "armv7l": Architecture("armhf", "qemu-arm", 1, 40, (
        "processor\t: 0\nmodel name\t: ARMv7 Processor rev 3 (v7l)\nBogoMIPS\t: 125.00\n"
        "Features\t: half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm crc32\n"
        "CPU implementer\t: 0x41\nCPU architecture: 7\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n")),
}  # fmt: skip

SSHD_CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey /host_key
PidFile none
AuthorizedKeysFile /authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
"""

CONTAINERD_CONFIG = """
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"]
"""

ENTER = r"""
set -e
(
  until [ "$(readlink "/proc/$$/ns/user")" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.02; done
  echo '0 0 65536' >"/proc/$$/uid_map"
  echo '0 0 65536' >"/proc/$$/gid_map"
) &
exec unshare --user -- sh -c 'until read -r ids </proc/self/gid_map; do sleep 0.02; done
exec unshare --mount -- sh "$@"' sh "$@"
"""
"""Makes the namespaces; the ids are mapped from outside, since sshd needs more users than root."""

BECOME = r"""
set -e
root=$1 emulator=$2 magic=$3 mask=$4
mount -t tmpfs none "$root/mnt"
mkdir "$root/mnt/binfmt"
mount -t binfmt_misc none "$root/mnt/binfmt"
printf '%s' ":foreign:M::$magic:$mask:$emulator:OCF" >"$root/mnt/binfmt/register"
mount --rbind /proc "$root/proc"
mount -t tmpfs none "$root/proc/sys/fs/binfmt_misc" # the host of the test must not see what runs it
mount --bind "$root/cpuinfo" "$root/proc/cpuinfo"
for device in null zero urandom; do mount --bind "/dev/$device" "$root/dev/$device"; done
(exec setpriv --pdeathsig KILL chroot "$root" /usr/bin/containerd --config /containerd.toml --log-level warn) &
exec chroot "$root" /usr/sbin/sshd -D -e -f /sshd_config
"""
"""Becomes the host: its emulator is registered here and nowhere else."""


@dataclass
class ForeignHost:
    """Where such a host listens, who may log in, with what."""

    machine: str
    port: int
    client_key: Path
    known_hosts: Path
    root: Path
    daemon: Daemon
    address: str = "127.0.0.1"
    user: str = "root"


@pytest.fixture(scope="session")
def foreign_host(
    require: Callable[[str, str], Path], require_root: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], ForeignHost]]:
    """``foreign_host("aarch64")``: a running host whose ``uname -m`` says so; each is made once."""
    del require_root
    made: dict[str, ForeignHost] = {}

    def host(machine: str) -> ForeignHost:
        if machine not in made:
            folder = tmp_path_factory.mktemp(machine)
            made[machine] = _start(machine, folder, _prepared(machine, folder, require), require)
        return made[machine]

    yield host
    for one in made.values():
        one.daemon.stop()


def _prepared(machine: str, folder: Path, require: Callable[[str, str], Path]) -> Path:
    """The emulator, once everything else that is needed is there, too."""
    release = tuple(map(int, re.findall(r"\d+", platform.release())[:2]))
    if release < NEEDS_KERNEL:
        missing(f"foreign hosts need Linux {'.'.join(map(str, NEEDS_KERNEL))}: this is {platform.release()}")
    for program, package in (("apt-get", "apt"), ("dpkg-deb", "dpkg"), ("tar", "tar"), ("ldd", "libc-bin"),
                             ("unshare", "util-linux"), ("ssh-keygen", "openssh-client")):  # fmt: skip
        require(program, package)
    if not KEYRING.is_file():
        missing(f"{KEYRING} is missing: apt-get install debian-archive-keyring")
    emulator = require(ARCHITECTURES[machine].emulator, "qemu-user")
    _unpacked(ARCHITECTURES[machine].debian, folder)
    return emulator


# ---------------------------------------------------------------- the userland


def _mirror() -> str:
    """The Debian mirror that this machine uses."""
    listed = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", check=False).split()
    return next((uri for uri in listed if uri.rstrip("/").endswith("/debian")), DEFAULT_MIRROR)


def _unpacked(debian: str, folder: Path) -> None:
    """Download into folders of our own, with Debian's signatures checked, then unpack."""
    state, archives, root = folder / "apt", folder / "archives", folder / "root"
    for path in (state / "lists" / "partial", state / "cache", archives, root):
        path.mkdir(parents=True)
    (state / "status").touch()
    (state / "sources.list").write_text(f"deb [signed-by={KEYRING}] {_mirror()} {SUITE} main\n")
    settings = {
        "Dir::Etc": state, "Dir::Etc::sourcelist": state / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": state, "Dir::State::status": state / "status", "Dir::Cache": state / "cache",
        "APT::Architecture": debian, "APT::Architectures": debian, "APT::Sandbox::User": "root",
        "Acquire::Languages": "none", "Acquire::Retries": 3,
    }  # fmt: skip
    apt = ["apt-get", "-qq", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]
    for words in (["update"], ["download", *PACKAGES.split()]):
        done = subprocess.run(
            [*apt, *words], cwd=archives, capture_output=True, text=True, timeout=DOWNLOAD_WITHIN_S, check=False
        )
        if done.returncode:
            missing(f"Debian's packages for {debian} cannot be had: {done.stderr[-500:]}")
    _extract(archives, root)


def _extract(archives: Path, root: Path) -> None:
    for name in ("bin", "sbin", "lib"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for package in sorted(archives.glob("*.deb")):
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as unpack:
            subprocess.run(
                ["tar", "-x", "--keep-directory-symlink", "-C", root, "--exclude=./usr/share/doc", "--exclude=./usr/share/man"],
                stdin=unpack.stdout, check=True,
            )  # fmt: skip
        package.unlink()
    (root / "usr/bin/awk").symlink_to("mawk")


# ---------------------------------------------------------------- the host


def _furnish(root: Path, emulator: Path, cpuinfo: str) -> None:
    """What a configured system would have; the emulator with its libraries, for it is dynamic."""
    for name in ("dev", "mnt", "proc", "root", "run/sshd", "tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("null", "zero", "urandom"):
        (root / "dev" / name).touch()
    (root / "containerd.toml").write_text(CONTAINERD_CONFIG)
    (root / "cpuinfo").write_text(cpuinfo)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n")
    (root / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
    (root / "etc/os-release").write_text('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    for library in re.findall(r"(/\S+) \(0x", run("ldd", emulator)):
        place = root / library.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(Path(library).read_bytes())
        place.chmod(0o755)


def _start(machine: str, folder: Path, emulator: Path, require: Callable[[str, str], Path]) -> ForeignHost:
    architecture, root, port = ARCHITECTURES[machine], folder / "root", free_port()
    _furnish(root, emulator, architecture.cpuinfo)
    keygen = require("ssh-keygen", "openssh-client")
    for key in (root / "host_key", folder / "client_key"):
        run(keygen, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key)
    (root / "authorized_keys").write_text((folder / "client_key.pub").read_text())
    (root / "sshd_config").write_text(SSHD_CONFIG.format(port=port))
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {(root / 'host_key.pub').read_text()}")
    become = folder / "become.sh"
    become.write_text(BECOME)
    engine = root / "run/containerd/containerd.sock"
    argv = ["sh", "-c", ENTER, "sh", become, root, emulator, *_magic(architecture)]
    try:
        daemon = Daemon.start(
            argv, folder, lambda: engine.exists() and listens(port), env={"PATH": os.environ["PATH"], "LC_ALL": "C"}
        )
    except NotReadyError as error:
        if "mount" in str(error) or "unshare" in str(error):
            missing(f"a user namespace with its own binfmt_misc cannot be had here: {error}")
        raise
    return ForeignHost(machine, port, folder / "client_key", known, root, daemon)


def _magic(architecture: Architecture) -> tuple[str, str]:
    """What binfmt_misc recognizes a little-endian executable of this architecture by, as its rules are written."""
    magic = bytes([0x7F, *b"ELF", architecture.elf_class, 1, 1, *bytes(9), 2, 0, architecture.elf_machine, 0])
    mask = bytes([*b"\xff" * 7, 0, *b"\xff" * 8, 0xFE, 0xFF, 0xFF, 0xFF])
    return "".join(f"\\x{byte:02x}" for byte in magic), "".join(f"\\x{byte:02x}" for byte in mask)
