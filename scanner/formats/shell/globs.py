"""Globs matched in time that grows with text times pattern: however many stars, nothing is tried twice."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from scanner.formats.parsing.patience import spend

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_PATTERN = 4096
"""Characters of a pattern; of a bracket in it 256."""

_CLASS = re.compile(r"\[[!^]?\]?(?:\[:\w{1,16}:\]|[^\]\\]){0,256}\]")
_NAMED = re.compile(r"\[:(\w+):\]")
_POSIX = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s",
    "blank": r" \t", "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9A-Fa-f",
}  # fmt: skip

_Place = re.Pattern[str] | str | None
"""One character: of a class, itself, or any."""


@dataclass(frozen=True, slots=True)
class Glob:
    """Places in a row, with stars before the places whose bit is set in ``stars`` (the last bit: after all of them).

    A set of numbers in one integer stands for how far the places are fulfilled at a time.
    """

    places: tuple[_Place, ...]
    stars: int
    _steps: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    def fits(self, text: str) -> bool:
        """Whether the glob matches all of a text."""
        return len(text) in set(self._ends(text))

    def longest(self, text: str) -> int | None:
        """How long the longest prefix is that it matches; ``None`` where it matches none."""
        return max(self._ends(text), default=None)

    def shortest(self, text: str) -> int | None:
        """How long the shortest prefix is that it matches; ``None`` where it matches none."""
        return next(self._ends(text), None)

    def reversed(self) -> Glob:
        """The glob of the same texts read from their ends."""
        stars = sum(1 << (len(self.places) - place) for place in range(len(self.places) + 1) if self.stars >> place & 1)
        return Glob(self.places[::-1], stars)

    def _ends(self, text: str) -> Iterator[int]:
        """The lengths of all prefixes that it matches, shortest first."""
        last, at = 1 << len(self.places), 1
        if at & last:
            yield 0
        for length, char in enumerate(text, 1):
            step = self._steps.get(char)
            if step is None:
                step = self._steps[char] = self._taking(char)
            at = (at & step) << 1 | (at & self.stars)
            if not at:
                return
            if at & last:
                yield length
        spend(len(text) >> 2)

    def _taking(self, char: str) -> int:
        """The places that a character fulfils."""
        return sum(1 << number for number, place in enumerate(self.places) if _is_of(char, place))


def _is_of(char: str, place: _Place) -> bool:
    if place is None:
        return True
    return char == place if isinstance(place, str) else place.match(char) is not None


@lru_cache(maxsize=512)
def glob_of(runs: Sequence[tuple[str, bool]]) -> Glob | None:
    """The glob of runs of text, each with whether ``*``, ``?``, ``[`` mean something in it; ``None`` where not known."""
    places: list[_Place] = []
    stars = 0
    if sum(len(run) for run, _ in runs) > MAX_PATTERN:
        return None
    for number, (run, active) in enumerate(runs):
        at = 0
        while at < len(run):
            char = run[at]
            at += 1
            if not active or char not in "*?[":
                places.append(char)
            elif char == "*":
                stars |= 1 << len(places)
            elif char == "?":
                places.append(None)
            elif bracket := _CLASS.match(run, at - 1):
                place = class_of(bracket[0])
                if place is None:
                    return None
                places.append(place)
                at = bracket.end()
            elif number + 1 < len(runs):
                return None  # a bracket with quotes inside
            else:
                places.append(char)
    return Glob(tuple(places), stars)


def class_of(written: str) -> re.Pattern[str] | None:
    """The characters of a bracket, as it is written; ``None`` where they are not known."""
    inner = written[1:-1]
    negated = inner[:1] in {"!", "^"}
    inner = inner[1:] if negated else inner
    named = _NAMED.findall(inner)
    rest = re.sub(r"([\\\]\[^&|~])", r"\\\1", _NAMED.sub("", inner))
    try:
        return re.compile(
            f"[{'^' if negated else ''}{rest}{''.join(_POSIX.get(name, '') for name in named)}]", re.DOTALL
        )
    except re.error:
        return None
