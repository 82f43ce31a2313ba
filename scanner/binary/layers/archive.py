"""Finds the program of an image that only a host has, in what ``docker save`` or ``podman save`` prints.

One pass over the stream: every blob that is a layer is indexed as it passes, every small JSON document is kept, and
when the archive is over its manifest tells which of them belong together. Layouts: docker-archive and OCI.
"""

from __future__ import annotations

import asyncio
import posixpath
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from scanner.binary.layers import docker_archive
from scanner.binary.layers.layers import LayerIndex, clean
from scanner.binary.layers.limits import LayerError, LayerLimits, limit_reached, unreadable
from scanner.binary.layers.reading import SLICE_BYTES, THINK_S
from scanner.binary.layers.tables import parse_table
from scanner.binary.layers.tarstream import TarReader
from scanner.binary.layers.unanswered import Unfetched, Unread
from scanner.binary.layers.unpack import Unpack, UnpackBudget
from scanner.binary.layers.usage import Usage
from scanner.binary.layers.view import View
from scanner.binary.program import argv, chain, emulators
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Program
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.reason import Reason
from scanner.formats.parsing.beside import beside
from scanner.formats.parsing.patience import PatienceError, patience

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scanner.binary.layers.docker_archive import SavedImage
    from scanner.binary.layers.tarstream import EntryContent, TarEntry
    from scanner.domain.facts import Process

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
"""Of one JSON document: what registries accept for a manifest."""

MAX_DOCUMENTS_BYTES = 32 * 1024 * 1024
"""Of all JSON documents of one archive together; they are kept in memory until it ends."""

MAX_BLOBS = 4096
"""Files of one archive: 512 layers with the three files each that old engines wrote."""

_DEFAULT = LayerLimits()


async def inspect_archive(
    stream: AsyncIterator[bytes], image_id: str = "", override: Process | None = None, limits: LayerLimits = _DEFAULT
) -> Program:
    """Open what the image of this ID (needed only where the archive holds several) starts.

    ``stream`` yields the archive, packed or not. Every trouble is ``Program.problem``.
    """
    said = argv.resolve(None, override).argv
    try:
        async with asyncio.timeout(limits.read_s):
            return await _program(stream, image_id, override, limits)
    except LayerError as error:
        return Program(said, problem=error.failure)
    except StreamBroken as broken:
        return Program(said, problem=broken.failure)
    except TimeoutError:
        return Program(said, problem=Failure(Reason.LAYER_LIMIT, f"the archive took longer than {limits.read_s:g} s"))


async def _program(
    stream: AsyncIterator[bytes], image_id: str, override: Process | None, limits: LayerLimits
) -> Program:
    archive = _Archive(limits)
    tar = TarReader(archive)
    budget = UnpackBudget(limits, tar.feed)
    unpack = Unpack(budget)

    def taken(chunk: bytes) -> None:
        for at in range(0, len(chunk), SLICE_BYTES):
            unpack.feed(chunk[at : at + SLICE_BYTES])

    async for chunk in stream:
        await beside(taken, chunk)
    unpack.close()
    tar.close()
    return await beside(_found, archive, image_id, override)


def _found(archive: _Archive, image_id: str, override: Process | None) -> Program:
    """What one image of an archive starts, once all of it was read."""
    saved = docker_archive.find(archive.documents, image_id)
    if isinstance(saved, Failure):
        return Program((), problem=saved)
    command = argv.resolve(saved.process, override)
    try:
        view = archive.view(saved)
        with patience(THINK_S):
            program = chain.program(view, command)
        return replace(program, emulators=emulators.carried(view, program.files))
    except (Unread, Unfetched):  # every layer was read to its end, so neither can be asked for
        return Program(command.argv, problem=Failure(Reason.BINARY_UNKNOWN, "the archive lacks a part of the image"))
    except LayerError as error:
        return Program(command.argv, problem=error.failure)
    except PatienceError as error:
        return Program(command.argv, problem=Failure(Reason.LAYER_LIMIT, f"following what it starts: {error}"))


