"""Decodes what runtimes, shells, loaders, emulators, engines say of a program that does not start.

An engine's own error (State.Error) is always the engine speaking. A log also holds what the application said, so a log
line counts only where it is a whole line in the speaker's own form, the exit code agrees, and the speaker can have said
it then: a runtime at the start and nobody after it, a shell or loader whenever the exit code is theirs alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from scanner.domain.verdict.phrases.acquittals import acquitted, is_overruled
from scanner.domain.verdict.phrases.emulators import EMULATORS
from scanner.domain.verdict.phrases.engines import ENGINES
from scanner.domain.verdict.phrases.launchers import LAUNCHERS
from scanner.domain.verdict.phrases.loaders import LOADERS
from scanner.domain.verdict.phrases.phrase import (
    ABORT_EXIT_CODE,
    REFUSED_CODES,
    SIGILL_EXIT_CODE,
    Speaker,
    in_lower_case,
)
from scanner.domain.verdict.phrases.programs import PROGRAMS
from scanner.domain.verdict.phrases.runtimes import ANY_RUNTIME, RUNTIMES
from scanner.domain.verdict.phrases.shells import SHELLS
from scanner.domain.verdict.phrases.wrapping import bare, candidates, unquoted
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from scanner.domain.verdict.phrases.phrase import Phrase

MAX_LINE_CHARS = 4096
"""A runtime's line is far shorter, and each pattern costs time in proportion."""

OVERLAP_CHARS = 1024
"""Of a longer line each piece begins this far before the end of the one before, so that none cuts what a runtime says."""

MAX_POSSIBLE = 32
"""Phrases of which a line may hold words; of all lines that were seen none holds those of more than twenty.

One with more is many lines in one (JSON), of which each string counts for itself, or a list of words, which says nothing.
"""

RUNTIME_SPEAKS_WITHIN_S = 5.0
"""A runtime's execve comes at once; an overloaded host, whose engine sets both times, takes a few seconds more."""

VOUCHING_CODES = REFUSED_CODES | {SIGILL_EXIT_CODE, ABORT_EXIT_CODE, 139}
"""Codes that a program which was refused ends with, hardly another: they vouch for what was said some lines ago."""

PHRASES: tuple[Phrase, ...] = (
    *RUNTIMES,
    *SHELLS,
    *LAUNCHERS,
    *LOADERS,
    *EMULATORS,
    *ENGINES,
    *PROGRAMS,
    *ANY_RUNTIME,
)
"""Every phrase, the more precise before the more general."""

_PROVES_NOTHING = frozenset({Speaker.WARNING, Speaker.REGISTRY})
_NOT_OF_AN_ENGINE = frozenset({Speaker.WARNING, Speaker.REGISTRY, Speaker.PROGRAM})


@dataclass(frozen=True, slots=True)
class Observation:
    """What somebody saw: the reason it stands for, the words that say so, what causes it, who says it (versions).

    ``speaker`` is of which sort whoever says it is.
    """

    reason: Reason
    phrase: str
    cause: str
    said_by: str = ""
    speaker: Speaker | None = None


def observe(error: str, log: Sequence[str], exit_code: int | None, ran_s: float | None = None) -> Observation | None:
    """What an unhealthy container's engine error, last log lines or exit code prove; ``None`` if they prove nothing.

    Args:
        error: the engine's own words (State.Error).
        log: last lines, oldest first.
        exit_code: ``None`` where it is not known.
        ran_s: seconds between its last start and end; ``None`` where they are not known.
    """
    said = bare(error)[:MAX_LINE_CHARS]
    if said:
        if is_overruled(said):
            return None
        if heard := _of_engine(said):
            return heard
        if acquits(said):
            return None  # it was refused this time for something else: its log is of earlier times
    return _of_log(log, exit_code, ran_s)


def acquits(error: str) -> str:
    """What an engine's error is about instead of the CPU or the program; empty where no phrase is known, or words of too many.

    A clause in lower case, such as ``a port is in use``.
    """
    words = bare(error)[:MAX_LINE_CHARS]
    low = in_lower_case(words)
    of_registry = (phrase for phrase in PHRASES if phrase.speaker is Speaker.REGISTRY)
    refused = (phrase.cause for phrase in of_registry if phrase.may_be_in(low) and phrase.sought(words, low))
    about = acquitted(words) or next(refused, "")
    return about if about and len(_possible(words, PHRASES)) <= MAX_POSSIBLE else ""


def explain(text: str) -> tuple[Observation, ...]:
    """Everything that a pasted text says about programs that do not start, each reason once, in order of appearance."""
    return explain_all([text])


def explain_all(excerpts: Iterable[str]) -> tuple[Observation, ...]:
    """The same of a log of any length, which comes as excerpts of whole lines."""
    found: dict[Reason, Observation] = {}
    for read in excerpts:
        excerpt = read.replace("\N{NO-BREAK SPACE}", " ")  # as pages and chats have it
        low = excerpt.lower()
        phrases = tuple(phrase for phrase in PHRASES if phrase.may_be_in(low) and not phrase.needs_code)
        for piece in _pieces(excerpt) if phrases else ():
            for phrase, words in _said_in(piece, phrases, found):
                found.setdefault(phrase.reason, _observed(phrase, words))
    if len(found) > 1:
        for vague in (Reason.BINARY_UNKNOWN, Reason.CRASH_UNEXPLAINED):
            if len(found) > 1:
                found.pop(vague, None)  # another line says why
    return tuple(found.values())


