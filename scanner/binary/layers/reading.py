"""Reads as little of an image's layers as a question about its files needs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from scanner.binary.layers import toc
from scanner.binary.layers.diffid import DiffId
from scanner.binary.layers.implied import through_no_directory
from scanner.binary.layers.layers import LayerIndex
from scanner.binary.layers.limits import LayerError, LayerLimits, limit_reached, unreadable
from scanner.binary.layers.tarstream import TarReader
from scanner.binary.layers.unanswered import Unfetched, Unkept, Unread
from scanner.binary.layers.unpack import Unpack, UnpackBudget, packing_notes
from scanner.binary.layers.usage import Usage
from scanner.binary.layers.view import View
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Objection
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.condition import OF_A_PULL, Condition
from scanner.domain.verdict.reason import Reason
from scanner.formats.parsing.beside import beside
from scanner.formats.parsing.patience import PatienceError, patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scanner.binary.layers.source import OpenLayer
    from scanner.domain.image.offers import Layer
    from scanner.domain.image.reference import Digest

T = TypeVar("T")

SLICE_BYTES = 32 * 1024
"""Stored bytes handled before it is asked whether the answer is there: some 0.3 ms of unpacking."""


THINK_S = 10.0
"""Seconds that a thread computes on the questions about one image's files; for official images it is some milliseconds."""

MIN_THINK_S = 0.01
"""Left for a question that finds all of them used up: it may only have to say so."""

SMALL_BYTES = 16 * 1024
"""Of a stored layer that is read although the answer does not rest on it: a few packets, for the proof of what it is."""

BELOW_IMPLIED_BYTES = 4 * 1024 * 1024
"""The same of one below a layer that only implies directories: some engines refuse those where it took one away."""

MAX_REREADS = 4
"""Times that layers of one image are read once more for a file that a script sources under an uncommon name."""


