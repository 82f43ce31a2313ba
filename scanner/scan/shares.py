"""Places among the inspections under way, with a share for each host or registry: no slow one holds up the others."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MAX_AT_ONCE = 8
"""Inspections under way that are not slow; each may hold a few MiB of decompressed layer."""

PER_HOST = 6
"""For the images of one host, slow ones included: whoever starts sixteen that drip waits for his own."""

PER_REGISTRY = 6
"""Of one registry, slow ones not counted: another one always finds a place."""

PER_SLOW_REGISTRY = 2
"""Of a registry that was slow in this scan, while others wait: as long as nobody does, it keeps nobody waiting."""

SLOW_AFTER_S = 5.0
"""Then an inspection hands its place on; a layer of the usual 30 MiB is read in half of that."""

MAX_SLOW = 64
"""Slow ones beside those that have a place; more of them keep theirs."""


@dataclass(slots=True, eq=False)
class _Place:
    """One inspection: for which host, of which registry, whether it has handed its place on."""

    registry: str
    host: str
    turn: asyncio.Future[None]
    is_slow: bool = False
    is_late: bool = False


class Shares:
    """Hands out places, to one host and registry after the other among those whose share is not used up."""

    def __init__(self, slow_after_s: float = SLOW_AFTER_S) -> None:
        self._slow_after_s = slow_after_s
        self._waiting: OrderedDict[tuple[str, str], deque[_Place]] = OrderedDict()
        self._lines_of: Counter[str] = Counter()
        self._regular = self._slow = 0
        self._by_host: Counter[str] = Counter()
        self._by_registry: Counter[str] = Counter()
        self._late_of: Counter[str] = Counter()
        self._slow_registries: set[str] = set()

    @asynccontextmanager
    async def place(self, registry: str, host: str) -> AsyncIterator[None]:
        """Wait for a place, hold it for as long as the context lasts; without a ``host`` that share does not count."""
        loop = asyncio.get_running_loop()
        place = _Place(registry, host, loop.create_future())
        self._stand_in_line(place)
        self._admit()
        try:
            await place.turn
        except BaseException:
            self._forget(place)
            raise
        timer = loop.call_later(self._slow_after_s, self._hand_on, place)
        try:
            yield
        finally:
            timer.cancel()
            self._leave(place)

    def _stand_in_line(self, place: _Place) -> None:
        key = (place.host, place.registry)
        if key not in self._waiting:
            self._waiting[key] = deque()
            self._lines_of[place.registry] += 1
        self._waiting[key].append(place)

    def begin(self) -> None:
        """A scan begins: whoever was slow in the last one may have recovered."""
        self._slow_registries.clear()

    def _admit(self) -> None:
        """Let in whoever may go, one of each line in turn; whose turn it was is the last to be asked the next time."""
        went_in = True
        while went_in:
            went_in = False
            for key in list(self._waiting):
                if self._regular >= MAX_AT_ONCE:
                    return
                went_in |= self._admit_one(key)

    def _admit_one(self, key: tuple[str, str]) -> bool:
        line = self._waiting[key]
        while line and line[0].turn.done():  # cancelled while it waited
            line.popleft()
        place = line.popleft() if line and self._may_enter(line[0]) else None
        if not line:
            del self._waiting[key]
            _less(self._lines_of, key[1])
        if place is None:
            return False
        self._count(place, 1)
        place.turn.set_result(None)
        if line:
            self._waiting.move_to_end(key)
        return True

    def _may_enter(self, place: _Place) -> bool:
        others_wait = len(self._lines_of) > (place.registry in self._lines_of)
        is_slow = place.registry in self._slow_registries
        most = PER_SLOW_REGISTRY if is_slow and others_wait else PER_REGISTRY
        has_room = not place.host or self._by_host[place.host] < PER_HOST
        return has_room and self._by_registry[place.registry] < most

    def _hand_on(self, place: _Place) -> None:
        """It takes long: its place goes to the next one, it goes on beside."""
        place.is_late = True
        self._late_of[place.registry] += 1
        self._slow_registries.add(place.registry)
        if self._slow >= MAX_SLOW:
            return
        place.is_slow = True
        self._slow += 1
        self._regular -= 1
        _less(self._by_registry, place.registry)
        self._admit()

    def _leave(self, place: _Place) -> None:
        if place.is_late:
            _less(self._late_of, place.registry)
        elif not self._late_of[place.registry]:  # whoever drips has some of his own under way
            self._slow_registries.discard(place.registry)
        self._count(place, -1)
        self._admit()

    def _forget(self, place: _Place) -> None:
        """Whoever was cancelled leaves the line, or gives back the place that it was just given."""
        if not place.turn.cancelled():
            self._leave(place)
            return
        line = self._waiting.get((place.host, place.registry))
        if line is not None and place in line:
            line.remove(place)

    def _count(self, place: _Place, change: int) -> None:
        if place.is_slow:
            self._slow += change
        else:
            self._regular += change
            self._by_registry[place.registry] += change
        self._by_host[place.host] += change
        for counter, key in ((self._by_host, place.host), (self._by_registry, place.registry)):
            if not counter[key]:
                del counter[key]


def _less(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
