"""Reads the command line of env(1), in the grammar of coreutils beside that of busybox: what it execs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.binary.program.launch.getopt import OptionError, Parsed, grammar
from scanner.binary.program.launch.launch import AtRunTime, assigned, empty_environment

if TYPE_CHECKING:
    from scanner.binary.program.argv import Command
    from scanner.binary.program.launch.launch import Launch, LauncherCall

MAX_SPLITS = 8
"""Texts of ``-S`` within texts of ``-S`` that are split; nothing sane nests at all."""

MAX_SPLIT_CHARS = 64 * 1024
"""Of one text of ``-S``; the kernel hands a script's interpreter at most 256 bytes."""

_GNU = grammar(
    "C:iS:u:v0a:",
    "ignore-environment>i null>0 unset:>u chdir:>C default-signal:: ignore-signal:: block-signal:: "
    "list-signal-handling debug>v split-string:>S argv0:>a help version",
)
_BUSYBOX = grammar("iu:0", "ignore-environment>i null>0 unset:>u")

_BLANKS = " \t\n\v\f\r"
_ESCAPES = {"f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "#": "#", "$": "$", '"': '"', "'": "'", "\\": "\\"}
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)


def gnu(call: LauncherCall) -> Launch:
    """GNU coreutils' env: options, ``-``, assignments, the command; ``-S`` puts further words in its place."""
    options: tuple[tuple[str, str | None], ...] = ()
    words = call.words
    for _ in range(MAX_SPLITS):
        parsed = _GNU.parse(words, until="S")
        if isinstance(parsed, OptionError):
            return call.refused(parsed)
        options += parsed.options
        if not options or options[-1][0] != "S":
            return _gnu(call, Parsed(options, parsed.rest))
        parts = _split(options[-1][1] or "", call.command)
        if isinstance(parts, OptionError):
            return call.refused(parts)
        if isinstance(parts, AtRunTime):
            return parts
        options, words = options[:-1], (*parts, *parsed.rest)
    return AtRunTime(f"{call.name} -S stands in more than {MAX_SPLITS} texts within each other")


def _gnu(call: LauncherCall, parsed: Parsed) -> Launch:
    if parsed.has("help", "version"):
        return None
    launch = _surrounded(call, parsed)
    if launch is None:
        return call.refused("-C and -a need a command") if parsed.has("C", "a") else None
    if parsed.has("0"):
        return call.refused("-0 and a command exclude each other")
    argv0 = parsed.value("a")
    return launch if argv0 is None or isinstance(launch, AtRunTime) else replace(launch, argv0=argv0)


def busybox(call: LauncherCall) -> Launch:
    """Busybox' env, which knows neither ``-S`` nor ``-C``."""
    parsed = _BUSYBOX.parse(call.words)
    return call.refused(parsed) if isinstance(parsed, OptionError) else _surrounded(call, parsed)


def _surrounded(call: LauncherCall, parsed: Parsed) -> Launch:
    """The command in the environment that options, ``-`` and assignments make; ``None`` where there is none."""
    command = _with_options(call.command, parsed.options)
    if isinstance(command, OptionError):
        return call.refused(command)
    rest = parsed.rest
    if rest[:1] == ("-",):
        command, rest = empty_environment(command), rest[1:]
    return _assigned(call, command, rest)


def _with_options(command: Command, options: tuple[tuple[str, str | None], ...]) -> Command | OptionError:
    """The environment is emptied first, then names are unset; the directory is changed last."""
    if any(name == "i" for name, _ in options):
        command = empty_environment(command)
    for name, value in options:
        if name == "u":
            if not value or "=" in value:
                return OptionError(f"{value!r} cannot be unset")
            command = command.without_variable(value)
    directories = [value or "" for name, value in options if name == "C"]
    return replace(command, cwd=command.absolute(directories[-1])) if directories else command


def _assigned(call: LauncherCall, command: Command, words: tuple[str, ...]) -> Launch:
    """Every word with ``=`` in it is an assignment, then the command; without one env prints what is set."""
    variables: dict[str, str | None] = {}
    at = 0
    while at < len(words) and "=" in words[at]:
        name, _, value = words[at].partition("=")
        variables[name] = value
        at += 1
    if at == len(words):
        return None
    if command.cwd != call.command.cwd and not call.stands(command.cwd):
        return call.refused(f"there is no directory {command.cwd}")
    return call.within(assigned(command, variables)).starting(words[at:])


@dataclass(slots=True)
class _Splitting:
    """A text of ``-S`` while it is split; ``begun`` tells that the last word may go on."""

    command: Command
    words: list[str] = field(default_factory=list)
    begun: bool = False
    quote: str = ""

    def put(self, text: str) -> None:
        if not self.begun:
            self.words.append("")
            self.begun = True
        self.words[-1] += text

    def take(self, text: str, at: int) -> int | OptionError | AtRunTime:
        """Read what stands at ``at``; gives the place behind it."""
        char = text[at]
        if char in "'\"" and self.quote in ("", char):
            self.put("")
            self.quote = "" if self.quote else char
        elif not self.quote and char in _BLANKS:
            self.begun = False
        elif not self.quote and char == "#" and not self.begun:
            return len(text)
        elif char == "\\" and (self.quote != "'" or text[at + 1 : at + 2] in ("\\", "'")):
            return self._escape(text, at)
        elif char == "$" and self.quote != "'":
            return self._variable(text, at)
        else:
            self.put(char)
        return at + 1

    def _escape(self, text: str, at: int) -> int | OptionError:
        letter = text[at + 1 : at + 2]
        if letter == "c" and not self.quote:
            return len(text)
        if letter == "_" and not self.quote:
            self.begun = False
            return at + 2
        meant = " " if letter == "_" else _ESCAPES.get(letter)
        if meant is None:
            return OptionError(f"the sequence \\{letter} means nothing to -S")
        self.put(meant)
        return at + 2

    def _variable(self, text: str, at: int) -> int | OptionError | AtRunTime:
        found = _VARIABLE.match(text, at)
        if found is None:
            return OptionError("only ${NAME} is expanded by -S")
        value = self.command.env.get(found[1], "" if self.command.env_known else None)
        if value is None:
            return AtRunTime(f"-S expands ${{{found[1]}}}, whose value is not known")
        if value:
            self.put(value)
        return found.end()


def _split(text: str, command: Command) -> tuple[str, ...] | OptionError | AtRunTime:
    """The words of a ``-S`` text by coreutils' own rules (its manual, "-S/--split-string syntax")."""
    if len(text) > MAX_SPLIT_CHARS:
        return AtRunTime(f"the text of -S has more than {MAX_SPLIT_CHARS} characters")
    splitting = _Splitting(command)
    at: int | OptionError | AtRunTime = 0
    while isinstance(at, int) and at < len(text):
        at = splitting.take(text, at)
    if not isinstance(at, int):
        return at
    return OptionError("a quote in the text of -S does not end") if splitting.quote else tuple(splitting.words)
