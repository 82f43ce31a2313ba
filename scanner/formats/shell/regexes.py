"""Regular expressions as POSIX has them, basic or extended, matched in time that grows with text times pattern."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from scanner.formats.parsing.patience import spend
from scanner.formats.shell.globs import class_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_PATTERN = 512
"""Characters of an expression; hand-written ones stay below 100."""

MAX_PLACES = 256
"""Characters that an expression may take, each repetition counted."""

MAX_DEPTH = 8
"""Groups inside each other."""

MAX_TEXT = 4096
"""Characters of a text in which one is looked for."""

MAX_PARTED = 128
"""Characters of a text of which groups are told."""

PLACES_A_MICROSECOND, STEPS_A_MICROSECOND = 8, 2400

_Place = re.Pattern[str] | str | None
"""One character: of a class, itself, or any."""

_BRACKET = re.compile(r"\[\^?\]?(?:\[:\w{1,16}:\]|[^\]\[])*\]")
_COUNTS = re.compile(r"(\d{1,3})(,?)(\d{0,3})")
_OF_GNU = frozenset("wWsSbB<>`'0123456789")
"""Letters that mean something behind a backslash to some."""


class _OddError(Exception):
    """Not of the forms that mean the same everywhere."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of an expression as sets of places: where it begins, ends, whether it may be empty."""

    first: int = 0
    last: int = 0
    is_empty: bool = True


@dataclass(frozen=True, slots=True)
class _Branch:
    """One choice of the whole expression; ``first``, ``last`` and ``follow`` are sets of places in one integer each."""

    places: tuple[_Place, ...]
    part: _Part
    follow: tuple[int, ...]
    begins: bool
    ends: bool
    _steps: dict[tuple[int, str], int] = field(default_factory=dict, compare=False, repr=False)
    _next: dict[int, int] = field(default_factory=dict, compare=False, repr=False)

    def ends_of(self, text: str, start: int, *, anywhere: bool) -> Iterator[int]:
        """Where a match ends that begins at ``start``, or from there on ``anywhere``, shortest first."""
        part, at = self.part, self.part.first
        if part.is_empty and (start == len(text) or not self.ends):
            yield start
        for number in range(start, len(text)):
            hit = self._taken(at, text[number])
            if hit & part.last and (number + 1 == len(text) or not self.ends):
                yield number + 1
            if not hit and not anywhere:
                return
            at = self._behind(hit) | (part.first if anywhere else 0)
        if anywhere and part.is_empty:
            yield len(text)

    def _taken(self, at: int, char: str) -> int:
        key = at, char
        if key not in self._steps:
            self._steps[key] = sum(1 << each for each in _bits(at) if _is_of(char, self.places[each]))
        return self._steps[key]

    def _behind(self, hit: int) -> int:
        if hit not in self._next:
            spend(1)
            found = 0
            for each in _bits(hit):
                found |= self.follow[each]
            self._next[hit] = found
        return self._next[hit]


