"""Where a dynamic loader looks for libraries, as it was built: its own bytes name the directories."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.binary.program.elf import elf

if TYPE_CHECKING:
    from scanner.binary.layers.body import Body
    from scanner.binary.program.elf.elf import Header

MAX_LOADER_BYTES = 4 * 1024 * 1024
"""Of a loader whose texts are read: glibc's has 250 KB, musl's with all of its C library 700 KB."""

MUSL_DIRECTORIES = "/lib:/usr/local/lib:/usr/lib"
"""Where musl looks without a path file (dynlink.c)."""

_DIRECTORIES = re.compile(rb"(?:/[!-~]{0,1024}/\0){2,16}")
_CACHE = re.compile(rb"(/[!-~]{0,1024}/ld\.so\.cache)\0")
_PRELOAD = re.compile(rb"(/[!-~]{0,1024}/ld\.so\.preload)\0")
_PATH_FILE = re.compile(rb"(/etc/ld-musl-[A-Za-z0-9_.-]{1,64}\.path)\0")
_SYSTEM_PATH = re.compile(rb"\0(/[^\0:]{0,256}lib[^\0:]{0,256}(?::/[^\0:]{1,256}){1,8})\0")
_HWCAPS = b"glibc-hwcaps"


@dataclass(frozen=True, slots=True)
class LoaderBuild:
    """What a loader was built with.

    ``directories`` are searched last. For glibc (``libc``) ``cache`` and ``preload`` are the paths of ld.so.cache and
    ld.so.preload, ``has_hwcaps`` tells that it looks into glibc-hwcaps (2.33 and newer); for musl ``path_file`` is the
    file that stands in for ``directories``.
    """

    libc: str
    directories: tuple[str, ...]
    cache: str = ""
    preload: str = ""
    path_file: str = ""
    has_hwcaps: bool = False

    @property
    def lib(self) -> str | None:
        """What glibc's ``$LIB`` stands for: ``lib64``, ``lib/x86_64-linux-gnu``; ``None`` where that is not known."""
        first = self.directories[0].strip("/").removeprefix("usr/") if self.directories else ""
        return first if first.startswith("lib") else None


def parse(header: Header, body: Body) -> LoaderBuild | None:
    """What a file was built with if it is glibc's or musl's loader, else ``None``."""
    if header.type != elf.ET_DYN or not header.phnum or body.size > MAX_LOADER_BYTES:
        return None
    whole = body.read(0, body.size)
    if whole is None:
        return None
    musl = _PATH_FILE.search(whole)
    if musl is not None:
        path = _SYSTEM_PATH.search(whole)
        return LoaderBuild("musl", tuple(_text(path[1] if path else MUSL_DIRECTORIES.encode()).split(":")),
                           path_file=_text(musl[1]))  # fmt: skip
    return _glibc(whole)


def _glibc(whole: bytes) -> LoaderBuild | None:
    cache = _CACHE.search(whole)
    runs = (match[0].split(b"\0")[:-1] for match in _DIRECTORIES.finditer(whole)) if cache else ()
    directories = next((run for run in runs if all(b"lib" in each for each in run)), None)
    if cache is None or directories is None:
        return None
    preload = _PRELOAD.search(whole)
    return LoaderBuild(
        "glibc",
        tuple(_text(each).rstrip("/") or "/" for each in directories),
        _text(cache[1]),
        _text(preload[1]) if preload else "",
        has_hwcaps=_HWCAPS in whole,
    )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
