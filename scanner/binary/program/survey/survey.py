"""Reads each layer once, from its first byte to its last, for every file that could be executed or loaded."""

from __future__ import annotations

import asyncio
import sys
from array import array
from contextlib import aclosing
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from scanner.binary.layers.layers import AUFS_METADATA, MAX_DEPTH, MAX_SYMLINKS, OPAQUE, WHITEOUT, clean
from scanner.binary.layers.limits import MIB, LayerError, LayerLimits, limit_reached, unreadable
from scanner.binary.layers.tarstream import TarReader
from scanner.binary.layers.unpack import Unpack, UnpackBudget
from scanner.binary.program.survey.survey_files import FileReader
from scanner.binary.program.survey.zipstream import Allowance
from scanner.domain.failure import Failure
from scanner.domain.image.image_survey import LayerSurvey, SurveyedFile, SurveyedKind
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.reason import Reason
from scanner.formats.parsing.beside import beside

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from scanner.binary.layers.source import OpenLayer
    from scanner.binary.layers.tarstream import EntryContent, TarEntry
    from scanner.domain.image.offers import Layer

MAX_FILES = 60_000
"""ELF files, those in archives too, and scripts of one layer: the largest public ones (CUDA with conda) hold a third; 30 MiB of memory."""

MAX_ENTRIES = 1_000_000
"""Entries of one layer, of each of which a fingerprint of 8 bytes is kept."""

MAX_NAME_BYTES = 12 * MIB
"""Names that are kept of one layer, those of symbolic links and of what scripts mention among them."""

BATCH_BYTES = 256 * 1024
"""Stored bytes handed to a thread at a time: enough that starting it costs nothing beside, little enough to hold."""

SLICE_BYTES = 32 * 1024
"""Stored bytes that are unpacked at a time; what of them does not fit into a piece is copied once a piece."""

_FINGERPRINT_BYTES = 8


