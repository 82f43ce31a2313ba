"""Other generations of Debian: a root made by debootstrap, entered in a mount namespace of its own."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real.process import Daemon
from tests.real.require import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIRROR = "http://deb.debian.org/debian"
MADE_WITHIN_S = 600
"""A minute on a quiet machine with a near mirror; ten of them are a mirror that is not there."""
PACKAGES = {
    "bookworm": "docker.io,containerd,runc,iptables,ca-certificates,podman,crun",
    "trixie": "docker.io,docker-cli,containerd,runc,iptables,ca-certificates,podman,crun,docker-compose,docker-buildx",
    "sid": "docker.io,docker-cli,containerd,runc,iptables,ca-certificates,podman,crun,docker-compose",
}
"""What each root holds: Debian's engines of that generation. Debian 12's docker.io brings its client along."""

HOLD = r"""
set -e
root=$1 folder=$2
mount --bind "$root" "$root"
mount --rbind /proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
for place in run tmp mnt; do mount -t tmpfs tmpfs "$root/$place"; done
mkdir -p "$root$folder"
mount --bind "$folder" "$root$folder"
exec chroot "$root" /bin/sh -c 'echo >"$1/held"; exec sleep infinity' sh "$folder"
"""
"""Stays in the namespace and in the root, so that others can join. Without the first mount containerd finds none of its
root, and starts without half of its plugins."""


def native_suite() -> str:
    """The suite of this machine, empty where it is no Debian."""
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return ""
    named = dict(line.split("=", 1) for line in lines if "=" in line)
    return named.get("VERSION_CODENAME", "").strip('"')


def cache_folder() -> Path:
    """Where roots stay between runs, outside of any working tree."""
    if home := os.environ.get("XDG_CACHE_HOME"):
        return Path(home) / "archscan-tests"
    return Path("/var/cache/archscan-tests")


@dataclass
class Root:
    """A Debian that is not this machine's; ``folder`` has the same path inside as outside."""

    suite: str
    root: Path
    folder: Path
    daemon: Daemon

    def program(self, name: str) -> Path:
        """A program for outside that runs the one inside, its arguments and its process id the same."""
        found = shutil.which(name, path=os.pathsep.join(f"{self.root}/usr/{part}" for part in ("sbin", "bin")))
        assert found, f"{self.suite} has no {name}"
        script = self.folder / "bin" / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(
            f"#!/bin/sh\nexport PATH=/usr/sbin:/usr/bin:/sbin:/bin PODMAN_IGNORE_CGROUPSV1_WARNING=1\n"
            f"exec nsenter --target {self.daemon.process.pid} --mount --root --wdns=/ "
            f'-- {found.removeprefix(str(self.root))} "$@"\n'
        )
        script.chmod(0o755)
        return script


@pytest.fixture(scope="session")
def enter_root(
    require: Callable[[str, str], Path], require_root: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Root]]:
    """``enter_root("trixie")``: that Debian's root, made on first use, one namespace for all that a worker starts."""
    entered: dict[str, Root] = {}

    def enter(suite: str) -> Root:
        if suite not in entered:
            root = made_root(suite, require)
            folder = tmp_path_factory.mktemp(suite)
            argv = [
                require("unshare", "util-linux"),
                *("--mount", "--propagation", "private", "sh", "-c", HOLD, "sh", root, folder),
            ]
            held = folder / "held"
            entered[suite] = Root(suite, root, folder, Daemon.start(argv, folder, held.exists))
        return entered[suite]

    yield enter
    for root in entered.values():
        root.daemon.stop()


def made_root(suite: str, require: Callable[[str, str], Path]) -> Path:
    """The root, made now if it is not there; two workers that want it at once make it once."""
    cache = cache_folder()
    root = cache / suite
    if not _is_whole(root, suite):
        debootstrap = require("debootstrap", "debootstrap")
        unshare = require("unshare", "util-linux")
        (cache / "debs").mkdir(parents=True, exist_ok=True)
        with (cache / f"{suite}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_whole(root, suite):
                _make(unshare, debootstrap, suite, cache)
    return root


def _is_whole(root: Path, suite: str) -> bool:
    """Whether a root that an earlier run left has all that is wanted of it today."""
    return all((root / "var/lib/dpkg/info" / f"{name}.list").exists() for name in PACKAGES[suite].split(","))


def _make(unshare: Path, debootstrap: Path, suite: str, cache: Path) -> None:
    """Signed packages; what was only half made is thrown away by the next attempt.

    What it mounts, and starts, ends with it: a ``proc`` that an attempt left mounted would be in the way of all further ones.
    """
    half = cache / f"{suite}.partial"
    shutil.rmtree(half, ignore_errors=True)
    argv = [
        *(unshare, "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"),
        *("nice", debootstrap, "--variant=minbase", f"--cache-dir={cache}/debs", f"--include={PACKAGES[suite]}"),
        *(suite, half, os.environ.get("ARCHSCAN_TEST_MIRROR", MIRROR)),
    ]
    log = cache / f"{suite}.log"
    with log.open("wb") as sink:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, timeout=MADE_WITHIN_S, check=False
        )
    if done.returncode:
        missing(f"debootstrap made no root of {suite} (820 MB in {cache}); {log} says why")
    shutil.rmtree(cache / suite, ignore_errors=True)
    half.rename(cache / suite)
