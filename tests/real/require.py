"""Where the real programs are; what to install when one is missing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

DEBIAN_FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Searched before PATH: a machine may have another docker in /usr/local/bin that shadows the one of the tested set."""
CAP_SYS_ADMIN = 1 << 21
"""Without it no engine can mount a root file system for a container."""


def find(binary: str) -> Path | None:
    """The program, Debian's own first; PostgreSQL keeps its programs in a folder of each version."""
    postgres = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    found = shutil.which(binary, path=os.pathsep.join([*postgres, *DEBIAN_FOLDERS, os.environ.get("PATH", "")]))
    return Path(found) if found else None


def missing(what: str) -> None:
    """End this test: as a failure where everything must be there, as a skip on a developer's machine."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


@pytest.fixture(scope="session")
def require() -> Callable[[str, str], Path]:
    """``require("promtool", "prometheus")``: the path of the program that this Debian package brings."""

    def path_of(binary: str, package: str) -> Path:
        found = find(binary)
        if found is None:
            missing(f"{binary} is missing: apt-get install {package}")
        return found

    return path_of


@pytest.fixture(scope="session")
def require_root() -> None:
    """The engines can mount file systems here."""
    status = Path("/proc/self/status").read_text()
    effective = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff"))
    if not int(effective, 16) & CAP_SYS_ADMIN:
        missing("a container engine needs root here: run the tests as root, or in a privileged container")
