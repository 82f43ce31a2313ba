"""Where in a tar file each of its files is, found without reading what they hold; a packed one is unpacked first."""

from __future__ import annotations

import os
import posixpath
import stat
import tempfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from scanner.binary.layers.layers import clean
from scanner.binary.layers.limits import MIB, LayerError, LayerLimits, unreadable
from scanner.binary.layers.tarstream import BLOCK, TarReader
from scanner.binary.layers.unpack import GZIP_MAGIC, OTHER_MAGICS, SNIFFED_BYTES, ZSTD_MAGIC, Unpack, UnpackBudget
from scanner.domain.failure import Failure
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scanner.binary.layers.tarstream import EntryContent, TarEntry

MAX_ENTRIES = 20_000
"""Files of one archive: a hundred images of sixty layers, with the three files each that old engines wrote."""

MAX_UNPACKED_BYTES = 64 * 1024 * MIB
"""Of one packed archive: four times the largest public image; it lies on the disk of whoever asks."""

PIECE_BYTES = 1 * MIB

LIMITS = LayerLimits(unpacked_bytes=MAX_UNPACKED_BYTES)

_KINDS = {"3": "a device", "4": "a device", "6": "a named pipe"}


@dataclass(frozen=True, slots=True)
class TarPlaces:
    """An open file with the offset and size of each entry by its name, and the targets of links."""

    descriptor: int
    places: dict[str, tuple[int, int]]
    links: dict[str, str]


def find_places(path: Path) -> TarPlaces | Failure:
    """Open an archive and find its entries; blocks, so not for the event loop. The caller closes the descriptor.

    Whatever could lead out of the archive, stand for two things, or is no file is refused by its name.

    Raises:
        OSError: the file cannot be opened, or there is no room to unpack it.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _refuse_irregular(descriptor)
        first = os.pread(descriptor, SNIFFED_BYTES, 0)
        _refuse_packed_otherwise(first)
        if first.startswith((GZIP_MAGIC, ZSTD_MAGIC)):
            packed, descriptor = descriptor, _unpacked(descriptor)
            os.close(packed)
        found = _Entries(descriptor).found()
    except LayerError as error:
        os.close(descriptor)
        limit = error.failure.reason is Reason.LAYER_LIMIT
        reason = Reason.LAYER_LIMIT if limit else Reason.IMAGE_MALFORMED
        return Failure(reason, f"the archive is not read: {error.failure.detail}")
    except BaseException:
        os.close(descriptor)
        raise
    return found


def _refuse_irregular(descriptor: int) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise unreadable("it is no regular file")


def _refuse_packed_otherwise(first: bytes) -> None:
    for magic, name in OTHER_MAGICS:
        if first.startswith(magic):
            raise unreadable(f"it is packed with {name}: unpack it first")


def _unpacked(packed: int) -> int:
    """A file without a name that holds what another one unpacks to."""
    with tempfile.TemporaryFile(prefix="archscan-") as sink:
        budget = UnpackBudget(LIMITS, _writes(sink))
        unpack = Unpack(budget)
        at = 0
        while piece := os.pread(packed, PIECE_BYTES, at):
            at += len(piece)
            unpack.feed(piece)
        unpack.close()
        sink.flush()
        return os.dup(sink.fileno())


def _writes(sink: IO[bytes]) -> Callable[[bytes], None]:
    def write(piece: bytes) -> None:
        sink.write(piece)

    return write


@dataclass(slots=True)
class _Entries:
    """One pass over the headers; a ``tarstream.Sink`` that takes no content."""

    descriptor: int
    at: int = 0
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def found(self) -> TarPlaces:
        """All entries."""
        reader = TarReader(self)
        while not reader.ended:
            block = os.pread(self.descriptor, BLOCK, self.at)
            if not block:
                break
            self.at += len(block)
            reader.feed(block)
            self.at += reader.pass_over()
        reader.close()
        if self.at > os.fstat(self.descriptor).st_size and not reader.ended:
            raise unreadable("it ends inside an entry")
        return TarPlaces(self.descriptor, self.places, self.links)

    def begin(self, entry: TarEntry) -> EntryContent | None:
        """An entry's header was read, its content begins here."""
        shown = printable(entry.name, 200)
        name = clean(entry.name)
        if name is None or entry.name.startswith("/") or ".." in entry.name.split("/"):
            raise unreadable(f"its entry {shown} leads outside of it")
        if entry.flag in _KINDS:
            raise unreadable(f"its entry {shown} is {_KINDS[entry.flag]}")
        if entry.sparse:
            raise unreadable(f"its entry {shown} is a sparse file")
        if entry.flag in ("1", "2"):
            self._link(entry, name, shown)
        elif entry.is_regular:
            self._once(name, shown)
            self.places[name] = (self.at, entry.size)
        if len(self.places) + len(self.links) > MAX_ENTRIES:
            raise unreadable(f"it has more than {MAX_ENTRIES} files")
        return None

    def end(self, entry: TarEntry, content: EntryContent | None) -> None:
        """Nothing was taken of it."""

    def _link(self, entry: TarEntry, name: str, shown: str) -> None:
        above = name.rpartition("/")[0] if entry.flag == "2" else ""
        target = posixpath.normpath(posixpath.join("/", above, entry.target))
        parts = posixpath.normpath(posixpath.join(above, entry.target)).split("/")
        if entry.target.startswith("/") or ".." in parts:
            raise unreadable(f"its entry {shown} is a link to {printable(entry.target, 200)}, outside of it")
        self._once(name, shown)
        self.links[name] = target.lstrip("/")

    def _once(self, name: str, shown: str) -> None:
        if name in self.places or name in self.links:
            raise unreadable(f"its entry {shown} is there twice")
