"""The state of an interpreted shell at one moment on one way through its script."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS
from scanner.binary.program.shell.frames import FINISHED, Hidden, LeaveSubshell
from scanner.binary.program.shell.making import Makes
from scanner.binary.program.shell.references import led
from scanner.formats.parsing.patience import spend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.binary.program.argv import Command
    from scanner.binary.program.shell.frames import Stack
    from scanner.binary.program.shell.writes import Write
    from scanner.formats.shell.syntax import Statement

FUNCTIONS = "BASH_FUNC_"
"""What variables are called in which bash hands on functions; one may have the name of a program or builtin."""

MAX_EXTERNALS = 64
"""Programs that one way starts before its last; long entrypoints start some twenty."""

MAX_WRITTEN = 256
"""Paths that one way writes."""

OWN_INPUT = f"{UNKNOWN}input"
"""Stands for the container's own input: usually none, whatever may read from it."""

OWN_HOME = f"{UNKNOWN}home"
"""Stands for the HOME that an engine sets by the image's accounts, as long as these were not read for it."""

OWN_SCRIPT = f"{UNKNOWN}script"
"""Stands for the rest of the script itself, which a shell reads from the input that it shares with its programs."""

EATEN = f"{UNKNOWN}eaten"
"""Stands for what was the rest of the script until something ran that may have read it."""

SHARED = f"{UNKNOWN}shared"
"""Stands before what is left of an input that a program may have read to its end."""

ZERO = "\ue000"
"""Stands for a zero byte of what is printed, which no word of a shell can hold."""

INSIDE = "OPTIND:inside"
"""Where in a word of several letters ``getopts`` stands; no script can name it."""

MAX_TEXT = 64 * 1024
"""Characters of one value; a loop that doubles a variable would fill the memory."""


_OF_PROGRAMS = re.compile(r"(?:^|/)(?:tmp\.\w+|[\w@+-]*(?:\.(?:sh|bash|env|envsh))?)$", re.ASCII)
"""Names of files that may be started or read by a shell: to look into what they are made of may cost one more reading of a layer."""


class ShellKind(Enum):
    """Which program reads a script; ``POSIX`` where it is some ``sh`` that nobody knows by name."""

    DASH = "dash"
    BASH = "bash"
    ASH = "busybox sh"
    KSH = "ksh"
    ZSH = "zsh"
    POSIX = "sh"


@dataclass(frozen=True, slots=True)
class AtRunTime:
    """Nobody can tell before the script runs what it starts; ``is_faulty`` where it may well start nothing."""

    why: str
    is_faulty: bool = False


class AtRunTimeError(Exception):
    """Nobody can tell before the script runs; stays inside the interpretation, where it becomes an ending.

    ``is_of_all`` tells that it concerns the script as a whole wherever it stands, as an error of its syntax does, ``word``
    is what names the program, as far as that is known.
    """

    def __init__(self, why: str, *, is_faulty: bool = False, is_of_all: bool = False, word: str = "") -> None:
        super().__init__(why)
        self.word = word
        self.is_faulty = is_faulty
        self.is_of_all = is_of_all


class ShellEndsError(Exception):
    """The shell gives up, such as at a variable that must be set; stays inside the interpretation as that error does."""