def instead(text: str) -> str:
    """What a pasted text is about instead, where it says nothing of a program that does not start."""
    lines = (piece for piece in _pieces(text) if _TROUBLE.search(piece))
    return next((clause for line in lines if (clause := acquits(line))), "")


_TROUBLE = re.compile(r"(?i:error|fail|fatal|cannot|denied|conflict|unable|invalid)", re.ASCII)
"""Only what complains is worth the patterns that acquit."""


def _pieces(text: str) -> Iterator[str]:
    """Each line once; one that is too long for the patterns in pieces that overlap."""
    for line in dict.fromkeys(text.split("\n")):
        yield line[:MAX_LINE_CHARS]
        step = MAX_LINE_CHARS - OVERLAP_CHARS
        for start in range(step, len(line) - OVERLAP_CHARS, step):
            yield line[start : start + MAX_LINE_CHARS]


def _said_in(line: str, phrases: Iterable[Phrase], known: Container[Reason] = ()) -> Iterator[tuple[Phrase, str]]:
    """What one line says, or each string of one that holds words of too many phrases."""
    possible = _possible(line, phrases)
    if len(possible) <= MAX_POSSIBLE:
        yield from _said_of(possible, line, known)
        return
    for words in unquoted(line)[1:]:
        those = _possible(words, possible)
        if len(those) <= MAX_POSSIBLE:
            yield from _said_of(those, words, known)


def _possible(line: str, phrases: Iterable[Phrase]) -> list[Phrase]:
    low = line.lower()
    return [phrase for phrase in phrases if phrase.may_be_in(low)]


def _said_of(possible: Sequence[Phrase], line: str, known: Container[Reason]) -> Iterator[tuple[Phrase, str]]:
    """The same of these phrases alone; a line that can say nothing but what is known is passed over."""
    if all(phrase.reason in known for phrase in possible) or is_overruled(line):
        return
    texts = [(text, in_lower_case(text)) for text in unquoted(line)]
    lines = candidates(line)
    heard: set[Speaker] = set()
    for phrase in possible:
        if phrase.speaker in heard or (heard and phrase.is_fallback):
            continue  # who has said the more precise has not said the more general, too
        if words := _words_of(phrase, texts, lines):
            heard.add(phrase.speaker)
            yield phrase, words


def _words_of(phrase: Phrase, texts: Sequence[tuple[str, str]], lines: Sequence[str]) -> str:
    sought = next((words for text, low in texts if phrase.may_be_in(low) and (words := phrase.sought(text, low))), "")
    return sought or next((line for line in lines if phrase.is_line(line)), "")


def _of_engine(error: str) -> Observation | None:
    low = error.lower()
    phrases = tuple(p for p in PHRASES if p.speaker not in _NOT_OF_AN_ENGINE and p.may_be_in(low) and not p.needs_code)
    heard = next(_said_in(error, phrases), None)
    return _observed(*heard) if heard else None


def _of_log(log: Sequence[str], exit_code: int | None, ran_s: float | None) -> Observation | None:
    """The newest line that counts; lines that merely follow others do not hide them."""
    lines = [line for line in (bare(line)[:MAX_LINE_CHARS] for line in reversed(log)) if line]
    is_last = True
    for line in lines:
        for phrase in _log_phrases():
            if _can_be_said(phrase, exit_code, ran_s, is_last=is_last) and phrase.is_line(line):
                return _observed(phrase, line)
        is_last = is_last and _FOLLOWS.fullmatch(line) is not None
    return None


@cache
def _log_phrases() -> tuple[Phrase, ...]:
    return tuple(phrase for phrase in PHRASES if phrase.line and phrase.speaker not in _PROVES_NOTHING)


def _can_be_said(phrase: Phrase, exit_code: int | None, ran_s: float | None, *, is_last: bool) -> bool:
    if exit_code is None:
        return is_last and not phrase.needs_code
    if not phrase.goes_with(exit_code):
        return False
    if phrase.speaker is Speaker.RUNTIME:
        return is_last and (ran_s is None or ran_s <= RUNTIME_SPEAKS_WITHIN_S)
    return is_last or phrase.is_followed or exit_code in VOUCHING_CODES


_FOLLOWS = re.compile(
    r"(?:[^:]{1,300}: ){1,3}Success|"  # bash 5.2, behind an exec that failed
    r"(?:/\S{1,60}/)?env: use -\[v\]S to pass options in shebang lines|"
    r"\W{0,200}|"
    r"\S{0,40} ?(?:.{0,100}[\s(])?(?:exit(?:ed)?(?: with)?|exit[ -]code|exit[ -]status|return(?:ed)?)(?: code| status)?[ :=]{1,2}(?:12[678]|13[2459]|255)\b.{0,60}|"
    r"(?:see|for more) .{0,20}https?://\S{1,200}|"
    r"(?:\(?core dumped\)?|aborted(?: \(core dumped\))?|segmentation fault(?: \(core dumped\))?)",
    re.ASCII | re.IGNORECASE,
)
"""Lines that speakers, shells' traps or supervisors print behind the words that count."""


def _observed(phrase: Phrase, words: str) -> Observation:
    return Observation(phrase.reason, words, phrase.cause, phrase.said_by, phrase.speaker)
