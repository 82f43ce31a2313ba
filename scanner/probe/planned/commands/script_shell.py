"""What a shell knows at one point of its script."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.formats.shell import grammar
from scanner.formats.shell.syntax import Conditional, Group, If, Item, NotUnderstood
from scanner.formats.shell.syntax import Sequence as Commands
from scanner.probe.planned.unknown_text import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from scanner.formats.shell.syntax import Statement

PLAIN_IFS = " \t\n"
"""What words are split at in every shell that begins."""

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

MANY = UNKNOWN * 2
"""Stands within a word for what may as well be several words, or none."""

CHANGING = frozenset({
    "RANDOM", "SRANDOM", "SECONDS", "LINENO", "EPOCHSECONDS", "EPOCHREALTIME", "PIPESTATUS", "FUNCNAME", "BASHPID", "PPID",
    "BASH_COMMAND", "BASH_SUBSHELL", "BASH_REMATCH", "BASH_ARGV0", "DIRSTACK", "GROUPS", "HISTCMD", "COLUMNS", "LINES", "_",
})  # fmt: skip
"""Variables that hold something else than what they are given: a shell counts in them, or says what it did."""

SET_BY_OTHERS = CHANGING | {
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "HOSTNAME", "UID", "EUID", "HOSTTYPE", "MACHTYPE", "OSTYPE",
    "SHLVL", "SHELLOPTS", "OPTERR", "OPTIND", "PS1", "PS2", "PS4", "MAPFILE", "REPLY", "COPROC", "COMP_WORDBREAKS", "LANG", "LANGUAGE",
    "INVOCATION_ID", "MAINPID", "MANAGERPID", "SYSTEMD_EXEC_PID", "RUNTIME_DIRECTORY", "STATE_DIRECTORY", "LOG_NAMESPACE",
    "CACHE_DIRECTORY", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "PIDFILE",
    "IFS", "EXIT_CODE", "EXIT_STATUS", "SERVICE_RESULT", "TERM", "MAIL", "MEMORY_PRESSURE_WATCH", "MEMORY_PRESSURE_WRITE",
}  # fmt: skip
"""Variables that systemd, a shell or who started it sets by itself."""

_OF_OTHERS = (
    "BASH",
    "LC_",
    "LISTEN_",
    "WATCHDOG_",
    "TRIGGER_",
    "REMOTE_",
    "MONITOR_",
    "JOURNAL_",
    "XDG_",
    "SUDO_",
    "SSH_",
)
"""What the names of others begin with."""

Variable = tuple[str | None, tuple[str, ...] | None, bool | None, bool]
"""A variable's text and elements, none where it has none; whether it is exported (none: perhaps), whether the script itself set it."""


MAX_WORDS = 1 << 13
"""Of one command, or elements of one array: who doubles a list again and again has more."""