@dataclass(frozen=True, slots=True)
class External:
    """A program that a script starts.

    ``prepares`` where it is one that only makes ready, ``missing`` where the shell surely does not find it, ``foreign``
    where it is for another CPU than the shell, ``breaks`` where it is missing at the end of a pipe, so that what the
    programs before it print goes nowhere. ``placed`` is what it surely puts in place where it succeeds,
    ``written`` what may have been changed before it was started, ``makes`` what it may have made itself. ``absent`` tells that
    it is not there unless a program before has made it.
    """

    command: Command
    prepares: bool = False
    missing: bool = False
    foreign: bool = False
    breaks: bool = False
    placed: tuple[Write, ...] = ()
    written: tuple[Write, ...] | None = field(default=None, compare=False)
    makes: Makes = field(default=Makes.ANYTHING, compare=False)
    absent: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class State:
    """One way through a script, up to here.

    A value holds ``UNKNOWN`` where text is not known, ``None`` stands for unset. ``status`` is the last exit code,
    ``None`` where not known. ``quiet`` tells that a failure ends nothing (``set -e`` in conditions). ``output`` is what
    was printed so far where somebody ``captures`` it, be it a file that it goes ``into``, ``input`` what is left to be read, ``None`` where not known.
    ``architecture`` is the CPU that the shell itself was built for, empty where that is not known.
    ``beside`` is what ``may_have_made`` was before programs began beside which the next one is started, ``None`` where
    there is none or where something has waited since. ``substituted`` is how deep in substitutions, ``None`` outside. ``externals`` are the programs that do more than
    prepare, ``asked`` those that ran for their output, ``last`` is the last program whatever it does. ``local`` are a
    function's variables with what they were before. ``gave_up`` is why the shell ended by itself, ``lacks``
    the last program that it did not find. ``asks`` is the program of whose success ``status`` tells, ``needs`` are those
    without whose success this way is not taken, ``replaced`` is the one in whose place the script itself did something.
    ``doubt`` is why a tool surely did not put in place what it was to, ``early`` tells that a program is taken to have read
    what a loop had still to read.
    ``vague`` tells that ``written`` may lack what a program changed that only made ready. ``aliases`` are words with
    the line where each is told, ``opened`` what is left to be read of files by their numbers.
    """

    stack: Stack
    variables: Mapping[str, str | None]
    exported: frozenset[str]
    arrays: Mapping[str, tuple[str, ...]]
    positional: tuple[str, ...]
    arg0: str
    file: str
    cwd: str
    user: str | None
    mounts: tuple[str, ...]
    volumes: tuple[str, ...]
    env_known: bool
    options: frozenset[str] = frozenset()
    functions: Mapping[str, Statement] = field(default_factory=dict)
    status: int | None = 0
    quiet: bool = False
    externals: tuple[External, ...] = ()
    last: External | None = None
    background: tuple[External, ...] = ()
    asked: tuple[External, ...] = ()
    written: tuple[Write, ...] = ()
    output: str = ""
    captures: bool = False
    into: str = ""
    input: str | None = OWN_INPUT
    exit_trap: str = ""
    execd: bool = False
    local: tuple[Hidden, ...] = ()
    substituted: int | None = None
    gave_up: str = ""
    lacks: Command | None = None
    architecture: str = ""
    readonly: frozenset[str] = frozenset()
    asks: External | None = None
    needs: tuple[External, ...] = ()
    replaced: External | None = None
    beside: bool | None = None
    vague: bool = False
    doubt: str = ""
    early: bool = False
    aliases: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    opened: Mapping[str, str | None] = field(default_factory=dict)

    def is_posix(self, kind: ShellKind) -> bool:
        """Whether the shell does as POSIX says where bash by itself does otherwise."""
        return kind is not ShellKind.BASH or "posix" in self.options

    def value(self, name: str) -> str | None:
        """A variable's value, ``None`` where it is unset."""
        if name in self.variables:
            return self.variables[name]
        if name in self.arrays:
            if (named := self.led(name)) != name:
                return self.value(named)
            first = self.arrays[name][:1]
            return UNKNOWN if first == (UNKNOWN_WORDS,) else first[0] if first else None
        return None if self.env_known else UNKNOWN

    def assigned(self, name: str, value: str | None) -> State:
        """The state with one variable set, or unset by ``None``."""
        name = self.led(name)
        if name in self.readonly:
            raise AtRunTimeError(f"the variable {name} is changed, which is read-only", is_faulty=True)
        if name == "POSIXLY_CORRECT":
            raise AtRunTimeError("POSIXLY_CORRECT, which changes what bash does, is changed")
        if value is not None and len(value) > MAX_TEXT:
            raise AtRunTimeError(f"the variable {name} grows beyond {MAX_TEXT} characters")
        if name in self.arrays and value is not None:
            return self._with_first(name, value)
        arrays = {key: each for key, each in self.arrays.items() if key != name} if name in self.arrays else self.arrays
        exported = self.exported | {name} if "a" in self.options else self.exported
        variables = {**self.variables, name: value}
        if name == "OPTIND":
            variables[INSIDE] = "0" if value == "1" else UNKNOWN
        return replace(self, variables=variables, arrays=arrays, exported=exported)

    def _with_first(self, name: str, value: str) -> State:
        """What is given to an array as if it were a variable becomes its first element."""
        elements = self.arrays[name]
        if type(elements) is not tuple:
            raise AtRunTimeError(f"the array {name}, whose elements have names, is given a value")
        rest = elements if elements[:1] == (UNKNOWN_WORDS,) else elements[1:]
        return replace(self, arrays={**self.arrays, name: (value, *rest)})

    def led(self, name: str) -> str:
        """The variable for which a name stands: itself, unless it names another one (``declare -n``)."""
        found = led(self.arrays, name)
        if found is None:
            raise AtRunTimeError(f"the variable {name}, which names itself", is_faulty=True)
        return found

    def handing_on(self, function: str, *, on: bool = True) -> State:
        """The state in which a bash that is started below knows a function too, of whatever name, or no longer."""
        name = f"{FUNCTIONS}{function}%%"
        exported = self.exported | {name} if on else self.exported - {name}
        return replace(self, variables={**self.variables, name: UNKNOWN}, exported=exported)

    def hidden(self, name: str) -> State:
        """The state in which a function has a variable of its own of this name; what it was comes back behind it."""
        if any(each.name == name for each in self.local):
            return self
        before = Hidden(
            name, self.variables.get(name), name in self.variables, name in self.exported, self.arrays.get(name)
        )
        arrays = {key: each for key, each in self.arrays.items() if key != name}
        return replace(self, local=(before, *self.local), arrays=arrays)

    def with_status(self, status: int | None) -> State:
        """The state behind a command that returned this."""
        return replace(self, status=status, asks=None)

    def succeeded(self) -> State:
        """The state behind a success where the status is not known: what was asked has to run for it."""
        if self.status is not None or self.asks is None or self.asks.placed:
            return self
        needs = self.needs if self.asks in self.needs else (*self.needs, self.asks)
        return replace(self, needs=needs, asks=None)

    def lacking_files(self, words: tuple[str, ...], why: str) -> State:
        """The state behind a tool that surely puts nothing in place, whose script may start what that was to be."""
        places = words[0].rpartition("/")[2] in {"cp", "mv", "install", "tar", "unzip", "find"}
        return replace(self, doubt=why) if places and why and not self.doubt else self

    def failed(self) -> State:
        """The state behind a failure where the status is not known: nothing is sure of what was to be put in place."""
        placed = self.asks.placed if self.asks is not None else ()
        written = tuple(each.unsure if each in placed else each for each in self.written) if placed else self.written
        return replace(self, written=written, status=1, asks=None)

    @property
    def has_started(self) -> bool:
        """Whether programs ran of which nobody knows what files they made."""
        return self._has_made(Makes.NAMED)

    def _has_made(self, most: Makes) -> bool:
        """Whether programs ran that may have made more than this."""
        started = (*self.externals, *self.background, *self.asked)
        return any(each.makes > most and not each.missing for each in started)

    @property
    def has_asked(self) -> bool:
        """Whether programs ran for their output that may have made files."""
        return any(each.makes > Makes.NAMED and not each.missing for each in self.asked)

    @property
    def is_sure_of_files(self) -> bool:
        """Whether what was not written stands as the image has it, beyond doubt."""
        return not self.vague and not self.has_started

    @property
    def folds(self) -> bool:
        """Whether case means nothing to patterns that whole texts are held against (``nocasematch``)."""
        return "nocasematch" in self.options

    @property
    def ends_all(self) -> bool:
        """Whether a failure under ``set -e`` ends the script too where it ends a subshell, or a pipeline by its last part."""
        stack: Stack | None = self.stack
        while stack is not None:
            if isinstance(stack.frame, LeaveSubshell):
                leave = stack.frame
                if leave.background or leave.piped or leave.before.quiet or "e" not in leave.before.options:
                    return False
            stack = stack.below
        return True

    @property
    def is_read(self) -> bool:
        """Whether what is printed becomes part of a word, of what another program reads, or of a script by its name."""
        is_program = _OF_PROGRAMS.search(self.into) is not None
        return (self.captures and is_program) or self.substituted is not None

    @property
    def may_have_made(self) -> bool:
        """Whether programs had the time to make the one that is started now: those that are started at once with it had none."""
        return self._has_made(Makes.DATA) if self.beside is None else self.beside

    def waited(self) -> State:
        """The state behind whatever takes its time, so that what runs beside it may have come to anything."""
        return self if self.beside is None else replace(self, beside=None)

    def touched(self, path: str) -> bool:
        """Whether the script itself may have made, changed or removed what stands at an absolute path."""
        path = posixpath.normpath(path)
        spend(len(self.written))
        return any(each.touches(path) for each in self.written)

    def wrote(self, *writes: Write | None) -> State:
        """The state behind a command that may have changed these paths."""
        new = tuple(each for each in dict.fromkeys(writes) if each is not None and each not in self.written)
        if not new:
            return self
        if len(self.written) + len(new) > MAX_WRITTEN:
            raise AtRunTimeError(f"it writes more than {MAX_WRITTEN} paths")
        spend(len(self.written) ** 2 // 2)  # each is held against all of them to tell what is sure
        return replace(self, written=self.written + new)

    def drained(self) -> State:
        """The state behind a command that may have read anything of its input."""
        if self.input in {None, OWN_INPUT, EATEN}:
            return self
        return replace(self, input=EATEN if self.input == OWN_SCRIPT else None)

    def shared(self) -> State:
        """The state behind a program that may have read its input, which a loop over all of it reads on."""
        if self.input == "" or (self.input or "").startswith(SHARED):
            return self
        return replace(self, input=f"{SHARED}{self.input}") if is_known(self.input) else self.drained()

    def printed(self, text: str) -> State:
        """The state behind a command that printed this."""
        if not self.captures:
            return self
        if len(self.output) + len(text) > MAX_TEXT and self.into:
            return replace(self, output=UNKNOWN)
        if len(self.output) + len(text) > MAX_TEXT:
            raise AtRunTimeError(f"it prints more than {MAX_TEXT} characters into one word")
        return replace(self, output=self.output + text)

    def on(self, stack: Stack | None) -> State:
        """The state with another stack, the bottom where there is none."""
        return replace(self, stack=FINISHED if stack is None else stack)

    def absolute(self, path: str) -> str:
        """A path from the root, or from the working directory."""
        return path if path.startswith("/") else f"{self.cwd.rstrip('/')}/{path}"


def is_known(text: str | None) -> bool:
    """Whether a value is known to its last character."""
    return text is not None and UNKNOWN not in text


def counted(words: tuple[str, ...]) -> bool:
    """Whether it is known how many words these are."""
    return UNKNOWN_WORDS not in words
