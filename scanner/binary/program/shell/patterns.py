"""The patterns of shells, matched against texts of which parts may not be known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_STARS = 8
"""Stars of one pattern: each costs the matcher one more nested loop over the text."""

MAX_MATCHED = 4096
"""Characters of a text that is matched against a pattern."""

_CLASS = re.compile(r"\[[!^]?\]?(?:\[:\w+:\]|[^\]\\])*\]")
_NAMED = re.compile(r"\[:(\w+):\]")
_POSIX = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s",
    "blank": r" \t", "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9A-Fa-f",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pattern:
    """Runs of text, each with whether ``*``, ``?`` and ``[`` mean something in it."""

    runs: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        """The characters as they are written."""
        return "".join(text for text, _ in self.runs)

    @property
    def is_plain(self) -> bool:
        """Whether it matches itself alone."""
        return not any(
            active and (any(char in text for char in "*?") or "[" in text) for text, active in self.runs
        ) or (self._is_lone_bracket)

    @property
    def _is_lone_bracket(self) -> bool:
        """Whether nothing but brackets that never close make it look like a pattern."""
        active = "".join(text for text, active in self.runs if active)
        return not any(char in active for char in "*?") and "]" not in active[active.find("[") + 1 :]

    @property
    def known(self) -> bool:
        """Whether all of it is known."""
        return UNKNOWN not in self.text


def pattern_of(runs: Iterable[tuple[str, bool]]) -> Pattern:
    """A pattern of these runs, neighbours of one kind made one."""
    merged: list[tuple[str, bool]] = []
    for text, active in runs:
        if merged and merged[-1][1] == active:
            merged[-1] = (merged[-1][0] + text, active)
        else:
            merged.append((text, active))
    return Pattern(tuple(merged))


def matches(text: str, pattern: Pattern) -> bool | None:
    """Whether a pattern matches all of a text, ``None`` where that is not known."""
    if pattern.known and pattern.is_plain:
        return _is_same(text, pattern.text)
    if not pattern.known or UNKNOWN in text:
        return _contradicts(text, pattern)
    regex = _compiled(pattern)
    return None if regex is None or len(text) > MAX_MATCHED else regex.fullmatch(text) is not None


def equal(one: str, other: str) -> bool | None:
    """Whether two texts are the same, ``None`` where that is not known."""
    if UNKNOWN not in one and UNKNOWN not in other:
        return one == other
    return False if _apart(one, other) else None


def cut_prefix(text: str, pattern: Pattern, *, longest: bool) -> str | None:
    """What is left without the prefix that a pattern matches; ``None`` where not known."""
    regex = _compiled(pattern)
    if not pattern.known or UNKNOWN in text or regex is None or len(text) > MAX_MATCHED:
        return None
    sizes = range(len(text), -1, -1) if longest else range(len(text) + 1)
    return next((text[size:] for size in sizes if regex.fullmatch(text, 0, size)), text)


def cut_suffix(text: str, pattern: Pattern, *, longest: bool) -> str | None:
    """What is left without the suffix that a pattern matches; ``None`` where not known."""
    regex = _compiled(pattern)
    if not pattern.known or UNKNOWN in text or regex is None or len(text) > MAX_MATCHED:
        return None
    starts = range(len(text) + 1) if longest else range(len(text), -1, -1)
    return next((text[:start] for start in starts if regex.fullmatch(text, start)), text)


def replaced(text: str, pattern: Pattern, by: str, *, everywhere: bool) -> str | None:
    """The text with the first, or each, longest match replaced; ``None`` where not known."""
    regex = _compiled(pattern)
    if not pattern.known or UNKNOWN in text or regex is None or len(text) > MAX_MATCHED or not pattern.text:
        return None if not pattern.known or UNKNOWN in text or len(text) > MAX_MATCHED else text
    return regex.sub(lambda _: by, text, count=0 if everywhere else 1)


def _is_same(text: str, other: str) -> bool | None:
    return equal(text, other)


def _apart(one: str, other: str) -> bool:
    """Whether two texts differ in what is known of their beginnings and ends."""
    before_one, before_other = one.split(UNKNOWN, maxsplit=1)[0], other.split(UNKNOWN, maxsplit=1)[0]
    after_one, after_other = one.rsplit(UNKNOWN, maxsplit=1)[-1], other.rsplit(UNKNOWN, maxsplit=1)[-1]
    if UNKNOWN not in one or UNKNOWN not in other:
        whole, partial = (one, other) if UNKNOWN not in one else (other, one)
        known = partial.replace(UNKNOWN, "")
        before, after = partial.split(UNKNOWN)[0], partial.split(UNKNOWN)[-1]
        return len(known) > len(whole) or not (whole.startswith(before) and whole.endswith(after))
    begins = before_one.startswith(before_other) or before_other.startswith(before_one)
    ends = after_one.endswith(after_other) or after_other.endswith(after_one)
    return not (begins and ends)


def _contradicts(text: str, pattern: Pattern) -> bool | None:
    """False where the known beginnings differ, True for a lone star, else not known."""
    if pattern.runs and all(active and set(run) == {"*"} for run, active in pattern.runs if run) and pattern.text:
        return True
    head = ""
    for run, active in pattern.runs:
        stop = next((at for at, char in enumerate(run) if char == UNKNOWN or (active and char in "*?[")), None)
        head += run if stop is None else run[:stop]
        if stop is not None:
            break
    known = text.split(UNKNOWN, maxsplit=1)[0]
    return None if known.startswith(head) or head.startswith(known) else False


@lru_cache(maxsize=512)
def _compiled(pattern: Pattern) -> re.Pattern[str] | None:
    """As a regular expression; ``None`` where it is one that we do not know or that would cost too much."""
    made, stars = "", 0
    for number, (run, active) in enumerate(pattern.runs):
        at = 0
        while at < len(run):
            char = run[at]
            if not active or char not in "*?[":
                made += re.escape(char)
                at += 1
            elif char == "*":
                stars += not made.endswith(".*")
                made += "" if made.endswith(".*") else ".*"
                at += 1
            elif char == "?":
                made += "."
                at += 1
            elif bracket := _CLASS.match(run, at):
                made += _class(bracket[0])
                at = bracket.end()
            elif number + 1 < len(pattern.runs):
                return None  # a bracket with quotes inside
            else:
                made += re.escape(char)
                at += 1
    if stars > MAX_STARS:
        return None
    try:
        return re.compile(made, re.DOTALL)
    except re.error:
        return None


def _class(written: str) -> str:
    inner = written[1:-1]
    negated = inner[:1] in {"!", "^"}
    inner = inner[1:] if negated else inner
    named = _NAMED.findall(inner)
    rest = re.sub(r"([\\\]\[^&|~])", r"\\\1", _NAMED.sub("", inner))
    return f"[{'^' if negated else ''}{rest}{''.join(_POSIX.get(name, '') for name in named)}]"