COPIED_A_STEP, JOINED_A_STEP = 256, 64
"""Variables that cost about as much as a step to follow, copied or compared with others."""


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
    else: bash goes on behind the refusal, other shells end. ``own`` are those that the script itself surely set,
    ``perhaps`` those that are exported on some ways only. ``is_bash`` tells that it is bash for sure, ``is_odd`` that the
    script changed how it reads. ``last`` are the commands, by their number, of which any may be the last that was run; -1
    is none. ``traps`` are those of which each may be set. ``read`` gives the text of a file by its path, none where it is not there.
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
    own: set[str] = field(default_factory=set)
    perhaps: set[str] = field(default_factory=set)
    is_odd: bool = False
    effort: Effort = field(default_factory=Effort)
    constant: set[str] = field(default_factory=set)
    last: frozenset[int] = frozenset({-1})
    traps: dict[Trap, None] = field(default_factory=dict)
    read: Callable[[str], str | None] = lambda _: None

    def copy(self) -> Shell:
        """The same, to change on its own."""
        self.effort.steps += (len(self.texts) + len(self.functions)) // COPIED_A_STEP
        return replace(
            self,
            texts=dict(self.texts),
            exported=set(self.exported),
            arrays=dict(self.arrays),
            functions=dict(self.functions),
            altered=set(self.altered),
            constant=set(self.constant),
            own=set(self.own),
            perhaps=set(self.perhaps),
            traps=dict(self.traps),
        )

    def by_itself(self) -> Shell:
        """The same with no more than what the script itself surely set: of anything else nobody knows whether it is set."""
        made = self.copy()
        made.texts = {name: text for name, text in self.texts.items() if name in self.own or name == "IFS"}
        made.arrays = {name: words for name, words in self.arrays.items() if name in self.own}
        made.is_whole = False
        return made

    def put(self, name: str, text: str) -> None:
        """Set a variable."""
        is_open = name in self.altered or name in self.constant or name in CHANGING
        self.texts[name] = UNKNOWN if is_open else text.replace(OPEN_TEXT, UNKNOWN)
        if name not in self.constant:  # which may well stay unset
            self.own.add(name)
        self.arrays.pop(name, None)
        if name == "OPTIND":
            self.texts[PLACE] = "" if text == "1" else UNKNOWN
            self.own.add(PLACE)
        if self.exports_all:
            self.exported.add(name)

    def put_array(self, name: str, elements: tuple[str, ...]) -> None:
        """Set an array; its name alone is its first element. What one with too many elements holds is not known."""
        if len(elements) > MAX_WORDS:
            self.put(name, UNKNOWN)
            return
        self.put(name, elements[0] if elements else "")
        if name not in self.altered | self.constant:
            self.arrays[name] = elements

    def forget(self, names: Iterable[str]) -> None:
        """From here on nobody knows what they hold; ``@`` are the positional ones, ``*`` are all."""
        names = set(names)
        if "*" in names:
            names |= self.texts.keys() | {"@"}
            names.discard("*")
            if self.texts.get("IFS") == PLAIN_IFS:  # whose other values are written where they are used
                names.discard("IFS")
            self.is_whole = False
        for name in names:
            if name == "@":
                self.parameters = None
            else:
                self.put(name, UNKNOWN)
                self.own.discard(name)  # it may not even be set

    def drop(self, name: str) -> None:
        """Unset a variable."""
        if name in self.constant:
            self.put(name, UNKNOWN)
            return
        self.texts.pop(name, None)
        self.arrays.pop(name, None)
        self.own.discard(name)
        self.export(name, is_exported=False)

    def export(self, name: str, *, is_exported: bool | None = True) -> None:
        """Let programs that it starts know a variable, or not; none leaves it open."""
        (self.exported.discard if is_exported is False else self.exported.add)(name)
        (self.perhaps.add if is_exported is None else self.perhaps.discard)(name)

    def held(self, names: Iterable[str]) -> dict[str, Variable]:
        """Some variables as they are."""
        return {
            name: (
                *(self.texts.get(name), self.arrays.get(name)),
                *(None if name in self.perhaps else name in self.exported, name in self.own),
            )
            for name in names
        }

    def hold(self, variables: Mapping[str, Variable]) -> None:
        """Take variables as they were somewhere else."""
        for name, (text, array, is_exported, is_own) in variables.items():
            self.drop(name)
            if text is not None:
                self.put(name, text)
            if array is not None and name not in self.constant:
                self.arrays[name] = array
            self.export(name, is_exported=is_exported)
            (self.own.add if is_own else self.own.discard)(name)

    def positional(self, number: str) -> str | None:
        """A positional parameter; none where there are not as many. Nobody knows what stands behind a word that may be several."""
        parameters = self.parameters
        if parameters is None or len(number) >= len("1000"):
            return UNKNOWN
        at = int(number)
        if any(map(may_be_several, parameters[1:at])):
            return UNKNOWN
        if at < len(parameters):
            return UNKNOWN if at and may_be_several(parameters[at]) else parameters[at]
        return UNKNOWN if number == "0" else None

    @property
    def count(self) -> str:
        """``$#``."""
        given = self.parameters
        return UNKNOWN if given is None or any(map(may_be_several, given[1:])) else str(len(given) - 1)

    @property
    def environment(self) -> dict[str, str]:
        """What a program that it starts finds."""
        return {
            name: UNKNOWN if name in self.perhaps else text
            for name, text in self.texts.items()
            if name in self.exported and name not in self.arrays and name != OPEN
        }

    def is_unset(self, name: str) -> bool:
        """Whether nothing sets a variable, as far as all that may set one is known."""
        if name.isdigit():
            return self.parameters is not None and self.positional(name) is None
        return self.is_whole and name.isidentifier() and not (name in SET_BY_OTHERS or name.startswith(_OF_OTHERS))


