"""The commands that find, xargs start, told by their words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS
from scanner.binary.program.launch.getopt import OptionError, Parsed, grammar
from scanner.binary.program.shell.shell_programs import prepares
from scanner.binary.program.shell.state import ZERO
from scanner.binary.program.shell.writes import executed_by_find

_XARGS = grammar(
    "0a:d:E:e::I:i::L:l::n:oprs:tP:x",
    "null>0 arg-file:>a delimiter:>d eof::>e replace::>i max-lines::>l max-args:>n open-tty>o interactive>p no-run-if-empty>r "
    "max-chars:>s show-limits verbose>t max-procs:>P exit>x process-slot-var: help version",
)
_WORD = re.compile(r"[\w./:=@%+,-]+", re.ASCII)
_ITEMS = re.compile(r"[\w./:=@%+,\s-]*", re.ASCII)
"""Words in which nothing is quoted."""

MAX_ITEMS = 64
"""Words of one command that are told; more may be too many for one start."""

_LINES = ("I", "i", "L", "l")
"""Options by which each line is one start, so that none is made where there is none."""


@dataclass(frozen=True, slots=True)
class Started:
    """A command that is started; ``surely`` where it is whatever is read."""

    words: tuple[str, ...]
    surely: bool


def by_find(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """What ``find`` starts for what it finds, its words without its own name; ``None`` for what only makes ready."""
    started = next((called for called in executed_by_find(words) if not prepares(called)), None)
    return None if started is None else tuple(each.replace("{}", UNKNOWN) for each in started)


def by_xargs(words: tuple[str, ...], text: str | None = None) -> Started | None:
    """What ``xargs`` starts, its words without its own name; ``None`` where it starts nothing, or what makes ready.

    ``text`` is what it reads, ``None`` where that is not known.
    """
    parsed = _XARGS.parse(words)
    if isinstance(parsed, OptionError) or parsed.has("help", "version", "show-limits") or not parsed.rest:
        return None
    if prepares(parsed.rest):
        return None
    marks = [value or "{}" for name, value in parsed.options if name in {"I", "i"}]
    if marks:
        line = text.strip() if text is not None and _WORD.fullmatch(text.strip()) else UNKNOWN
        words = (parsed.rest[0], *(each.replace(marks[-1], line) for each in parsed.rest[1:]))
        if marks[-1] in parsed.rest[0]:
            words = (UNKNOWN, *words[1:])  # busybox' puts it there too, findutils' does not
        return Started(words, surely=bool(text and text.strip()))
    if text is None or parsed.has("a"):
        return Started((*parsed.rest, UNKNOWN_WORDS), surely=not parsed.has("r", "p", *_LINES))
    is_read = bool(text.strip(ZERO) if parsed.has("0") else text.strip())
    return Started(
        (*parsed.rest, *_read(parsed, text)), surely=not parsed.has("p") and (is_read or not parsed.has("r", *_LINES))
    )


def _read(parsed: Parsed, text: str) -> tuple[str, ...]:
    """The words that ``xargs`` reads, where it hands all of them to one start."""
    if parsed.has("0"):
        items = tuple(text.removesuffix(ZERO).split(ZERO)) if text else ()
    elif parsed.has("d") or not _ITEMS.fullmatch(text):
        return (UNKNOWN_WORDS,) if text.strip() else ()
    else:
        items = tuple(text.split())
    is_split = (
        parsed.has("s", "E", "e") or len(items) > MAX_ITEMS or (parsed.has("L", "l") and text.strip().count("\n"))
    )
    most = parsed.value("n")
    if most is not None and not (most.isdecimal() and len(items) <= int(most[:4])):
        is_split = True
    return (UNKNOWN_WORDS,) if is_split else items


def lacking_in_busybox(words: tuple[str, ...]) -> str:
    """The option of ``xargs`` that busybox refuses; empty for none."""
    parsed = _XARGS.parse(words[1:]) if words[0].rpartition("/")[2] == "xargs" else None
    if not isinstance(parsed, Parsed):
        return ""
    return next((f"-{name}" for name, _ in parsed.options if name in {"L", "l", "d", "i"}), "")


def by(name: str, words: tuple[str, ...], text: str | None) -> Started | None:
    """What one of them starts, by its name, with what it reads."""
    if name == "xargs":
        return by_xargs(words, text)
    found = by_find(words) if name == "find" else None
    return None if found is None else Started(found, surely=False)
