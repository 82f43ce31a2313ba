"""Which words a wrapper such as tini, env or a shell surely execs next."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.binary.program.argv import Command, split_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.binary.program.content import Content


@dataclass(frozen=True, slots=True)
class _Wrapper:
    """How a wrapper's own words end: options that take a value, and words before the command."""

    valued: frozenset[str] = frozenset()
    own_words: int = 0


def _valued(*options: str, own_words: int = 0) -> _Wrapper:
    return _Wrapper(frozenset(options), own_words)


_TINI = _valued("-p", "-e")
WRAPPERS: Mapping[str, _Wrapper] = MappingProxyType({
    "tini": _TINI,
    "tini-static": _TINI,
    "docker-init": _TINI,
    "catatonit": _valued(),
    "dumb-init": _valued("-r", "--rewrite"),
    "gosu": _valued(own_words=1),
    "su-exec": _valued(own_words=1),
    "nice": _valued("-n", "--adjustment"),
    "ionice": _valued("-c", "-n", "--class", "--classdata"),
    "nohup": _valued(),
    "setsid": _valued(),
    "stdbuf": _valued("-i", "-o", "-e", "--input", "--output", "--error"),
    "timeout": _valued("-k", "-s", "--kill-after", "--signal", own_words=1),
})  # fmt: skip

_ENV_VALUED = frozenset({"-u", "--unset", "-C", "--chdir"})
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)

SHELLS = frozenset({"sh", "ash", "dash", "bash", "ksh", "mksh", "zsh"})
_SHELL_OPTION = re.compile(r"[-+][a-zA-Z]+")
_PLAIN_WORD = re.compile(r"[\w./@%+:,-]+")

_PASSING_BUILTINS = frozenset({"export", "set", "umask", "ulimit", "true", ":", "echo", "printf", "readonly"})
_OTHER_SHELL_WORDS = frozenset({
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "function", "select",
    "{", "}", "(", ")", "!", "[[", "[", "test", ".", "source", "eval", "trap", "wait", "exit", "return", "command",
    "builtin", "type", "read", "unset", "alias", "false", "kill", "jobs", "local", "declare", "let", "shift", "time",
})  # fmt: skip

MAX_SHELL_TEXT = 16 * 1024
"""Of a ``sh -c`` text that is looked at; Dockerfiles' are one line."""


def next_command(command: Command, content: Content) -> Command | None:
    """What the program ``argv[0]``, which holds ``content``, will surely exec; ``None`` where nothing is sure."""
    name = command.argv[0].rpartition("/")[2]
    words = command.argv[1:]
    if name in SHELLS:
        return _from_shell(words, command)
    if name == "env":
        return from_env(words, command)
    wrapper = WRAPPERS.get(name)
    if wrapper is not None:
        return _with(command, _after_own_words(words, wrapper))
    if content.forwards and words and not words[0].startswith("-"):
        return _forwarded((*content.prefix, *words), command)
    return None


def _forwarded(words: tuple[str, ...], command: Command) -> Command | None:
    return _with(command, words)


def _with(command: Command, words: tuple[str, ...]) -> Command | None:
    return replace(command, argv=words) if words and words[0] else None


def _after_own_words(words: tuple[str, ...], wrapper: _Wrapper) -> tuple[str, ...]:
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        if words[at] == "--":
            at += 1
            break
        at += 2 if words[at] in wrapper.valued else 1
    return words[at + wrapper.own_words :]


def from_env(words: tuple[str, ...], command: Command) -> Command | None:
    """What env(1) execs after its options and assignments; PATH and the directory may change on the way."""
    at = 0
    while at < len(words):
        word = words[at]
        if word in ("-S", "--split-string") or word.startswith(("-S", "--split-string=", "-vS")):
            return _from_split(words, at, command)
        if word == "--":
            at += 1
            break
        if not word.startswith("-"):
            break
        if word in ("-C", "--chdir") and at + 1 < len(words):
            command = replace(command, cwd=command.absolute(words[at + 1]))
        at += 2 if word in _ENV_VALUED else 1
    while at < len(words) and _ASSIGNMENT.fullmatch(words[at]):
        if words[at].startswith("PATH="):
            command = replace(command, path=split_path(words[at].removeprefix("PATH=")))
        at += 1
    return _with(command, words[at:])


def _from_split(words: tuple[str, ...], at: int, command: Command) -> Command | None:
    word = words[at]
    if word in ("-S", "--split-string", "-vS"):
        text, rest = (words[at + 1] if at + 1 < len(words) else ""), words[at + 2 :]
    else:
        text, rest = re.sub(r"^(--split-string=|-v?S)", "", word), words[at + 1 :]
    try:
        parts = shlex.split(text)
    except ValueError:
        return None
    if any("$" in part for part in parts) or any(part.startswith(("-S", "--split", "-vS")) for part in parts):
        return None  # what the environment puts in is not known, and nothing sane splits twice
    return from_env((*parts, *rest), command)


def _from_shell(words: tuple[str, ...], command: Command) -> Command | None:
    at, runs_text = 0, False
    while at < len(words) and _SHELL_OPTION.fullmatch(words[at]):
        runs_text = runs_text or "c" in words[at]
        command = replace(command, login=command.login or "l" in words[at])
        at += 2 if words[at].endswith("o") else 1
    if runs_text and at < len(words):
        return _first_of_shell_text(words[at], command)
    return None


def _first_of_shell_text(text: str, command: Command) -> Command | None:
    """The program that a shell's text surely comes to, where nothing but plain words stand before it.

    What ends a text decides how the container ends, so only the last of its statements counts; those before it may
    only be builtins that pass on.
    """
    if len(text) > MAX_SHELL_TEXT or re.search(r"\|\||`|(?<!&)&(?!&)|\|", text.strip()):
        return None
    *before, last = [part for part in re.split(r"[;\n]", text) if part.strip()] or [""]
    for statement in before:
        passed = _passed(statement, command)
        if not isinstance(passed, _Passed):
            return None
        command = passed.command
    passed = _passed(last, command)
    return None if isinstance(passed, _Passed) else passed


@dataclass(frozen=True, slots=True)
class _Passed:
    """A statement that started nothing; ``command`` knows the directory that it changed to."""

    command: Command


def _passed(statement: str, command: Command) -> _Passed | Command | None:
    """What one statement does: nothing of note, a program, or what nobody can tell."""
    for part in statement.split("&&"):
        words = _plain_words(part)
        if words is None:
            return None
        if not words or words[0] in _PASSING_BUILTINS:
            continue
        if words[0] == "cd" and len(words) == 2:  # noqa: PLR2004 - cd and a directory
            command = replace(command, cwd=command.absolute(words[1]))
            continue
        return _program_of(words, command)
    return _Passed(command)


def _plain_words(part: str) -> tuple[str, ...] | None:
    """The words of a simple command without assignments; ``None`` where quoting hides what they are."""
    try:
        words = shlex.split(part, comments=True)
    except ValueError:
        return None
    while words and _ASSIGNMENT.fullmatch(words[0]):
        if words[0].startswith("PATH="):
            return None
        words = words[1:]
    return tuple(words)


def _program_of(words: tuple[str, ...], command: Command) -> Command | None:
    if words[0] == "exec":
        words = words[1:]
        if words and words[0].startswith("-"):
            return None
    if not words or words[0] in _OTHER_SHELL_WORDS or not _PLAIN_WORD.fullmatch(words[0]):
        return None
    return _with(command, words)