@dataclass(frozen=True, slots=True, eq=False)
class Trap:
    """A text that is run at a signal, which may come at once: ``before`` is what is known then."""

    signal: str
    action: str
    before: Shell


def may_be_several(word: str) -> bool:
    """Whether a word may be several: it was not quoted, or is a pattern for names of files."""
    return MANY in word or any(sign in word for sign in "*?[")


def joined(ends: Sequence[Shell]) -> Shell:
    """What holds whichever of several ways was taken."""
    first, *others = ends
    made = first.copy()
    for other in others:
        made.effort.steps += (len(made.texts) + len(made.functions)) // JOINED_A_STEP
        for name in {*made.texts, *other.texts}:
            if made.texts.get(name) != other.texts.get(name) or made.arrays.get(name) != other.arrays.get(name):
                made.texts[name] = UNKNOWN
                made.arrays.pop(name, None)
        made.perhaps |= other.perhaps | (made.exported ^ other.exported)
        made.exported |= other.exported
        made.altered |= other.altered
        made.constant |= other.constant
        made.last |= other.last
        made.traps |= other.traps
        made.own &= other.own
        for name in made.functions.keys() | other.functions.keys():
            made.functions[name] = either(name, made.functions.get(name), other.functions.get(name))
        made.is_whole = made.is_whole and other.is_whole
        made.exports_all = made.exports_all or other.exports_all
        made.is_odd = made.is_odd or other.is_odd
        if made.parameters != other.parameters:
            made.parameters = None
    return made


MAX_BODIES = 16
"""What one function may be, by the way that was taken."""


def either(name: str, one: Statement | None, other: Statement | None) -> Statement:
    """A function that is one or the other; a program of that name where it is none on some way."""
    if one is not None and one is other:
        return one
    bodies = list(_bodies(name, one))
    bodies += [body for body in _bodies(name, other) if body not in bodies]
    if len(bodies) > MAX_BODIES:
        line = next((getattr(item.statement, "line", 0) for item in bodies[0].items), 0)
        return NotUnderstood(line, f"a function that may be more than {MAX_BODIES}")
    first, *others = bodies
    return If(tuple((_ANY, body) for body in others), first, 0) if others else Group(first, 0)


def _bodies(name: str, found: Statement | None) -> tuple[Commands, ...]:
    if found is None:
        return (_program(name),)
    if isinstance(found, If) and found.otherwise is not None and all(one is _ANY for one, _ in found.branches):
        return (found.otherwise, *(body for _, body in found.branches))
    return (found.body if isinstance(found, Group) else Commands((Item(found),)),)


@functools.lru_cache(maxsize=256)
def _program(name: str) -> Commands:
    """What a name does that is no function's."""
    made = grammar.parse(f'command {name} "$@"'.encode("utf-8", "surrogateescape"))
    return made if isinstance(made, Commands) else Commands((Item(made),))


_ANY = Commands((Item(Conditional((), 0)),))
"""A condition of which nobody knows whether it holds."""
