"""A Debian that is not this machine's, started with its own systemd as process 1."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real.process import Daemon, run, until
from tests.real.roots import made_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BOOT = r"""
set -e
root=$1 folder=$2 own=$2/own
mkdir -p "$own" "$folder/root"
mount -t tmpfs tmpfs "$own"
mkdir "$own/upper" "$own/work"
mount -t overlay -o "lowerdir=$root,upperdir=$own/upper,workdir=$own/work" overlay "$folder/root"
root=$folder/root
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
umount -l "$root/sys/fs/cgroup"
mount -t cgroup2 none "$root/sys/fs/cgroup"
mkdir -p "$root/var/lib/containers"
for place in run tmp var/lib/containers; do mount -t tmpfs tmpfs "$root/$place"; done
mkdir -p "$root$folder/shared" "$root/run/systemd/system/service.d"
mount --bind "$folder/shared" "$root$folder/shared"
printf '[containers]\npids_limit = 0\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\nlog_driver = "k8s-file"\n[engine]\ncgroup_manager = "cgroupfs"\n' >"$root/run/limits.conf"
printf '[Service]\nEnvironment=CONTAINERS_CONF_OVERRIDE=/run/limits.conf\n' >"$root/run/systemd/system/service.d/limits.conf"
mkdir "$root/former"
cd "$root"
pivot_root . former
exec chroot . /usr/bin/env -i container=docker PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c 'umount -l /former &&
  exec /usr/lib/systemd/systemd --system --unit=basic.target --log-target=console --show-status=no'
"""
"""Everything that it writes is gone with it. This machine has no controller for the number of processes in cgroup v2. In a
root that is only a chroot no engine can join a container, so that none of its checks would run."""


@dataclass
class Booted:
    """A running system; ``shared`` has the same path inside as outside."""

    shared: Path
    daemon: Daemon
    inner: int

    @property
    def enter(self) -> tuple[str, ...]:
        """The words before a command that is to run inside."""
        return (
            *("nsenter", f"--target={self.inner}", "--mount", "--pid", "--cgroup", "--ipc", "--uts", "--root", "--wdns=/", "--"),
            *("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "CONTAINERS_CONF_OVERRIDE=/run/limits.conf"),
        )  # fmt: skip

    def run(self, *words: str | Path, check: bool = True) -> str:
        """What a command inside prints."""
        return run(*self.enter, *words, check=check)


@pytest.fixture(scope="module")
def booted(
    require: Callable[[str, str], Path], require_root: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Booted]:
    """Debian's coming release with its systemd and Podman; it takes some seconds."""
    root = made_root("sid", require)
    folder = tmp_path_factory.mktemp("boot")
    (folder / "shared").mkdir()
    argv = [
        require("unshare", "util-linux"), "--pid", "--mount", "--cgroup", "--ipc", "--uts", "--fork", "--mount-proc",
        "--kill-child", "--propagation", "private", "sh", "-c", BOOT, "sh", root, folder,
    ]  # fmt: skip

    daemon = Daemon.start(argv, folder, lambda: True)
    made = Booted(folder / "shared", daemon, 0)
    children = Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children")

    def up() -> bool:
        made.inner = int((children.read_text().split() or ["0"])[0])
        told = subprocess.run(
            [*made.enter, "systemctl", "is-system-running"], capture_output=True, text=True, check=False
        )
        return told.stdout.strip() in {"running", "degraded"}

    try:
        until(up, "systemd")
        yield made
    finally:
        run("kill", "-9", str(made.inner), check=False)
        daemon.stop()
