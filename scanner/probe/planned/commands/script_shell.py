"""What a shell knows at one point of its script."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.probe.planned.unknown_text import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scanner.formats.shell.syntax import Statement

OPEN = "archscan_open"
"""A variable that stands in a script for what is not known of its text."""

OPEN_TEXT = f"${{{OPEN}}}"
"""How it stands there; within single quotes it stays as it is, until the text is a word of a command."""

SOURCE = "BASH_SOURCE[0]"
"""Stands among variables for the file whose commands are run; shells other than bash have no such array."""

PLACE = "OPTIND[letter]"
"""Stands among variables for the letter that ``getopts`` looks at next within a word, and that word; empty before one."""

USER_NUMBER = "archscan_uid"
"""Stands among variables for the number of the user who runs the script; not there where nobody knows it."""

SET_BY_OTHERS = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "HOSTNAME", "UID", "EUID", "PPID", "RANDOM", "SECONDS",
    "LANG", "INVOCATION_ID", "JOURNAL_STREAM", "MAINPID", "SYSTEMD_EXEC_PID", "RUNTIME_DIRECTORY", "STATE_DIRECTORY",
    "CACHE_DIRECTORY", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "XDG_RUNTIME_DIR",
    "IFS", "LISTEN_FDS", "EXIT_CODE", "EXIT_STATUS", "SERVICE_RESULT", "TERM", "MONITOR_UNIT", "BASH_SOURCE",
})  # fmt: skip
"""Variables that systemd or the shell sets by itself."""

Variable = tuple[str | None, tuple[str, ...] | None, bool]
"""A variable's text and elements, none where it has none, and whether it is exported."""


@dataclass(slots=True)
class Effort:
    """What following a script has cost, in steps; all that is known on any of its ways shares one."""

    steps: int = 0


@dataclass(slots=True)
class Shell:
    """What a shell knows at one point of its script.

    ``parameters`` are the positional ones, ``$0`` first, none where nobody knows how many there are. Of what is
    ``exported`` the programs that it starts know, too. ``is_whole`` tells that a variable which is not here is not set.
    ``altered`` are variables that hold something else than what they are given, ``constant`` those that take nothing
    else: bash goes on behind the refusal, other shells end. ``is_bash`` tells that it is bash for sure. ``last`` are the
    commands, by their number, of which any may be the last that was run; -1 is none.
    """

    texts: dict[str, str]
    exported: set[str]
    parameters: tuple[str, ...] | None = ()
    is_whole: bool = True
    exports_all: bool = False
    is_bash: bool = False
    arrays: dict[str, tuple[str, ...]] = field(default_factory=dict)
    functions: dict[str, Statement] = field(default_factory=dict)
    altered: set[str] = field(default_factory=set)
    effort: Effort = field(default_factory=Effort)
    constant: set[str] = field(default_factory=set)
    last: frozenset[int] = frozenset({-1})

    def copy(self) -> Shell:
        """The same, to change on its own."""
        return replace(
            self,
            texts=dict(self.texts),
            exported=set(self.exported),
            arrays=dict(self.arrays),
            functions=dict(self.functions),
            altered=set(self.altered),
            constant=set(self.constant),
        )

    def put(self, name: str, text: str) -> None:
        """Set a variable."""
        is_open = name in self.altered or name in self.constant
        self.texts[name] = UNKNOWN if is_open else text.replace(OPEN_TEXT, UNKNOWN)
        self.arrays.pop(name, None)
        if name == "OPTIND":
            self.texts[PLACE] = "" if text == "1" else UNKNOWN
        if self.exports_all:
            self.exported.add(name)

    def put_array(self, name: str, elements: tuple[str, ...]) -> None:
        """Set an array; its name alone is its first element."""
        self.put(name, elements[0] if elements else "")
        if name not in self.altered | self.constant:
            self.arrays[name] = elements

    def forget(self, names: Iterable[str]) -> None:
        """From here on nobody knows what they hold; ``@`` are the positional ones."""
        for name in names:
            if name == "@":
                self.parameters = None
            else:
                self.put(name, UNKNOWN)

    def drop(self, name: str) -> None:
        """Unset a variable."""
        if name in self.constant:
            self.put(name, UNKNOWN)
            return
        self.texts.pop(name, None)
        self.arrays.pop(name, None)
        self.exported.discard(name)

    def held(self, names: Iterable[str]) -> dict[str, Variable]:
        """Some variables as they are."""
        return {name: (self.texts.get(name), self.arrays.get(name), name in self.exported) for name in names}

    def hold(self, variables: Mapping[str, Variable]) -> None:
        """Take variables as they were somewhere else."""
        for name, (text, array, is_exported) in variables.items():
            self.drop(name)
            if text is not None:
                self.put(name, text)
            if array is not None and name not in self.constant:
                self.arrays[name] = array
            (self.exported.add if is_exported else self.exported.discard)(name)

    def positional(self, number: str) -> str | None:
        """A positional parameter; none where there are not as many."""
        parameters = self.parameters
        if parameters is None:
            return UNKNOWN
        if len(number) < len("1000") and int(number) < len(parameters):
            return parameters[int(number)]
        is_open = number == "0" or any(UNKNOWN in word for word in parameters[1:])  # such a word may be several
        return UNKNOWN if is_open else None

    @property
    def count(self) -> str:
        """``$#``."""
        given = self.parameters
        return UNKNOWN if given is None or any(UNKNOWN in word for word in given[1:]) else str(len(given) - 1)

    @property
    def environment(self) -> dict[str, str]:
        """What a program that it starts finds."""
        return {name: text for name, text in self.texts.items() if name in self.exported and name != OPEN}

    def is_unset(self, name: str) -> bool:
        """Whether nothing sets a variable, as far as all that may set one is known."""
        if name.isdigit():
            return self.parameters is not None and self.positional(name) is None
        return self.is_whole and name.isidentifier() and name not in SET_BY_OTHERS


def joined(ends: Sequence[Shell]) -> Shell:
    """What holds whichever of several ways was taken."""
    first, *others = ends
    made = first.copy()
    for other in others:
        for name in {*made.texts, *other.texts}:
            if made.texts.get(name) != other.texts.get(name) or made.arrays.get(name) != other.arrays.get(name):
                made.texts[name] = UNKNOWN
                made.arrays.pop(name, None)
        made.exported |= other.exported
        made.altered |= other.altered
        made.constant |= other.constant
        made.last |= other.last
        made.functions |= other.functions
        made.is_whole = made.is_whole and other.is_whole
        made.exports_all = made.exports_all or other.exports_all
        if made.parameters != other.parameters:
            made.parameters = None
    return made