class LayerReading:
    """The layers of one image (bottom first, as a manifest lists them) and what has been read of them.

    A layer is read to its end, where its digest is checked, before anything that it holds is an answer. With
    ``early_stop`` an answer stands as soon as it is there; ``partly_read`` then says which layers it was taken from.
    ``diff_ids`` are what the config says of the layers unpacked; engines refuse a layer that is something else.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        open_layer: OpenLayer,
        limits: LayerLimits,
        *,
        early_stop: bool = False,
        diff_ids: Sequence[Digest | Failure] | None = None,
    ) -> None:
        if len(layers) > limits.layers:
            raise limit_reached(f"the image has {len(layers)} layers, more than {limits.layers}")
        self._layers = tuple(reversed(layers))
        self._diff_ids = tuple(reversed(diff_ids or ())) if len(diff_ids or ()) == len(layers) else ()
        self._open = open_layer
        self._limits = limits
        self._usage = Usage(limits)
        self._indexes = [LayerIndex(self._usage) for _ in self._layers]
        self._unreadable = {n: f for n, layer in enumerate(self._layers) if (f := _refused(layer)) is not None}
        self._untrusted_tables: set[int] = set()
        self._tables: set[int] = set()
        self._rereads = 0
        self._think_s = THINK_S
        self._early_stop = early_stop
        self._partly_fetched: set[int] = set()
        self._objections: dict[Objection, None] = {}
        worth = limits.worth_stopping_bytes if early_stop else None
        self.view = View(self._indexes, self._unreadable, [layer.size for layer in self._layers], worth)
        self.view.reads_again = True

    def keep(self, paths: Iterable[str]) -> None:
        """Keep the texts of these files too, where they are small, as they pass by."""
        self._usage.wanted.update(path.lstrip("/") for path in paths)

    async def ask(self, question: Callable[[View], T]) -> T:
        """The answer of a pure function over the view; raises ``LayerError`` where the layers do not give it."""
        while True:
            self.view.asked.clear()
            self.view.passed_over.clear()
            try:
                return await beside(self._answer, question)
            except PatienceError:
                raise limit_reached(f"following what the image starts takes longer than {THINK_S:g} s") from None
            except Unread as need:
                await self._read(need.layer, question)
            except Unfetched as need:
                await self._fetch(need)
            except Unkept as need:
                self._read_again(need)

    def _answer(self, question: Callable[[View], T]) -> T:
        began = time.thread_time()
        try:
            with patience(max(self._think_s, MIN_THINK_S)):
                return question(self.view)
        finally:
            self._think_s -= time.thread_time() - began

    async def read_all(self) -> None:
        """Read every layer to its end."""
        for number, index in enumerate(self._indexes):
            if number not in self._unreadable and not index.complete:
                await self._read(number, None, use_table=False)
            if number in self._unreadable:
                raise LayerError(self._unreadable[number])

    @property
    def partly_read(self) -> tuple[Digest, ...]:
        """The digests of the layers that the last answer rests on without their having been read to their end."""
        begun = {number for number, index in enumerate(self._indexes) if index.nodes and not index.complete}
        return tuple(
            self._layers[number].digest for number in sorted(begun | self.view.passed_over | self._partly_fetched)
        )

    @property
    def objections(self) -> tuple[Objection, ...]:
        """What engines may refuse the layers for that have been read."""
        return tuple(self._objections)

    async def read_small(self) -> None:
        """Read the layers that nobody asked for too, as far as one costs no more than asking whether it is there."""
        for number, layer in enumerate(self._layers):
            unread = number not in self._unreadable and not self._indexes[number].complete
            is_below = any("/" in path for index in self._indexes[:number] for path in index.implied)
            if unread and layer.size <= (BELOW_IMPLIED_BYTES if is_below else SMALL_BYTES):
                await self._read(number, None, use_table=False)

    def note_lower_whiteouts(self) -> None:
        """What the layers say of directories which one implies below another's whiteout, that they do not tell among it."""
        open_ones: list[str] = []
        for number, index in enumerate(self._indexes):
            below = self._indexes[number + 1 :]
            for path in sorted(index.implied):
                broken = through_no_directory(path, below)
                if broken:
                    what = f"a layer implies /{path}, above which a layer under it has no directory"
                    self._note_one(Condition.BELOW_LOWER_WHITEOUT, what)
                    return
                open_ones += [path] if broken is None else []
        if open_ones:
            what = f"a layer implies /{open_ones[0]}, and a layer under it, which may take that away, was not read"
            self._note_one(Condition.BELOW_UNREAD_LAYER, what)

    @property
    def indexes(self) -> Sequence[LayerIndex]:
        """What was read, top layer first."""
        return self._indexes

    async def _read(self, number: int, question: Callable[[View], object] | None, *, use_table: bool = True) -> None:
        if use_table and number not in self._untrusted_tables and await self._read_table(number):
            return
        index = self._indexes[number] = LayerIndex(self._usage)
        self.view.replace(number, index)
        try:
            await self._stream(number, index, question)
        except StreamBroken as broken:
            self._give_up(number, broken.failure)
        except LayerError as error:
            self._give_up(number, error.failure)
            if error.condition is not None:
                self._objections[Objection(error.condition, error.failure)] = None

    def _give_up(self, number: int, failure: Failure) -> None:
        """Of a layer that is not whole, or not what its digest says, nothing counts that was read."""
        self._unreadable[number] = failure
        self._indexes[number] = LayerIndex(self._usage)
        self.view.replace(number, self._indexes[number])

    async def _read_table(self, number: int) -> bool:
        """Learn a layer from its table of contents; False where it has none that can be trusted."""
        index = LayerIndex(self._usage)
        if not await toc.read(self._layers[number], self._open, index):
            self._untrusted_tables.add(number)
            return False
        self._tables.add(number)
        self._indexes[number] = index
        self.view.replace(number, index)
        return True

    async def _stream(self, number: int, index: LayerIndex, question: Callable[[View], object] | None) -> None:
        layer = self._layers[number]
        tar = TarReader(index)
        unpacked = DiffId(self._diff_ids[number] if self._diff_ids else None, tar.feed)
        budget = UnpackBudget(self._limits, unpacked.take, self._usage.unpacked_bytes)
        unpack = Unpack(budget)
        stop_before = layer.size - self._limits.worth_stopping_bytes if self._early_stop else 0
        damage: LayerError | None = None

        def taken(chunk: bytes) -> bool:
            """Take the next bytes; whether the question is answered and worth stopping for."""
            nonlocal damage
            for at in range(0, len(chunk), SLICE_BYTES):
                damage = damage or _damage_in(unpack, chunk[at : at + SLICE_BYTES])
                if damage is not None:
                    return False  # to the end, where the source holds the bytes to their digest
                _check_length(budget, layer)
                is_worth = budget.stored < stop_before
                if is_worth and question is not None and self._is_answered(index, number, question):
                    return True
            return False

        try:
            async with self._open(layer) as chunks:
                async for chunk in chunks:
                    if await beside(taken, chunk):
                        return
            if damage is not None:
                raise damage
            _check_end(unpack, tar, budget, layer)
            unpacked.check()
        except LayerError as error:
            if error.condition is Condition.GZIP_TAIL and not tar.ended:
                raise LayerError(error.failure, Condition.LAYER_DAMAGED) from error
            raise
        finally:
            self._usage.unpacked_bytes += budget.unpacked
        index.fresh.clear()
        index.complete = True
        self._note(index, packing_notes(layer.media_type, unpack.first))

    def _note(self, index: LayerIndex, packing: Iterable[tuple[Condition, str]]) -> None:
        for condition, what in (*packing, *index.notes.items()):
            self._note_one(condition, what)

    def _note_one(self, condition: Condition, what: str) -> None:
        reason = Reason.LAYER_UNREADABLE if condition in OF_A_PULL else Reason.IMAGE_REFUSED
        self._objections[Objection(condition, Failure(reason, what))] = None

    def _is_answered(self, index: LayerIndex, number: int, question: Callable[[View], object]) -> bool:
        """Whether the question no longer needs this layer; tried only when something that it asked for came by."""
        touched = not index.fresh.isdisjoint(self.view.asked)
        index.fresh.clear()
        if not touched:
            return False
        self.view.asked.clear()
        try:
            self._answer(question)
        except Unread as need:
            return need.layer != number
        except (Unfetched, Unkept, LayerError, PatienceError):
            return True
        return True

    def _read_again(self, need: Unkept) -> None:
        """Forget a layer that a stream told, so that the file is kept when it is read once more."""
        if self._rereads >= MAX_REREADS or need.layer in self._tables or need.layer in self._unreadable:
            return
        self._rereads += 1
        if need.below:
            self._usage.below.update(need.below)
            self._usage.module_bytes = 0
        else:
            (self._usage.runs if need.runs else self._usage.wanted).add(need.path)
        index = self._indexes[need.layer] = LayerIndex(self._usage)
        self.view.replace(need.layer, index)

    async def _fetch(self, need: Unfetched) -> None:
        """Fetch one file by its table of contents; where that disagrees, the layer is streamed instead."""
        layer = self._layers[need.layer]
        try:
            content, whole = await toc.fetch(layer, need.extent, self._open, self._limits, early_stop=self._early_stop)
        except (LayerError, StreamBroken):
            self._untrusted_tables.add(need.layer)
            index = self._indexes[need.layer] = LayerIndex(self._usage)
            self.view.replace(need.layer, index)
            return
        self.view.fetched[need.layer, need.extent] = content
        if not whole:
            self._partly_fetched.add(need.layer)


