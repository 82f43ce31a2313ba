"""Which words a wrapper such as tini, env or a shell surely execs next."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.binary.program.argv import Command


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

_SWITCHES_USER = frozenset({"gosu", "su-exec"})
_BY_EXECVE = frozenset({"gosu"})
"""Go's syscall.Exec asks no shell."""


def next_command(command: Command) -> Command | None:
    """What the launcher ``argv[0]`` will surely exec; ``None`` for any other program."""
    name = command.argv[0].rpartition("/")[2]
    words = command.argv[1:]
    if name == "env":
        return from_env(words, command)
    wrapper = WRAPPERS.get(name)
    if wrapper is None:
        return None
    following = _with(command, _after_own_words(words, wrapper))
    if following is not None and name in _SWITCHES_USER and words:
        return replace(following, user=words[0])
    return following


def by_execvp(command: Command) -> bool:
    """Whether a launcher execs as execvp(3) does, which hands a text to a shell where execve refuses it."""
    return command.argv[0].rpartition("/")[2] not in _BY_EXECVE


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
        if word in ("-i", "--ignore-environment", "-"):
            command = replace(command, env=MappingProxyType({}), env_known=True)
        if word in ("-u", "--unset") and at + 1 < len(words):
            command = command.without_variable(words[at + 1])
        if word in ("-C", "--chdir") and at + 1 < len(words):
            command = replace(command, cwd=command.absolute(words[at + 1]))
        at += 2 if word in _ENV_VALUED else 1
    while at < len(words) and _ASSIGNMENT.fullmatch(words[at]):
        name, _, value = words[at].partition("=")
        command = command.with_variable(name, value)
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
