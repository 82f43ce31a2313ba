"""Programs of this machine's Debian for images, each with the libraries that it loads."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.real.images import File

_PATH = os.pathsep.join(("/usr/sbin", "/usr/bin", "/sbin", "/bin"))


@cache
def tool(name: str) -> dict[str, bytes | File]:
    """A program at its Debian place, its libraries beside it."""
    found = shutil.which(name, path=_PATH)
    assert found, f"{name} is missing: apt-get install the packages of tests/packages.txt"
    place = Path(found).resolve()
    tree: dict[str, bytes | File] = {_merged(str(place)): place.read_bytes()}
    named = _merged(str(Path(found).parent / name))
    if named not in tree:
        tree[named] = File(link="/" + _merged(str(place)))
    listed = subprocess.run(["ldd", place], capture_output=True, text=True, check=False)
    for library in re.findall(r"(/\S+) \(0x", listed.stdout):
        tree[_merged(library)] = Path(library).read_bytes()
    return tree


def tools(*names: str) -> dict[str, bytes | File]:
    """Several of them."""
    return {path: content for name in names for path, content in tool(name).items()}


def _merged(path: str) -> str:
    """The place below a merged /usr, where images keep it."""
    plain = path.lstrip("/")
    return plain if plain.startswith("usr/") else f"usr/{plain}"


@cache
def busybox(*applets: str) -> dict[str, bytes | File]:
    """Busybox without libraries, and links to it."""
    body = Path("/bin/busybox").read_bytes()
    return {"usr/bin/busybox": body} | {f"usr/bin/{name}": File(link="busybox") for name in applets}
