"""Each image's program is opened once: equal questions share one inspection, answers are kept."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

from scanner.domain.verdict.reason import STATUS_OF, Status
from scanner.scan.images.under_way import UnderWay
from scanner.scan.shares import Shares

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scanner.domain.facts import Process
    from scanner.domain.image.offers import Offer, Program
    from scanner.domain.image.reference import ImageReference

MAX_REMEMBERED = 10_000
"""Programs kept in memory, some 2 KiB each; the store has the others."""

MAX_REMEMBERED_CHARS = 32 << 20
"""Of all their argv together, of which one may be a megabyte, and no two the same."""

Key = tuple[str, tuple[str, ...]]


class ProgramCache(Protocol):
    """Keeps what was found for ever, for a digest never means anything else."""

    async def get_program(self, manifest: str, argv: tuple[str, ...], tool: str) -> Program | None:
        """What was found before by the same version of the inspection."""

    async def put_program(self, manifest: str, argv: tuple[str, ...], tool: str, program: Program) -> None:
        """Keep it."""


class Inspections:
    """A ``BinaryInspector`` that remembers; ``inspect`` does the work, ``command`` names what would be exec'd.

    What rests on layers that were read to their end holds wherever the manifest is served. What does not is believed
    only of the repository that served it, and only while ``may_stop_early`` allows such an answer: else one registry's
    bytes, held to no digest, could speak for another's image.
    """

    def __init__(
        self,
        inspect: Callable[[ImageReference, Offer, Process | None], Awaitable[Program]],
        command: Callable[[Offer, Process | None], tuple[str, ...]],
        cache: ProgramCache | None = None,
        tool: str = "",
        may_stop_early: Callable[[ImageReference], bool] = lambda _reference: False,
    ) -> None:
        self._inspect, self._command, self._cache, self._tool = inspect, command, cache, tool
        self._may_stop_early = may_stop_early
        self._shares = Shares()
        self._known: OrderedDict[Key, Program] = OrderedDict()
        self._chars = 0
        self._under_way: UnderWay[Program] = UnderWay()

    async def __call__(
        self, reference: ImageReference, offer: Offer, override: Process | None, host: str = ""
    ) -> Program:
        """What argv resolves to in this manifest; where it must be looked up, in a place of the share of ``host``."""
        whole = (offer.digest, self._command(offer, override))
        part = (offer.digest, (reference.name, *whole[1]))
        keys = (whole, part) if self._may_stop_early(reference) else (whole,)
        for key in keys:
            if known := self._known.get(key):
                self._known.move_to_end(key)
                return known
        return await self._under_way.of(keys[-1], lambda: self._look(keys, reference, offer, override, host))

    async def close(self) -> None:
        """Give up what is under way."""
        await self._under_way.close()

    def begin_scan(self) -> None:
        """Forget which registries were slow."""
        self._shares.begin()

    async def _look(
        self, keys: tuple[Key, ...], reference: ImageReference, offer: Offer, override: Process | None, host: str
    ) -> Program:
        """Look ``keys`` up, the one of whole layers first, then into the image."""
        for key in keys:
            stored = await self._cache.get_program(*key, self._tool) if self._cache is not None else None
            if stored is not None:
                return self._remember(key, stored)
        async with self._shares.place(reference.registry, host):
            program = await self._inspect(reference, offer, override)
        if is_certain(program):
            key = keys[-1] if program.partly_read else keys[0]
            self._remember(key, program)
            if self._cache is not None:
                await self._cache.put_program(*key, self._tool, program)
        return program

    def _remember(self, key: Key, program: Program) -> Program:
        if key not in self._known:
            self._chars += _chars(key)
        self._known[key] = program
        while len(self._known) > MAX_REMEMBERED or self._chars > MAX_REMEMBERED_CHARS:
            forgotten, _ = self._known.popitem(last=False)
            self._chars -= _chars(forgotten)
        return program


def _chars(key: Key) -> int:
    return sum(map(len, key[1]))


def is_certain(program: Program) -> bool:
    """Whether asking again could not change the answer: a registry that was down may be up the next time."""
    return all(STATUS_OF[problem.reason] is not Status.UNKNOWN for problem in program.problems)