class _Sink:
    """Collects a survey from the entries of one layer; a ``tarstream.Sink``."""

    def __init__(self) -> None:
        self._files: dict[str, SurveyedFile] = {}
        self._parents: set[str] = set()
        self._links: dict[str, str] = {}
        self._hard_links: dict[str, str] = {}
        self._whiteouts: set[str] = set()
        self._opaques: set[str] = set()
        self._covered = array("Q")
        self._directories = array("Q")
        self._searched: dict[str, tuple[str, ...]] = {}
        self._elves: dict[object, SurveyedFile] = {}
        self._allowance = Allowance()
        self._members = 0
        self._name_bytes = 0
        self._last_directory = ("", "")

    # ------------------------------------------------------------ entries

    def begin(self, entry: TarEntry) -> FileReader | None:
        """Read the first bytes of every file."""
        if not entry.is_regular or entry.sparse or not entry.size:
            return None
        return FileReader(clean(entry.name) or "", entry, self._allowance)

    def end(self, entry: TarEntry, content: EntryContent | None) -> None:
        """Remember what an entry is."""
        path = clean(entry.name)
        if not path:
            return  # the root itself, or a name that points out of the image
        if path.count("/") > MAX_DEPTH:
            raise limit_reached(f"a layer nests more than {MAX_DEPTH} directories")
        directory, _, base = path.rpartition("/")
        if f"/{WHITEOUT}" in f"/{directory}":
            return  # aufs kept its own records in such directories
        if base.startswith(WHITEOUT):
            self._whiteout(directory, base)
            return
        if directory != self._last_directory[0]:
            self._last_directory = (directory, self._through_links(directory))
        directory = self._last_directory[1]
        self._put(f"{directory}/{base}" if directory else base, entry, content)

    def _whiteout(self, directory: str, base: str) -> None:
        if base == OPAQUE:
            self._count(directory)
            self._opaques.add(directory)
        elif not base.startswith(AUFS_METADATA) and base != WHITEOUT:
            path = f"{directory}/{base[len(WHITEOUT) :]}".lstrip("/")
            self._count(path)
            self._whiteouts.add(path)

    def _put(self, path: str, entry: TarEntry, content: EntryContent | None) -> None:
        if entry.flag == "5":
            self._forget(path)
            self._fingerprint(self._directories, path)
            return
        self._forget(path)
        if path in self._parents:
            self._forget_below(path)
        match entry.flag:
            case "2":
                self._count(path, entry.target)
                self._links[path] = entry.target
                self._last_directory = ("", "")
            case "1":
                self._hard_link(path, clean(entry.target) or "")
            case "0":
                self._file(path, entry, content)
            case _:
                self._fingerprint(self._covered, path)

    def _file(self, path: str, entry: TarEntry, content: EntryContent | None) -> None:
        found = None
        if entry.sparse:
            found = SurveyedFile(path, SurveyedKind.ELF, entry.mode, problem="it is stored as a sparse file")
        elif isinstance(content, FileReader):
            found = content.file()
            if content.searched:
                self._count(*content.searched)
                self._searched[path] = content.searched
        if found is None:
            self._fingerprint(self._covered, path)
            return
        self._keep(path, found)

    def _hard_link(self, path: str, target: str) -> None:
        known = self._files.get(target)
        if known is not None:
            self._keep(path, known)
            return
        self._count(path, target)
        self._hard_links[path] = target

    def _keep(self, path: str, found: SurveyedFile) -> None:
        self._count(path, *(found.names or ()), *(member.path for member in found.members))
        members = tuple(map(self._alike, found.members))
        self._members += len(members)
        self._files[path] = replace(self._alike(found), path=path, members=members)
        if len(self._files) + self._members > MAX_FILES:
            raise limit_reached(f"a layer holds more than {MAX_FILES} programs, libraries and scripts")
        directory = path.rpartition("/")[0]
        while directory and directory not in self._parents:
            self._parents.add(directory)
            directory = directory.rpartition("/")[0]

    def _alike(self, found: SurveyedFile) -> SurveyedFile:
        """The same file; a layer has a hundred kinds of ELF header, each of which is kept once."""
        return found if found.elf is None else replace(found, elf=self._elves.setdefault(found.elf, found).elf)

    # ------------------------------------------------------------ what is replaced

    def _forget(self, path: str) -> None:
        """The last entry of a name wins."""
        self._files.pop(path, None)
        self._searched.pop(path, None)
        if self._links.pop(path, None) is not None:
            self._last_directory = ("", "")
        self._hard_links.pop(path, None)

    def _forget_below(self, path: str) -> None:
        """A directory that becomes something else takes what it held along."""
        below = f"{path}/"
        for kept in (self._files, self._links, self._hard_links, self._searched):
            for name in [name for name in kept if name.startswith(below)]:
                del kept[name]
        self._parents = {name for name in self._parents if name != path and not name.startswith(below)}

    def _through_links(self, directory: str) -> str:
        """Where a directory leads in this layer alone: an entry below a symlink is unpacked where that points."""
        for _ in range(MAX_SYMLINKS):
            moved = self._first_link(directory) if self._links else None
            if moved is None:
                return directory
            if moved.count("/") > MAX_DEPTH:
                raise limit_reached(f"the symlinks of a layer nest more than {MAX_DEPTH} directories")
            directory = moved
        return directory

    def _first_link(self, directory: str) -> str | None:
        parts = directory.split("/")
        for count in range(1, len(parts) + 1):
            ancestor = "/".join(parts[:count])
            target = self._links.get(ancestor)
            if target is not None:
                above = "" if target.startswith("/") else ancestor.rpartition("/")[0]
                return clean(f"{above}/{target}/{directory[len(ancestor) :]}") or ""
        return None

    # ------------------------------------------------------------ bounds

    def _count(self, *names: str) -> None:
        self._name_bytes += sum(map(len, names))
        if self._name_bytes > MAX_NAME_BYTES:
            raise limit_reached(f"the names in a layer add up to more than {MAX_NAME_BYTES} bytes")
        if len(self._links) + len(self._hard_links) + len(self._whiteouts) > MAX_ENTRIES // 8:
            raise limit_reached(f"a layer holds more than {MAX_ENTRIES // 8} links and whiteouts")

    def _fingerprint(self, into: array[int], path: str) -> None:
        into.append(fingerprint(path))
        if len(self._covered) + len(self._directories) > MAX_ENTRIES:
            raise limit_reached(f"a layer holds more than {MAX_ENTRIES} entries")

    def stop(self) -> None:
        """Unpack no more of what archives hold."""
        self._allowance.stop()

    def survey(self) -> LayerSurvey:
        """What was collected."""
        return LayerSurvey(
            files=tuple(self._files[path] for path in sorted(self._files)),
            links=dict(sorted(self._links.items())),
            hard_links=dict(sorted(self._hard_links.items())),
            whiteouts=frozenset(self._whiteouts),
            opaques=frozenset(self._opaques),
            covered=_packed(self._covered),
            directories=_packed(self._directories),
            searched=dict(sorted(self._searched.items())),
        )


