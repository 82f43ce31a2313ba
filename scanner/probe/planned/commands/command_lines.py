"""Commands of container engines within command lines: behind launchers, in shells' scripts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.probe.planned.commands import command
from scanner.probe.planned.commands.script_commands import Script, commands_of
from scanner.probe.planned.plans import UnclearError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.probe.planned.commands.command import Started

MAX_SHELLS = 4
"""A shell that starts a shell that starts Docker: nobody goes further."""

MAX_COMMANDS = 2000
"""Of one line, loops unrolled; a unit starts a handful of containers."""

SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox"})
_GIVE_TO_A_SHELL = frozenset({"su", "runuser", "flock", "script", "sg", "watch"})
"""They hand the word behind ``-c`` to a shell."""

_SAY_ONLY = frozenset({
    "echo", "printf", "logger", "grep", "test", "[", "[[", "true", "false", ":", "cat", "kubectl", "ssh", "which", "type", "command",
    "pkill", "pgrep", "killall", "rm", "mkdir", "touch", "systemctl", "systemd-notify", "wall",
})  # fmt: skip
"""Programs whose words are no commands, or those of another machine."""

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.ASCII | re.DOTALL)
_STARTS = re.compile(r"\b(?:docker|podman|nerdctl)(?:-compose)?\b.*\b(?:run|create|play|up|deploy)\b", re.DOTALL)


def mentions_engine(text: str) -> bool:
    """Whether a text may start a container, as far as its words tell."""
    return _STARTS.search(text) is not None


@dataclass(slots=True)
class Found:
    """What a line starts, each with the variables of its client; why some of it is not known."""

    started: list[tuple[Started, Mapping[str, str]]] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Words:
    words: tuple[str, ...]
    env: Mapping[str, str]
    depth: int
    env_is_whole: bool


def find(words: tuple[str, ...], env: Mapping[str, str], *, env_is_whole: bool = True) -> Found:
    """Everything that a command line starts, its words already split.

    ``env`` are the variables that its processes have; where they are not the whole, what a script takes from others is
    not known.
    """
    found = Found()
    waiting = [_Words(words, env, 0, env_is_whole)]
    count = 0
    while waiting:
        count += 1
        if count > MAX_COMMANDS:
            found.gaps.append(f"more than {MAX_COMMANDS} commands in one line")
            break
        try:
            waiting.extend(reversed(_one(waiting.pop(), found)))
        except UnclearError as error:
            found.gaps.append(str(error))
    return found


def _one(line: _Words, found: Found) -> list[_Words]:
    """Take what one simple command starts; further ones where it is a shell's."""
    env = dict(line.env)
    for at, word in enumerate(line.words):
        program = word.rpartition("/")[2]
        rest = line.words[at + 1 :]
        assigned = _ASSIGNMENT.fullmatch(word)
        if assigned:
            env[assigned[1]] = assigned[2]
        elif program in command.ENGINES or program in command.COMPOSERS:
            started = command.started(program, rest, env)
            if started is not None:
                found.started.append((started, env))
            return []
        elif program in SHELLS or program in _GIVE_TO_A_SHELL:
            script = _script(program, rest)
            if script is not None:
                return _in_shell(script, line, env, found)
        elif program == "eval":
            return _in_shell(Script(" ".join(rest), ()), line, env, found)
        elif program in _SAY_ONLY:
            return []
    return []


def _script(program: str, words: tuple[str, ...]) -> Script | None:
    """The text that a shell is given by ``-c``, with its positional parameters from ``$0`` on."""
    is_asked = False
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word in {"--command", "-c"} or (word[:1] == "-" and word[1:2] != "-" and "c" in word[1:]):
            is_asked = True
            if program in _GIVE_TO_A_SHELL:
                break
        elif word == "--":
            break
        elif word[:1] not in {"-", "+"} and program in SHELLS and not (program == "busybox" and word in SHELLS):
            at -= 1
            break
        if word[:1] in {"-", "+"} and word[1:2] != "-" and "o" in word[1:] and program in SHELLS:
            at += 1
        if word in {"--rcfile", "--init-file"}:
            at += 1
    return Script(words[at], words[at + 1 :]) if is_asked and at < len(words) else None


def _in_shell(script: Script, line: _Words, env: Mapping[str, str], found: Found) -> list[_Words]:
    if line.depth >= MAX_SHELLS:
        raise UnclearError(f"more than {MAX_SHELLS} shells within each other")
    commands, gaps = commands_of(script, env, env_is_whole=line.env_is_whole)
    found.gaps.extend(gaps if mentions_engine(script.text) else ())
    return [_Words(words, its_env, line.depth + 1, line.env_is_whole) for words, its_env in commands]
