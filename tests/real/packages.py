"""Real packages that ship machine code for several CPUs: fetched by their own tools, read without installing them.

Run as a module, it records their ELF files (path, mode, first bytes, interpreter as pyelftools reads it) into
tests/data/surveys, so that the judgement of them is tested where no registry can be reached.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from elftools.elf.elffile import ELFFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RECORDED = Path(__file__).parents[1] / "data" / "surveys"
HEAD_BYTES = 64
FETCH_WITHIN_S = 120
SITE_PACKAGES = "usr/local/lib/python3.11/site-packages"


@dataclass(frozen=True)
class Package:
    """One package; ``native`` are the CPUs for which it holds all that it needs, ``foreign`` those for which not."""

    tool: str
    name: str
    native: tuple[str, ...]
    foreign: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The name of its record."""
        return self.name.replace("@", "-").replace("/", "-").replace("==", "-").strip("-")


PACKAGES = (
    Package("npm", "bcrypt@6.0.0", ("amd64", "arm64")),
    Package("npm", "classic-level@3.0.0", ("amd64", "arm64")),
    Package("npm", "sodium-native@5.1.0", ("amd64", "arm64")),
    Package("npm", "leveldown@6.1.1", ("amd64", "arm64")),
    Package("npm", "@serialport/bindings-cpp@13.0.1", ("amd64", "arm64")),
    Package("npm", "@esbuild/linux-arm64@0.28.2", ("arm64",)),
    Package("npm", "bufferutil@4.1.0", ("amd64",), ("arm64",)),
    Package("pip", "debugpy==1.8.14", ("amd64",)),
    Package("pip", "jpype1==1.7.1", ("amd64",), ("arm64",)),
    Package("pip", "setuptools==84.2.1", ("amd64", "arm64")),
    Package("pip", "fprime-yamcs-bundle==5.12.8.0", ("amd64", "arm64"), ("s390x",)),
    Package("apt", "valgrind", ("amd64",), ("arm64",)),
    Package("apt", "gdb", ("amd64",), ("arm64",)),
)


def fetch(package: Package, folder: Path) -> Path:
    """The package's own archive, by its own tool."""
    commands = {
        "npm": ["npm", "pack", "--silent", package.name],
        "pip": [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", package.name],
        "apt": ["apt-get", "download", package.name],
    }
    subprocess.run(commands[package.tool], cwd=folder, check=True, timeout=FETCH_WITHIN_S, capture_output=True)
    return next(path for path in folder.iterdir() if path.is_file())


def layer_of(package: Package, archive: Path) -> bytes:
    """The package as a tar archive of an image's layer, where its tool would install it."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for name, mode, content in _files(package, archive):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = mode, len(content)
            tar.addfile(entry, io.BytesIO(content))
    return sink.getvalue()


def _files(package: Package, archive: Path) -> Iterator[tuple[str, int, bytes]]:
    if package.tool == "pip":
        with zipfile.ZipFile(archive) as wheel:
            for info in wheel.infolist():
                if not info.is_dir():
                    yield f"{SITE_PACKAGES}/{info.filename}", (info.external_attr >> 16) & 0o777, wheel.read(info)
        return
    if package.tool == "apt":
        raw = subprocess.run(["dpkg-deb", "--fsys-tarfile", archive], check=True, capture_output=True).stdout
    else:
        raw = archive.read_bytes()
    folder = "" if package.tool == "apt" else f"app/node_modules/{package.name.rpartition('@')[0]}/"
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        for member in tar:
            if member.isreg():
                name = member.name.removeprefix("./" if package.tool == "apt" else "package/")
                yield f"{folder}{name}", member.mode, tar.extractfile(member).read()


def _with_members(files: Iterable[tuple[str, int, bytes]]) -> Iterator[tuple[str, int, bytes]]:
    """The files with those in Java archives, as Python's own reader of them finds them."""
    for name, mode, content in files:
        yield name, mode, content
        if name.endswith(".jar"):
            with zipfile.ZipFile(io.BytesIO(content)) as jar:
                yield from ((f"{name}!/{info.filename}", 0, jar.read(info)) for info in jar.infolist())


def record(package: Package, archive: Path) -> None:
    """Write what the package's ELF files are."""
    files = []
    for name, mode, content in _with_members(_files(package, archive)):
        if content.startswith(b"\x7fELF"):
            interpreter = next(ELFFile(io.BytesIO(content)).iter_segments("PT_INTERP"), None)
            path = interpreter.get_interp_name() if interpreter is not None else ""
            files.append([f"/{name}", mode, content[:HEAD_BYTES].hex(), path])
    said = {"package": package.name, "native": package.native, "foreign": package.foreign, "files": sorted(files)}
    RECORDED.mkdir(exist_ok=True)
    lines = json.dumps(said, indent=None, separators=(", ", ": ")).replace("], [", "],\n  [")
    (RECORDED / f"{package.file}.json").write_text(lines + "\n")


def main() -> None:
    """Record all of them anew."""
    for package in PACKAGES:
        with tempfile.TemporaryDirectory() as folder:
            record(package, fetch(package, Path(folder)))


if __name__ == "__main__":
    main()
