"""The files of an archive by name: what a registry's blobs are elsewhere."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from scanner.domain.failure import Failure
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

PIECE_BYTES = 256 * 1024

MAX_LINKS = 4
"""Links from one name to the next; engines make one of them, where a layer occurs twice."""


class ArchiveError(Exception):
    """An archive that is not read any further; becomes a ``Failure`` where somebody asks for its image."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.failure = Failure(Reason.IMAGE_MALFORMED, f"the archive {detail}")


class Blobs(Protocol):
    """Regular files by their names in the archive, such as ``blobs/sha256/…``."""

    def size(self, name: str) -> int | None:
        """How long a file is in bytes; ``None`` where there is none.

        Raises:
            ArchiveError: the name leads somewhere that no archive may lead to.
        """
        ...

    def pieces(self, name: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """The bytes ``start`` up to ``end`` of a file.

        Raises:
            ArchiveError: there is no such file, or it ends before.
        """
        ...

    def close(self) -> None:
        """Let go of it."""


async def whole(blobs: Blobs, name: str, limit: int) -> bytes | None:
    """A file of at most ``limit`` bytes; ``None`` where there is none.

    Raises:
        ArchiveError: it is longer, or cannot be read.
    """
    size = blobs.size(name)
    if size is None:
        return None
    if size > limit:
        raise ArchiveError(f"has a document {printable(name, 200)} of {size} bytes, more than {limit}")
    return b"".join([piece async for piece in blobs.pieces(name, 0, size)])


class Folder:
    """A directory as ``oci:`` names it; links are followed only to what is inside it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._real = Path(os.path.realpath(root))

    def size(self, name: str) -> int | None:
        """How long a file is; ``None`` where there is none."""
        path = self._path(name)
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ArchiveError(f"has {printable(name, 200)}, which cannot be read: {error.strerror}") from None
        if not stat.S_ISREG(found.st_mode):
            raise ArchiveError(f"has {printable(name, 200)}, which is no regular file")
        return found.st_size

    async def pieces(self, name: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """The bytes of a file."""
        size = self.size(name)
        if size is None or size < end:
            raise ArchiveError(f"has no {printable(name, 200)} of {end} bytes")
        try:
            descriptor = os.open(self._path(name), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise ArchiveError(f"has {printable(name, 200)}, which cannot be read: {error.strerror}") from None
        try:
            async for piece in _read(lambda at, count: os.pread(descriptor, count, at), name, start, end):
                yield piece
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Nothing is open."""

    def _path(self, name: str) -> Path:
        path = Path(os.path.realpath(self._root / name))
        if not path.is_relative_to(self._real):
            raise ArchiveError(f"has {printable(name, 200)}, which leads outside of it")
        return path


class Tarball:
    """A tar file whose entries were found: ``places`` are offset and size by name, ``links`` lead from name to name."""

    def __init__(self, descriptor: int, places: Mapping[str, tuple[int, int]], links: Mapping[str, str]) -> None:
        self._descriptor, self._places, self._links = descriptor, places, links

    def size(self, name: str) -> int | None:
        """How long a file is; ``None`` where there is none."""
        place = self._place(name)
        return None if place is None else place[1]

    async def pieces(self, name: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """The bytes of a file."""
        place = self._place(name)
        if place is None or place[1] < end:
            raise ArchiveError(f"has no {printable(name, 200)} of {end} bytes")
        first = place[0]
        async for piece in _read(lambda at, count: os.pread(self._descriptor, count, first + at), name, start, end):
            yield piece

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _place(self, name: str) -> tuple[int, int] | None:
        followed = name
        for _ in range(MAX_LINKS):
            if followed in self._places or followed not in self._links:
                return self._places.get(followed)
            followed = self._links[followed]
        raise ArchiveError(f"has {printable(name, 200)}, a link that leads from link to link")


async def _read(read: Callable[[int, int], bytes], name: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
    at = start
    while at < end:
        piece = await asyncio.to_thread(read, at, min(PIECE_BYTES, end - at))
        if not piece:
            raise ArchiveError(f"ends within {printable(name, 200)}")
        at += len(piece)
        yield piece
