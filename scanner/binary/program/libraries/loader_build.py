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

MAX_PATH = 1026
"""Characters of a path in it."""

MAX_DIRECTORIES = 16
"""Of one list; glibc has two to four."""

_PATH_FILE = re.compile(rb"(/etc/ld-musl-[A-Za-z0-9_.-]{1,64}\.path)\0")
_SYSTEM_PATH = re.compile(rb"/[^\0:]{0,512}+(?::/[^\0:]{1,256}+){1,8}\Z")
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
        path = next((text for text in _texts(whole)[1:] if _is_system_path(text)), MUSL_DIRECTORIES.encode())
        return LoaderBuild("musl", tuple(_text(path).split(":")), path_file=_text(musl[1]))
    return _glibc(whole)


def _texts(whole: bytes) -> list[bytes]:
    """All that stands before a NUL: only of musl's loader, since it takes 20 ms of a megabyte."""
    return whole.split(b"\0")[:-1]


def _is_system_path(text: bytes) -> bool:
    return _SYSTEM_PATH.match(text) is not None and b"lib" in text.partition(b":")[0]


def _glibc(whole: bytes) -> LoaderBuild | None:
    cache = _path(whole, b"/ld.so.cache")
    directories = _directories(whole) if cache else None
    if directories is None:
        return None
    preload, has_hwcaps = _path(whole, b"/ld.so.preload"), _HWCAPS in whole
    shown = tuple(_text(each).rstrip("/") or "/" for each in directories)
    return LoaderBuild("glibc", shown, _text(cache), _text(preload), has_hwcaps=has_hwcaps)


def _path(whole: bytes, name: bytes) -> bytes:
    """The first path that ends in this name; empty where there is none."""
    at = whole.find(name + b"\0")
    while at >= 0:
        end = at + len(name)
        path = _path_in(whole[max(end - MAX_PATH, 0) : end])  # a NUL before it is as unprintable as any other
        if path:
            return path
        at = whole.find(name + b"\0", end)
    return b""


def _path_in(text: bytes) -> bytes:
    """The path with which a text ends: from its first slash that nothing unprintable follows."""
    tail = text[-MAX_PATH:]
    start = next((at for at in range(len(tail) - 1, -1, -1) if not 0x21 <= tail[at] <= 0x7E), -1) + 1  # noqa: PLR2004 -- ! to ~
    slash = tail.find(b"/", start)
    return tail[slash:] if slash >= 0 else b""


def _directories(whole: bytes) -> list[bytes] | None:
    """The first texts in a row that are all directories of libraries, each with a slash at its end."""
    run: list[bytes] = []
    after = 0
    while (slash := whole.find(b"/\0", after)) >= 0:
        start = whole.rfind(b"\0", after, slash) + 1 or after
        path = _path_in(whole[start : slash + 1])
        if run and (whole[after:start].strip(b"\0") or start + len(path) <= slash):  # others follow at once
            if _are_of_libraries(run):
                break
            run = []
        if len(path) > 1:
            run.append(path)
        after = slash + len(b"/\0")
    return run[:MAX_DIRECTORIES] if _are_of_libraries(run) else None


def _are_of_libraries(run: list[bytes]) -> bool:
    return len(run) > 1 and all(b"lib" in each for each in run[:MAX_DIRECTORIES])


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
