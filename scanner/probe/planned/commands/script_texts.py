"""A shell's script beside its commands, with the texts that commands are given to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats.shell.syntax import Simple
from scanner.probe.planned.commands import script_builtins
from scanner.probe.planned.plans import UnclearError
from scanner.probe.planned.unknown_text import UNKNOWN, is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from scanner.formats.shell.syntax import Redirect, Statement
    from scanner.probe.planned.commands.script_shell import Shell
    from scanner.probe.planned.commands.script_values import Expansion

_PUT_FILES = frozenset({"tee", "cp", "mv", "install", "curl", "wget"})
"""Programs whose words name files that they write."""

_ONLY_LOOK = _PUT_FILES | {
    "rm",
    "cat",
    "chmod",
    "chown",
    "mkdir",
    "touch",
    "tail",
    "grep",
    "test",
    "[",
    "echo",
    "printf",
}
"""Programs that run none of the files that their words name."""

STARTS = frozenset({"run", "create", "play", "up", "compose"})
"""Words of engines' commands that start something."""

_WRITES = frozenset({">", ">>", ">|", "&>", "&>>", "<>"})


@dataclass(frozen=True, slots=True)
class Script:
    """A text with its positional parameters, ``$0`` first; ``path`` is the file that it stands in, where it is one.

    ``is_bash`` tells that bash runs it, and no other shell.
    """

    text: str
    parameters: tuple[str, ...]
    path: str = UNKNOWN
    is_bash: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """The words of a simple command, the variables that it has, the text that it is given to read, as far as known."""

    words: tuple[str, ...]
    env: Mapping[str, str]
    stdin: str | None = None


def is_one_word(word: str) -> bool:
    """Whether all of a word is known, and no pattern for names of files."""
    return is_known(word) and not any(sign in word for sign in "*?[")


def of_file(shell: Shell, path: str, read: Callable[[str], str | None]) -> str:
    """What stands in a file that a command reads."""
    try:
        text = read(script_builtins.placed(shell, path)) if is_known(path) else None
    except UnclearError:
        text = None
    return UNKNOWN if text is None else text


def piped(
    before: Statement,
    words: tuple[str, ...],
    expansion: Expansion,
    read: Callable[[str], str | None],
) -> str:
    """What a command in front of a pipe writes; one that is not known where that is not its own words."""
    if not isinstance(before, Simple):
        return UNKNOWN
    if words[:1] == ("cat",) and len(words) == 1:
        here = [one.here for one in before.redirects if one.here is not None]
        return expansion.text(here[-1]) if here else UNKNOWN
    if words[:1] == ("cat",) and not any(word.startswith("-") for word in words):
        return "".join(of_file(expansion.shell, path, read) for path in words[1:])
    said = script_builtins.written(words)
    return UNKNOWN if said is None else said


def written(words: tuple[str, ...], redirects: Iterable[Redirect], text: Callable[..., str]) -> set[str]:
    """The names of files that a command writes."""
    found = [text(one.target) for one in redirects if one.target is not None and one.operator in _WRITES]
    if words and words[0].rpartition("/")[2] in _PUT_FILES:
        found += [word for word in words[1:] if not word.startswith("-")]
    return {path.rpartition("/")[2] for path in found if not path.startswith("/dev/")} - {""}


def is_run(words: tuple[str, ...], files: set[str]) -> bool:
    """Whether a command may run one of these files, as a program, as a script, as a unit."""
    if not words or words[0].rpartition("/")[2] in _ONLY_LOOK:
        return False
    names = {word.rpartition("/")[2] for word in words}
    return not names.isdisjoint(files | {file.rpartition(".")[0] or file for file in files})