async def read_layer(layer: Layer, open_layer: OpenLayer, limits: LayerLimits) -> LayerSurvey | Failure:
    """Stream a layer once, to its end, so that it is known to be what its digest says.

    Inflating and all that is done with the bytes takes place in a thread, in batches. Trouble with the layer or its
    transport is a Failure; only cancellation is raised.
    """
    if layer.foreign:
        return Failure(Reason.LAYER_FOREIGN, f"{layer.digest} is kept at a foreign address, which is never followed")
    if layer.media_type.partition(";")[0].strip().lower().endswith("+encrypted"):
        return Failure(Reason.LAYER_ENCRYPTED, f"{layer.digest} is encrypted")
    reading = _Reading(layer, limits)
    try:
        async with asyncio.timeout(limits.read_s):
            async with open_layer(layer) as chunks, aclosing(batches(chunks)) as stored:
                async for batch in stored:
                    await beside(reading.feed, batch)
            return await beside(reading.end)
    except TimeoutError:
        return Failure(Reason.LAYER_LIMIT, f"reading {layer.digest} took longer than {limits.read_s:g} s")
    except StreamBroken as broken:
        return broken.failure
    except LayerError as error:
        return error.failure
    finally:
        reading.stop()


class _Reading:
    """One layer from stored bytes to its survey; called from one thread at a time."""

    def __init__(self, layer: Layer, limits: LayerLimits) -> None:
        self._layer = layer
        self._sink = _Sink()
        self._tar = TarReader(self._sink)
        self._budget = UnpackBudget(limits, self._tar.feed)
        self._unpack = Unpack(self._budget)

    def feed(self, batch: bytes) -> None:
        for at in range(0, len(batch), SLICE_BYTES):
            self._unpack.feed(batch[at : at + SLICE_BYTES])
        if self._layer.size > 0 and self._budget.stored > self._layer.size:
            raise unreadable(f"{self._layer.digest} is longer than the {self._layer.size} bytes that its manifest says")

    def stop(self) -> None:
        """Let a batch that nobody waits for any more end at the next member of an archive; from any thread."""
        self._sink.stop()

    def end(self) -> LayerSurvey:
        if self._budget.stored < self._layer.size:
            raise unreadable(f"{self._layer.digest} ended after {self._budget.stored} of {self._layer.size} bytes")
        self._unpack.close()
        self._tar.close()
        return self._sink.survey()


async def batches(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The same bytes in pieces of about ``BATCH_BYTES``."""
    held: list[bytes] = []
    length = 0
    async for chunk in chunks:
        held.append(chunk)
        length += len(chunk)
        if length >= BATCH_BYTES:
            yield b"".join(held)
            held, length = [], 0
    if held:
        yield b"".join(held)


def fingerprint(path: str) -> int:
    """Eight bytes that stand for a path; whoever finds two paths of one fingerprint hides a file of his own."""
    digest = blake2b(path.encode("utf-8", "surrogateescape"), digest_size=_FINGERPRINT_BYTES).digest()
    return int.from_bytes(digest, "big")


def _packed(fingerprints: array[int]) -> bytes:
    """Each once, sorted, big-endian; sorted in parts, for a list of all of them would take four times their room."""
    parts = [array("Q") for _ in range(256)]
    for each in fingerprints:
        parts[each >> 56].append(each)
    packed = bytearray()
    for part in parts:
        ordered = array("Q", sorted(set(part)))
        if sys.byteorder == "little":
            ordered.byteswap()
        packed += ordered.tobytes()
    return bytes(packed)
