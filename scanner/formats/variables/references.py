"""References such as ``${NAME}`` or ``$(NAME)`` found in one pass, however many of them nothing closes.

A regular expression would look for the end anew from each beginning: some thousands of ``${`` in a row take it minutes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Reference(NamedTuple):
    """Where it stands in a text; ``name`` is ``None`` for two dollars, which are one."""

    start: int
    end: int
    name: str | None


class Grammar:
    """``$`` with ``opener`` begins a reference, ``closer`` ends it; one of the signs of ``forbidden`` first, and it is none."""

    def __init__(self, opener: str, closer: str, forbidden: str = "") -> None:
        self._opener, self._closer = f"${opener}", closer
        self._stops = re.compile(f"[{re.escape(closer + forbidden)}]")

    def within(self, text: str) -> Iterator[Reference]:
        """The references of a text, from left to right."""
        stop = -1
        at = text.find("$")
        while at >= 0:
            end = at + 1
            if text.startswith("$$", at):
                end = at + 2
                yield Reference(at, end, None)
            elif text.startswith(self._opener, at):
                stop = stop if stop >= at + 2 else self._next_stop(text, at + 2)
                if text.startswith(self._closer, stop):
                    end = stop + 1
                    yield Reference(at, end, text[at + 2 : stop])
            at = text.find("$", end)

    def _next_stop(self, text: str, at: int) -> int:
        found = self._stops.search(text, at)
        return found.start() if found else len(text)
