"""The patterns of shells, matched against texts of which parts may not be known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats.shell.globs import Glob, glob_of
from scanner.formats.shell.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_MATCHED = 4096
"""Characters of a text that is matched against a pattern."""

MAX_SEARCHED = 512
"""Characters of a text in which a pattern is looked for: from each of them on anew."""


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


def matches(text: str, pattern: Pattern, *, folds: bool = False) -> bool | None:
    """Whether a pattern matches all of a text, ``None`` where that is not known; ``folds`` where case means nothing."""
    if folds:
        if (
            not text.isascii()
            or not pattern.text.isascii()
            or any(active and "[" in run for run, active in pattern.runs)
        ):
            return None  # the locale, or a class of characters, tells what is the same
        text, pattern = text.lower(), Pattern(tuple((run.lower(), active) for run, active in pattern.runs))
    if pattern.known and pattern.is_plain:
        return _is_same(text, pattern.text)
    if not pattern.known or UNKNOWN in text:
        return _contradicts(text, pattern)
    glob = glob_of(pattern.runs)
    return None if glob is None or len(text) > MAX_MATCHED else glob.fits(text)


def equal(one: str, other: str) -> bool | None:
    """Whether two texts are the same, ``None`` where that is not known."""
    if UNKNOWN not in one and UNKNOWN not in other:
        return one == other
    return False if _apart(one, other) else None


def cut_prefix(text: str, pattern: Pattern, *, longest: bool) -> str | None:
    """What is left without the prefix that a pattern matches; ``None`` where not known."""
    glob = _usable(text, pattern)
    if glob is None:
        return None
    cut = glob.longest(text) if longest else glob.shortest(text)
    return text[cut or 0 :]


def cut_suffix(text: str, pattern: Pattern, *, longest: bool) -> str | None:
    """What is left without the suffix that a pattern matches; ``None`` where not known."""
    glob = _usable(text, pattern)
    if glob is None:
        return None
    backwards, ending = glob.reversed(), text[::-1]
    cut = backwards.longest(ending) if longest else backwards.shortest(ending)
    return text[: len(text) - (cut or 0)]


def replaced(text: str, pattern: Pattern, by: str, *, everywhere: bool) -> str | None:
    """The text with the first, or each, longest match replaced; ``None`` where not known."""
    glob = _usable(text, pattern)
    if glob is None:
        return None
    if not pattern.text:
        return text
    if len(text) > MAX_SEARCHED:
        return None
    made, at = "", 0
    while at <= len(text):
        found = glob.longest(text[at:])
        if found is None or (not found and at == len(text) and text):
            made += text[at : at + 1]
            at += 1
            continue
        made += by + ("" if found else text[at : at + 1])
        at += max(found, 1)
        if not everywhere:
            break
    return made + text[at:]


def _usable(text: str, pattern: Pattern) -> Glob | None:
    """The glob where text and pattern are known, and short enough."""
    return glob_of(pattern.runs) if pattern.known and UNKNOWN not in text and len(text) <= MAX_MATCHED else None


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
    """False where the known beginnings differ, True where one has what stands before a star, else not known."""
    head, rest = "", ""
    for number, (run, active) in enumerate(pattern.runs):
        stop = next((at for at, char in enumerate(run) if char == UNKNOWN or (active and char in "*?[")), None)
        head += run if stop is None else run[:stop]
        if stop is not None:
            behind = (more if is_active else f"{more}." for more, is_active in pattern.runs[number + 1 :])
            rest = "".join((run[stop:] if active else ".", *behind))
            break
    known = text.split(UNKNOWN, maxsplit=1)[0]
    if rest and not rest.strip("*") and known.startswith(head):
        return True
    return None if known.startswith(head) or head.startswith(known) else False