@dataclass(frozen=True, slots=True)
class Regex:
    """An expression; ``parts`` is one of Python's that tells the groups, none where several ways would differ in them.

    ``loose`` of its repetitions may end in several places.
    """

    branches: tuple[_Branch, ...]
    parts: re.Pattern[str] | None
    loose: int

    def is_in(self, text: str) -> bool | None:
        """Whether it is found in a text, ``None`` where nobody looks."""
        if len(text) > MAX_TEXT or not text.isascii():
            return None
        spend(1 + len(text) * sum(len(branch.places) for branch in self.branches) // PLACES_A_MICROSECOND)
        return any(self._is_in(branch, text) for branch in self.branches)

    @staticmethod
    def _is_in(branch: _Branch, text: str) -> bool:
        return next(branch.ends_of(text, 0, anywhere=not branch.begins), None) is not None

    def at_start(self, text: str) -> int | None:
        """How much of a text's beginning it matches at most, ``None`` for nothing at all."""
        ends = (end for branch in self.branches for end in branch.ends_of(text[:MAX_TEXT], 0, anywhere=False))
        return max(ends, default=None)

    def match(self, text: str) -> re.Match[str] | None:
        """Its first and longest match with its groups; ``None`` where they are not known."""
        if self.parts is None or len(text) > MAX_PARTED or not text.isascii():
            return None
        spend(1 + len(text) ** (2 + self.loose) // STEPS_A_MICROSECOND)
        found = self.parts.search(text)
        if found is None:
            return None
        branch = self.branches[0]
        return found if found.end() == max(branch.ends_of(text, found.start(), anywhere=False), default=-1) else None


@lru_cache(maxsize=256)
def regex_of(runs: tuple[tuple[str, bool], ...], *, basic: bool = False) -> Regex | None:
    """The expression of runs of text, each with whether anything in it means more than itself; ``None`` for odd ones."""
    if sum(len(run) for run, _ in runs) > MAX_PATTERN or not all(run.isascii() for run, _ in runs):
        return None
    try:
        return _Reader(list(_tokens(runs, basic=basic))).read()
    except (_OddError, re.error):
        return None


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def _is_of(char: str, place: _Place) -> bool:
    if place is None:
        return True
    return char == place if isinstance(place, str) else place.match(char) is not None


# ---------------------------------------------------------------- tokens


@dataclass(frozen=True, slots=True)
class _Token:
    """A sign that means something, by ``sign``, or one ``place``; ``least`` and ``most`` are those of a repetition."""

    sign: str = ""
    place: _Place = ""
    least: int = 0
    most: int | None = None
    python: str = ""


MAX_LOOSE = 2
"""Repetitions in one expression that may end in several places."""

_REPEATING = frozenset("*+?{")
_NONE = _Token()
_REPEATS = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def _tokens(runs: tuple[tuple[str, bool], ...], *, basic: bool) -> Iterator[_Token]:
    text = "".join(run for run, _ in runs)
    active = [is_active for run, is_active in runs for _ in run]
    at, is_first = 0, True
    while at < len(text):
        char, width = text[at], 1
        token = _Token(place=char, python=re.escape(char))
        if active[at]:
            token, width = _sign(text, at, basic=basic, is_first=is_first)
            if not all(active[at : at + width]):
                raise _OddError
        elif (
            len(text) > at
            and char in _OF_GNU - set("0123456789")
            and (at == 0 or active[at - 1])
            and not any(not each for each in active[at + 1 : at + 2])
        ):
            raise _OddError  # \w and "w" are told apart no more
        is_first = token.sign in {"(", "|"} or (token.sign == "^" and is_first)
        at += width
        yield token


def _sign(text: str, at: int, *, basic: bool, is_first: bool) -> tuple[_Token, int]:
    char, behind = text[at], text[at + 1 : at + 2]
    if char == "[":
        return _bracket(text, at)
    if char == ".":
        return _Token(place=None, python="."), 1
    if char == "*":
        if is_first:
            raise _OddError
        return _Token("*", least=0, python="*"), 1
    if char in "^$":
        return _edge(text, at, basic=basic, is_first=is_first), 1
    if char == "\\":
        if not behind or behind in _OF_GNU or behind == "\n":
            raise _OddError
        if basic and behind in "(){}+?|":
            return _grouping(text, at + 1, basic=True, lead=1)
        return _Token(place=behind, python=re.escape(behind)), 2
    if not basic and char in "(){}+?|":
        return _grouping(text, at, basic=False, lead=0)
    return _Token(place=char, python=re.escape(char)), 1


def _edge(text: str, at: int, *, basic: bool, is_first: bool) -> _Token:
    """The beginning or the end, which in basic expressions are characters anywhere else."""
    if text[at] == "^":
        return _Token("^", python="^") if is_first or not basic else _Token(place="^", python=r"\^")
    is_last = at + 1 == len(text) or text[at + 1] in "|)" or text.startswith((r"\)", r"\|"), at + 1)
    return _Token("$", python=r"\Z") if is_last or not basic else _Token(place="$", python=r"\$")


def _grouping(text: str, at: int, *, basic: bool, lead: int) -> tuple[_Token, int]:
    char = text[at]
    if char == "{":
        found = _COUNTS.match(text, at + 1)
        closes = r"\}" if basic else "}"
        if found is None or not text.startswith(closes, found.end()):
            raise _OddError
        least = int(found[1])
        most = least if not found[2] else int(found[3]) if found[3] else None
        if most is not None and most < least:
            raise _OddError
        written = f"{{{least},{'' if most is None else most}}}"
        return _Token("{", least=least, most=most, python=written), lead + found.end() - at + len(closes)
    if char == "}":
        raise _OddError
    least, most = _REPEATS.get(char, (0, None))
    return _Token(char, least=least, most=most, python=char), lead + 1


def _bracket(text: str, at: int) -> tuple[_Token, int]:
    found = _BRACKET.match(text, at)
    if found is None or re.search(r"\[[.=]", found[0]):
        raise _OddError
    inner = found[0][1:-1]
    if inner.startswith("!"):  # which means something to patterns of shells alone
        if len(inner) == 1 or inner[1] == "-":
            raise _OddError
        inner = f"{inner[1:]}!"
    place = class_of(f"[{inner}]")
    if place is None:
        raise _OddError
    return _Token(place=place, python=place.pattern), len(found[0])


# ---------------------------------------------------------------- reading


class _Reader:
    """Makes sets of places of an expression's tokens (Glushkov's construction)."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._places: list[_Place] = []
        self._follow: list[int] = []
        self._is_plain = True

    def read(self) -> Regex:
        branches = []
        while True:
            begins = self._take("^")
            self._places, self._follow = [], []
            part = self._row(0)
            ends = self._take("$")
            branches.append(_Branch(tuple(self._places), part, tuple(self._follow), begins, ends))
            if not self._take("|"):
                break
        if self._at < len(self._tokens):
            raise _OddError
        loose = self._loose()
        is_plain = self._is_plain and len(branches) == 1 and loose <= MAX_LOOSE
        written = "".join(each.python for each in self._tokens)
        return Regex(tuple(branches), re.compile(written, re.DOTALL) if is_plain else None, loose)

    def _loose(self) -> int:
        """How many repetitions may end in several places, each of which costs one more loop over the text."""
        tokens = [token for token in self._tokens if token.sign not in {"(", ")"}]
        loose = 0
        for at, token in enumerate(tokens):
            if token.sign in _REPEATING and token.least != token.most:
                behind, quantifier = (*tokens[at + 1 : at + 3], _NONE, _NONE)[:2]
                is_sure = not behind.sign and isinstance(behind.place, str) and bool(behind.place)
                is_optional = quantifier.sign in _REPEATING and not quantifier.least
                loose += not is_sure or is_optional or _is_of(str(behind.place), tokens[at - 1].place)
        return loose

    def _take(self, sign: str) -> bool:
        is_there = self._at < len(self._tokens) and self._tokens[self._at].sign == sign
        self._at += is_there
        return is_there

    def _choice(self, depth: int) -> _Part:
        found = self._row(depth)
        while self._take("|"):
            self._is_plain = False
            other = self._row(depth)
            found = _Part(found.first | other.first, found.last | other.last, found.is_empty or other.is_empty)
        return found

    def _row(self, depth: int) -> _Part:
        found = _Part()
        while self._at < len(self._tokens) and self._tokens[self._at].sign not in {"|", ")", "$"}:
            found = self._then(found, self._repeated(depth))
        return found

    def _then(self, one: _Part, other: _Part) -> _Part:
        for each in _bits(one.last):
            self._follow[each] |= other.first
        first = one.first | other.first if one.is_empty else one.first
        last = one.last | other.last if other.is_empty else other.last
        return _Part(first, last, one.is_empty and other.is_empty)

    def _repeated(self, depth: int) -> _Part:
        began = self._at
        found = self._atom(depth)
        behind, is_group = self._at, self._tokens[began].sign == "("
        if behind == len(self._tokens) or self._tokens[behind].sign not in _REPEATING:
            return found
        repeat = self._tokens[behind]
        self._is_plain = self._is_plain and not is_group

        def again() -> _Part:
            self._at = began
            return self._atom(depth)

        found = self._times(found, repeat, again)
        self._at = behind + 1
        if self._at < len(self._tokens) and self._tokens[self._at].sign in _REPEATING:
            raise _OddError
        return found

    def _times(self, found: _Part, repeat: _Token, again: Callable[[], _Part]) -> _Part:
        least, most = repeat.least, repeat.most
        if most == 0:
            raise _OddError
        whole = found
        for _ in range(least - 1):
            whole = self._then(whole, found := again())
        if most is None:
            for each in _bits(found.last):
                self._follow[each] |= found.first
        for _ in range((most or 0) - max(least, 1)):
            more = again()
            whole = self._then(whole, _Part(more.first, more.last, is_empty=True))
        return _Part(whole.first, whole.last, is_empty=whole.is_empty or not least)

    def _atom(self, depth: int) -> _Part:
        token = self._tokens[self._at]
        self._at += 1
        if token.sign == "(":
            if depth >= MAX_DEPTH:
                raise _OddError
            found = self._choice(depth + 1)
            if not self._take(")"):
                raise _OddError
            return found
        if token.sign:
            raise _OddError
        if len(self._places) >= MAX_PLACES:
            raise _OddError
        self._places.append(token.place)
        self._follow.append(0)
        bit = 1 << (len(self._places) - 1)
        return _Part(bit, bit, is_empty=False)
