"""Reads a script of execline's for the programs that it surely starts."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from scanner.binary.program.argv import UNKNOWN
from scanner.formats.parsing.patience import spend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.binary.program.argv import Command

MAX_WORDS = 512
"""Of one script; those of images have some ten."""

_TOKEN = re.compile(
    r"""[ \t\n\r]+|\#[^\n]*|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>(?:[^\s"\\#{}]|\\.)(?:[^\s"\\]|\\.)*)|(?P<brace>[{}])(?=\s|\Z)""",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(\n[ \t]*|.)", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\w+|\{\w+\})")

Words: TypeAlias = "list[str | Words]"
"""The words of a command line; a list stands for what is between braces."""

_GOES_ON = {
    "umask": 1, "fdmove": 2, "fdclose": 1, "redirfd": 2, "unexport": 1, "fdreserve": 1, "wait": 1, "with-contenv": 0,
    "importas": 2, "multisubstitute": 1, "define": 2, "elgetpositionals": 0, "getpid": 1, "getcwd": 1, "elglob": 2, "heredoc": 2,
    "emptyenv": 0, "exec": 0,
}  # fmt: skip
"""How many words of its own each takes in front of the rest of the line, its options left out."""

_WITH_VALUES = {
    "importas": "Dd", "define": "d", "exec": "a", "elgetpositionals": "P", "backtick": "Dd", "if": "x",
}  # fmt: skip
"""The letters of options behind which a value stands."""

_RUNS_FIRST = frozenset({"foreground", "if", "background", "pipeline"})
"""Each surely runs what is between braces, then the rest of the line."""


def started(text: str, command: Command) -> Iterator[Command]:
    """Each program that a script starts, as far as it tells that before it runs; nothing of a text that is none."""
    words = _read(text)
    todo: list[tuple[Words, Command]] = [] if words is None else [(words, command)]
    for _ in range(MAX_WORDS):
        if not todo:
            return
        words, command = todo.pop(0)
        here = _first(words, command)
        if isinstance(here, tuple):
            todo = [*((each, command) for each in here[1]), (here[0], here[2]), *todo]
        elif here is not None:
            yield here


def _first(words: Words, command: Command) -> Command | tuple[Words, list[Words], Command] | None:
    """The command that words are, or what they come to: the rest, what runs before it; ``None`` where nobody can tell."""
    name = words[0] if words else None
    if not isinstance(name, str) or not name:
        return None
    base = name.rpartition("/")[2]
    if base in _RUNS_FIRST:
        rest = _without_options(words[1:], _WITH_VALUES.get(base, ""))
        block = rest[0] if rest else None
        return (rest[1:], [block], command) if isinstance(block, list) else None
    if base == "cd" and len(words) > 1 and isinstance(words[1], str) and "$" not in words[1]:
        return words[2:], [], replace(command, cwd=command.absolute(words[1]))
    if base == "export" and len(words) > 2 and isinstance(words[1], str) and isinstance(words[2], str):  # noqa: PLR2004 - a name, its value
        return words[3:], [], command.with_variable(words[1], None if "$" in words[2] else words[2])
    if base == "backtick":
        rest = _without_options(words[1:], _WITH_VALUES[base])
        block = rest[1] if len(rest) > 1 else None
        return (rest[2:], [block], command) if isinstance(block, list) else None
    if base in _GOES_ON:
        command = replace(command, env_known=False) if base == "emptyenv" else command
        return _without_options(words[1:], _WITH_VALUES.get(base, ""))[_GOES_ON[base] :], [], command
    if not all(isinstance(word, str) for word in words):
        return None
    argv = tuple(_VARIABLE.sub(UNKNOWN, word) for word in words if isinstance(word, str))
    return None if UNKNOWN in argv[0] else replace(command, argv=argv)


def _without_options(words: Words, with_value: str = "") -> Words:
    """What stands behind options; a value stands in the same word as its letter, or is the next one."""
    at = 0
    while at < len(words) and isinstance(word := words[at], str) and word.startswith("-") and word != "-":
        at += 1
        if word == "--":
            break
        valued = next((n for n, letter in enumerate(word) if n and letter in with_value), None)
        at += valued == len(word) - 1
    return words[at:]


def _read(text: str) -> Words | None:
    """The words of a script, ``None`` where it is not understood."""
    open_ones: list[Words] = [[]]
    at = count = 0
    is_apart = True
    spend(1 + len(text) // 10)
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or count > MAX_WORDS or not (is_apart or token[0][0].isspace()):
            return None
        at, is_apart = token.end(), token.lastgroup is None
        if token["brace"] == "{":
            open_ones.append([])
        elif token["brace"]:
            if len(open_ones) < 2:  # noqa: PLR2004 - the line, what is between braces
                return None
            closed = open_ones.pop()
            open_ones[-1].append(closed)
        elif token["quoted"] is not None or token["plain"]:
            count += 1
            open_ones[-1].append(_ESCAPED.sub(_unescaped, token["plain"] or token["quoted"] or ""))
    return open_ones[0] if len(open_ones) == 1 else None


def _unescaped(found: re.Match[str]) -> str:
    return "" if found[1].startswith("\n") else {"n": "\n", "t": "\t", "r": "\r"}.get(found[1], found[1])