def _refused(layer: Layer) -> Failure | None:
    """Why a layer is not even opened."""
    if layer.foreign:
        return Failure(Reason.LAYER_FOREIGN, f"{layer.digest} is kept at a foreign address, which is never followed")
    if layer.media_type.partition(";")[0].strip().lower().endswith("+encrypted"):
        return Failure(Reason.LAYER_ENCRYPTED, f"{layer.digest} is encrypted")
    return None


def _damage_in(unpack: Unpack, piece: bytes) -> LayerError | None:
    """What the next bytes of a layer show to be wrong with it; a limit that they reach is raised."""
    try:
        unpack.feed(piece)
    except LayerError as error:
        if error.failure.reason is Reason.LAYER_LIMIT:
            raise
        return error
    return None


def _check_length(budget: UnpackBudget, layer: Layer) -> None:
    if layer.size > 0 and budget.stored > layer.size:
        raise unreadable(f"{layer.digest} is longer than the {layer.size} bytes that its manifest says", None)


def _check_end(unpack: Unpack, tar: TarReader, budget: UnpackBudget, layer: Layer) -> None:
    if budget.stored < layer.size:
        raise unreadable(f"{layer.digest} ended after {budget.stored} of {layer.size} bytes", None)
    unpack.close()
    tar.close()
