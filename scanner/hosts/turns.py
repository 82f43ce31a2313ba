"""An event loop in which connections to hosts take turns, a few in each round, behind whatever else there is to do.

A loop runs all that is ready before it looks again. With two hundred hosts under way that is a tenth of a second, and an
answer of the service takes some ten rounds. Hosts take as much of a processor as they are given: who asks the service two
hundred times a second needs more than half of it, and waits longer and longer where he is given half.
"""

from __future__ import annotations

import selectors
import time
from collections import ChainMap, deque
from typing import TYPE_CHECKING, Any, cast

from scanner.hosts.names import NamesLoop

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, MutableMapping

AT_ONCE = 4
"""Hosts that are heard in one round, 0.3 ms each, where there is nothing else to do; how many are asked at once is another matter."""

SHARE = 8
"""Of so many others one host is heard beside them."""

PATIENCE_S = 0.3
"""Who waits longer is heard as often as others are: a login takes some ten turns, and its time-out goes on meanwhile."""

LONGEST_S = 1.0
"""Nobody waits longer, whatever else there is to do."""

_Ready = tuple[selectors.SelectorKey, int]


class Turns(selectors.BaseSelector):
    """Tells of every descriptor that is ready, but of those that wait of a few in a call, each in its turn.

    That is ``at_once`` of them where nothing else is to be done: no other is ready, nor has the loop, which would wait then,
    work of its own. Else it is one for ``SHARE`` others, as many as they are after ``PATIENCE_S``, all that are left after
    ``LONGEST_S``: nobody who asks again and again may keep a host from being heard.
    """

    def __init__(self, at_once: int = AT_ONCE, clock: Callable[[], float] = time.monotonic) -> None:
        self._first, self._later = selectors.DefaultSelector(), selectors.DefaultSelector()
        self._first.register(self._later, selectors.EVENT_READ)  # which has a descriptor of its own
        self._waiting: set[int] = set()
        self._line: deque[_Ready] = deque()
        self._at_once, self._clock = at_once, clock
        self._since, self._owed = 0.0, 0

    def wait(self, descriptor: int) -> None:
        """Have a descriptor wait for its turn, until ``forget``, whatever is registered for it meanwhile."""
        self._waiting.add(descriptor)
        if descriptor in self._first.get_map():
            key = self._first.unregister(descriptor)
            self._later.register(key.fileobj, key.events, key.data)

    def forget(self, descriptor: int) -> None:
        """It is about to be closed: its number may be another's next."""
        if descriptor not in self._waiting:
            return
        self._waiting.remove(descriptor)
        if descriptor in self._later.get_map():
            key = self._later.unregister(descriptor)
            self._first.register(key.fileobj, key.events, key.data)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As every selector."""
        return self._of(fileobj).register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """As every selector."""
        return self._of(fileobj).unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As every selector."""
        return self._of(fileobj).modify(fileobj, events, data)

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """As every selector."""
        return self._of(fileobj).get_key(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """As every selector."""
        both = self._first.get_map(), self._later.get_map()
        return ChainMap(*(cast("MutableMapping[Any, selectors.SelectorKey]", each) for each in both))

    def select(self, timeout: float | None = None) -> list[_Ready]:
        """What is ready, those that wait last. Each that was found ready is told of before any of them is again."""
        found = self._first.select(0 if self._line else timeout)
        ready = [one for one in found if one[0].fileobj is not self._later]
        if len(ready) < len(found) and not self._line:
            self._line.extend(self._later.select(0))
            self._since = self._clock()
        most = self._most(len(ready), is_idle=timeout is None or timeout > 0) if self._line else 0
        known, told = self._later.get_map(), 0
        while self._line and told < most:
            key, events = self._line.popleft()
            if known.get(key.fd) is key:  # else somebody has meanwhile asked for something else of it
                ready.append((key, events))
                told += 1
        return ready

    def _most(self, others: int, *, is_idle: bool) -> int:
        """How many of the line are told of beside so many others."""
        if is_idle and not others:
            return self._at_once
        waited_s = self._clock() - self._since
        if waited_s >= LONGEST_S:
            return len(self._line)
        if waited_s >= PATIENCE_S:
            return max(others, 1)
        most, self._owed = divmod(self._owed + max(others, 1), SHARE)
        return most

    def close(self) -> None:
        """As every selector."""
        self._later.close()
        self._first.close()

    def _of(self, fileobj: Any) -> selectors.BaseSelector:
        descriptor = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        return self._later if descriptor in self._waiting else self._first


class TurnsLoop(NamesLoop):
    """The event loop of a process that answers others while it reads hosts."""

    def __init__(self, turns: Turns | None = None) -> None:
        self.turns = turns or Turns()
        super().__init__(self.turns)


def take_turns(loop: asyncio.AbstractEventLoop, transport: asyncio.BaseTransport) -> int:
    """Have a connection to a host wait for its turn from now on; its descriptor, -1 in a loop that knows no turns."""
    connection = transport.get_extra_info("socket")
    if not isinstance(loop, TurnsLoop) or connection is None:
        return -1
    descriptor = int(connection.fileno())
    loop.turns.wait(descriptor)
    return descriptor


def leave(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    """The connection is over; what ``take_turns`` gave is not closed yet."""
    if isinstance(loop, TurnsLoop):
        loop.turns.forget(descriptor)
