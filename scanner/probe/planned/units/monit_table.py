"""What Monit starts: the commands of its control file."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.probe.planned.commands.other_starters import mentions_engine
from scanner.probe.planned.plans import UnclearError, text_of
from scanner.probe.planned.units.started_command import MAX_COMMAND_CHARS, StartedCommand

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(r"""(?P<comment>\#[^\n]*)|"(?P<said>[^"]*)"|'(?P<one>[^']*)'|(?P<word>[^\s"'=#]+)|[\s="']""")
_WORD = re.compile(r"""(?P<bare>[^\s"]+)""")
_QUOTED = re.compile(r"""'([^']*)'""")

_ESCAPE = re.compile(r"\\([ntr \\])")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", " ": " ", "\\": "\\"}

_STARTING = frozenset({
    "start", "stop", "restart", "startprogram", "stopprogram", "restartprogram", "exec", "execute", "path",
})  # fmt: skip
"""Words behind which a command stands."""

_BETWEEN = frozenset({
    "program", "is", "as", "are", "on", "only", "with", "within", "and", "has", "using", "use", "the", "to", "up", "than",
    "usage", "was", "times", "but", "of", "or", "does", "per", "in", "last", "rate",
})  # fmt: skip
"""Words that mean nothing between those and the command."""

_INCLUDE = re.compile(r"""^[ \t]*include[ \t]+(?:"([^"\n]+)"|'([^'\n]+)'|([^\s"']+))""", re.MULTILINE | re.IGNORECASE)


def commands(raw: bytes) -> Iterator[StartedCommand]:
    """Each command of a file: words between double quotes, or a program alone, without a shell.

    Raises:
        UnclearError: one is too long, or stands where Monit looks for the name of a program alone.
    """
    number = 1
    starting = ""
    above: StartedCommand | None = None
    before: list[str] = []
    for token in _TOKEN.finditer(text_of(raw)):
        kind = token.lastgroup or ""
        text = token[kind] if kind else ""
        if kind in {"said", "one", "word"}:
            if above is not None and before[-2:] == ["as", "uid"]:
                yield replace(above, user="" if text in {"root", "0"} else text)
                above = None
            elif starting and (kind != "word" or text.startswith("/")):
                if above is not None:
                    yield above
                above = _command(kind, text, number)
            elif above is not None and text.lower() not in {"as", "uid", "gid", "and"} | _BETWEEN:
                yield above
                above = None
            starting = _starting(text, starting) if kind == "word" else ""
            before = [*before[-1:], text.lower()]
        elif token[0] == '"':
            raise UnclearError(f"a quote is open from line {number} on")
        number += token[0].count("\n")
    if above is not None:
        yield above


def _starting(word: str, before: str) -> str:
    """The word behind which a command may stand now, empty where none may."""
    lower = word.lower()
    if lower in _STARTING:
        return lower
    return before if lower in _BETWEEN else ""


def _command(kind: str, text: str, number: int) -> StartedCommand:
    if len(text) > MAX_COMMAND_CHARS:
        raise UnclearError(f"a command of more than {MAX_COMMAND_CHARS} characters")
    if kind != "said" and " " in text and mentions_engine(text):
        raise UnclearError(f"line {number} has a command between single quotes, which Monit takes for a program's name")
    words = tuple(_words(text)) if kind == "said" else (text,)
    return StartedCommand(words, number, text, place="/", is_open=True)


def _words(text: str) -> Iterator[str]:
    """Single quotes around a whole word hold it together; nothing else means anything."""
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        bare, quoted = _WORD.match(text, at), _QUOTED.match(text, at)
        if quoted is not None and (bare is None or quoted.end() >= bare.end()):
            yield _ESCAPE.sub(lambda found: _ESCAPES[found[1]], quoted[1])
            at = quoted.end()
        else:
            end = bare.end() if bare is not None else at + 1
            yield text[at:end]
            at = end


def included(raw: bytes) -> tuple[str, ...]:
    """The files that a control file includes, as patterns."""
    return tuple(next(filter(None, found)) for found in _INCLUDE.findall(text_of(raw)))