@dataclass(slots=True)
class _Archive:
    """What passed by; a ``tarstream.Sink``."""

    limits: LayerLimits
    usage: Usage = field(init=False)
    documents: dict[str, Any] = field(default_factory=dict)
    layers: dict[str, LayerIndex | Failure] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    held_bytes: int = 0
    blobs: int = 0

    def __post_init__(self) -> None:
        self.usage = Usage(self.limits)

    def begin(self, entry: TarEntry) -> EntryContent | None:
        self.blobs += 1
        if self.blobs > MAX_BLOBS:
            raise limit_reached(f"the archive holds more than {MAX_BLOBS} files")
        return _Blob(self, entry.size) if entry.is_regular and entry.size else None

    def end(self, entry: TarEntry, content: EntryContent | None) -> None:
        name = clean(entry.name)
        if name is None:
            return
        if entry.flag in ("1", "2") and len(self.links) < MAX_BLOBS:
            above = name.rpartition("/")[0] if entry.flag == "2" else ""
            self.links[name] = posixpath.normpath(f"{above}/{entry.target}").lstrip("/")
        if isinstance(content, _Blob):
            content.finish(name)

    def view(self, saved: SavedImage) -> View:
        """The layers of one image, top first."""
        indexes: list[LayerIndex] = []
        unread: dict[int, Failure] = {}
        for number, name in enumerate(reversed(saved.layers)):
            layer = self.layers.get(self._followed(name))
            if isinstance(layer, LayerIndex):
                indexes.append(layer)
            else:
                indexes.append(LayerIndex(self.usage))
                unread[number] = layer or Failure(Reason.LAYER_UNREADABLE, f"the archive holds no layer {name}")
        return View(indexes, unread, [0] * len(indexes))

    def _followed(self, name: str) -> str:
        """Old engines save a layer that occurs twice as a symlink."""
        for _ in range(2):
            if name in self.layers:
                break
            name = self.links.get(name, name)
        return name


class _Blob:
    """One file of the archive: a JSON document by its first byte, else a layer."""

    def __init__(self, archive: _Archive, size: int) -> None:
        self._archive = archive
        self._size = size
        self._document: bytearray | None = None
        self._failure: Failure | None = None
        self._index = LayerIndex(archive.usage)
        self._tar = TarReader(self._index)
        self._budget = UnpackBudget(archive.limits, self._tar.feed, archive.usage.unpacked_bytes)
        self._unpack = Unpack(self._budget)
        self._started = False

    def feed(self, piece: memoryview) -> None:
        if not self._started:
            self._started = True
            if piece[0] in b"{[" and self._size <= MAX_DOCUMENT_BYTES:
                self._document = bytearray()
        if self._document is not None:
            self._keep(piece, self._document)
        elif self._failure is None:
            self._read(piece)

    def _keep(self, piece: memoryview, document: bytearray) -> None:
        self._archive.held_bytes += len(piece)
        if self._archive.held_bytes > MAX_DOCUMENTS_BYTES:
            raise limit_reached(f"the documents of the archive add up to more than {MAX_DOCUMENTS_BYTES} bytes")
        document += piece

    def _read(self, piece: memoryview) -> None:
        """What is no layer (``VERSION``, say) matters only if the manifest calls it one."""
        try:
            self._unpack.feed(bytes(piece))
        except LayerError as error:
            if error.failure.reason is Reason.LAYER_LIMIT:
                raise
            self._failure = error.failure

    def finish(self, name: str) -> None:
        """The file is over."""
        if self._document is not None:
            try:
                self._archive.documents[name] = parse_table(bytes(self._document))
            except LayerError:
                self._archive.documents[name] = None
            return
        self._archive.usage.unpacked_bytes += self._budget.unpacked
        try:
            self._close()
        except LayerError as error:
            self._failure = self._failure or error.failure
        self._index.complete = True
        self._archive.layers[name] = self._failure or self._index

    def _close(self) -> None:
        if self._failure is None:
            self._unpack.close()
            self._tar.close()
            if not self._tar.ended and not self._index.nodes and not self._index.whiteouts and not self._index.opaques:
                raise unreadable("it is no tar archive")
