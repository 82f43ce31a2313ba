"""Commands that a host's other programs start: cron, anacron, supervisord, Monit, runit, scripts at boot."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.domain.facts import Source
from scanner.formats.systemd_unit import Setting
from scanner.probe.planned.commands.other_starters import mentions_engine
from scanner.probe.planned.plans import Plans, UnclearError, gap, text_of
from scanner.probe.planned.units import command_places
from scanner.probe.planned.units.command_places import Place
from scanner.probe.planned.units.files import Files
from scanner.probe.planned.units.runs import SCRIPT, UnitRuns
from scanner.probe.planned.units.unit_environment import UnitEnvironment
from scanner.probe.planned.unknown_text import HIDDEN, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.probe.planned.units.runs import OwnProject

_STDIN = re.compile(r"(?<!\\)%")
_OF_SUPERVISORD = re.compile(r"%\([^%()]*\)[-+ #0-9.]*[a-z]")
"""What supervisord puts in place of its own variables: ``%(ENV_TAG)s``, ``%(process_num)02d``."""

_PROGRAMS = ("[program:", "[eventlistener:", "[fcgi-program:")
_SAID = frozenset({"command", "directory", "user", "environment"})
_STARTING = frozenset({"program", "exec", "path"})
"""Words of Monit's behind which a command stands."""

_NO_USERS = frozenset({"sudo", "doas", "env", "exec", "cd", "test", "["})
"""What a command of a user's own table begins with, where a table of all users has a user."""

_QUOTE = re.compile("[\"']")

MAX_COMMAND_CHARS = 1 << 14
"""Of one program of supervisord or Monit, which somebody wrote."""

MAX_COMMANDS = 1000
"""Of one file, and variables: a crontab has a few dozen."""

_FIELDS, _FIELDS_OF_ANACRON = 5, 3
"""Of a line, in front of the command, or of who runs it."""

_FOLDERS = ("/cron.hourly", "/cron.daily", "/cron.weekly", "/cron.monthly", "/cron.yearly")
"""Folders of scripts, which are looked into by themselves."""


@dataclass(frozen=True, slots=True)
class _Command:
    """What is started with which words; as whom, empty for root; where; ``is_open`` where variables stayed on the host."""

    words: tuple[str, ...]
    line: int
    text: str
    user: str = ""
    place: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    is_open: bool = False


def by_file(
    texts: Mapping[str, bytes], own: OwnProject = lambda _: (), played: set[str] | None = None
) -> Iterator[tuple[str, Plans]]:
    """What the commands of each file start, by its path, named by it.

    Args:
        texts: tables and scripts, with the files that they refer to.
        own: gives what somebody else reads of Compose files as projects of their own.
        played: takes the files of projects that a command starts in another way.
    """
    for path, raw in texts.items():
        if command_places.is_named(path) or raw == SCRIPT:
            root = "" if path.startswith("/") else path.partition("/")[0]
            yield path, _planned(path, raw, Files(texts, root), own, set() if played is None else played)


def _planned(path: str, raw: bytes, files: Files, own: OwnProject, played: set[str]) -> Plans:
    inside = path.removeprefix(files.root)
    name = "/".join(path.split("/")[-2:])
    found = Plans()
    try:
        for number, one in enumerate(_commands(inside, raw)):
            if number == MAX_COMMANDS:
                found += gap(path, f"more than {MAX_COMMANDS} commands")
                break
            env = UnitEnvironment(dict(one.env), dict.fromkeys(one.env, f"{path}:{one.line}"), has_others=one.is_open)
            runs = UnitRuns(name, Source.COMMAND, files, env, one.place, own=own, user=one.user, played=played)
            found += runs.plans(one.words, Setting("", "", one.text, path, ((one.line, one.text),)))
    except UnclearError as error:
        found += gap(path, error)
    return found


def _commands(path: str, raw: bytes) -> Iterator[_Command]:
    """Every command of a file.

    Raises:
        UnclearError: it is no text, or its words cannot be told apart.
    """
    place = command_places.place_of(path)
    if raw == SCRIPT or place is Place.SCRIPT:
        yield _Command((path, "start"), 1, "", place="/")
        return
    lines = [(number, line) for number, line in enumerate(text_of(raw).split("\n"), 1) if line.strip()[:1] != "#"]
    if place is Place.SUPERVISORD:
        yield from _supervised(lines)
    elif place is Place.MONIT:
        yield from _watched(lines)
    else:
        yield from _of_cron(path, place, lines)


# ---------------------------------------------------------------- cron


def _of_cron(path: str, place: Place | None, lines: list[tuple[int, str]]) -> Iterator[_Command]:
    """crontab(5), anacrontab(5): variables count for the lines behind them, ``%`` ends a command."""
    owner = posixpath.basename(path) if place is Place.CRON_OF_A_USER else ""
    env: dict[str, str] = {}
    for number, line in lines:
        name, equals, value = (part.strip(" \t") for part in line.partition("="))
        if equals and _unquoted(name).isidentifier():
            env[_unquoted(name)] = _unquoted(value)
            if len(env) > MAX_COMMANDS:
                raise UnclearError(f"more than {MAX_COMMANDS} variables")
        elif said := _behind_moment(line, place):
            user, _, command = said.partition(" ") if place is Place.CRON else (owner, "", said)
            if mentions_engine(said) and (user in _NO_USERS or not mentions_engine(command)):
                user, command = owner, said  # a table of one user's, whatever its name
            if mentions_engine(line) or not ("run-parts" in line and any(one in line for one in _FOLDERS)):
                yield _by_shell(command.strip(), number, user, env)


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _behind_moment(line: str, place: Place | None) -> str:
    """What stands behind the fields of a moment, with single blanks behind its first word; empty where nothing does."""
    fields = _FIELDS_OF_ANACRON if place is Place.ANACRON else _FIELDS
    if line.lstrip(" \t-").startswith("@") and place is not Place.ANACRON:
        fields = 1
    words = line.split(None, fields)
    return " ".join(words[fields].split(None, 1)) if len(words) > fields else ""


def _by_shell(text: str, number: int, user: str, env: Mapping[str, str]) -> _Command:
    command, *stdin = _STDIN.split(text)
    if stdin and mentions_engine(" ".join(stdin)):
        raise UnclearError(f"line {number} gives a command a text in which an engine is named")
    shell = env.get("SHELL") or "/bin/sh"
    is_root = user in {"", "root"}
    place = env.get("HOME") or ("/root" if is_root else UNKNOWN)
    words = (shell, "-c", command.replace("\\%", "%"))
    return _Command(words, number, text, "" if is_root else user, place, dict(env))


# ---------------------------------------------------------------- supervisord, Monit


def _supervised(lines: list[tuple[int, str]]) -> Iterator[_Command]:
    """The programs of supervisord, which starts them without a shell; a line that is indented goes on."""
    said: dict[str, tuple[int, list[str]]] = {}
    key = ""
    is_program = False
    for number, line in [*lines, (0, "[end]")]:
        begin, sign, value = line.partition(min("=:", key=lambda one: line.find(one) % (len(line) + 1)))
        if line.lstrip().startswith("["):
            if is_program and "command" in said:
                yield _program({name: (at, " ".join(parts)) for name, (at, parts) in said.items()})
            is_program, said, key = line.strip().startswith(_PROGRAMS), {}, ""
        elif key and line[:1] in " \t":
            said[key][1].append(line.strip())
        else:
            key = begin.strip() if sign and begin.strip() in _SAID else ""
            said |= {key: (number, [value.partition(" ;")[0].strip()])} if key else {}


def _program(said: Mapping[str, tuple[int, str]]) -> _Command:
    number, text = said["command"]
    given = _words(said.get("environment", (0, ""))[1], ",")
    env = dict(part.split("=", 1) for part in given if "=" in part)
    user = said.get("user", (0, ""))[1]
    place = said.get("directory", (0, ""))[1]
    words = tuple(_OF_SUPERVISORD.sub(UNKNOWN, word).replace("%%", "%") for word in _words(text))
    return _Command(words, number, text, "" if user == "root" else user, place or UNKNOWN, env, HIDDEN in given)


def _watched(lines: list[tuple[int, str]]) -> Iterator[_Command]:
    """What Monit starts, by words between quotes, without a shell."""
    above: list[str] = []
    for number, line in lines:
        for before, text in _quoted(line):
            if _STARTING.intersection((before.replace("=", " ").split() or above)[-1:]):
                yield _Command(_words(text), number, line, place="/")
            above = []
        above = line.replace("=", " ").split() or above


def _quoted(line: str) -> Iterator[tuple[str, str]]:
    """The texts between quotes, each with what stands in front of it."""
    at = number = 0
    marks = [(mark.start(), mark[0]) for mark in _QUOTE.finditer(line)]
    while number < len(marks):
        begin, sign = marks[number]
        closing = next((other for other in range(number + 1, len(marks)) if marks[other][1] == sign), len(marks))
        if closing < len(marks):
            yield line[at:begin], line[begin + 1 : marks[closing][0]]
            at = marks[closing][0] + 1
        number = closing + 1


def _words(text: str, more_blanks: str = "") -> tuple[str, ...]:
    if len(text) > MAX_COMMAND_CHARS:
        raise UnclearError(f"a command of more than {MAX_COMMAND_CHARS} characters")
    splitter = shlex.shlex(text, posix=True)
    splitter.whitespace_split, splitter.commenters = True, ""
    splitter.whitespace += more_blanks
    try:
        return tuple(splitter)
    except ValueError as error:
        raise UnclearError(f"{error} in a command") from error


def plans(texts: Mapping[str, bytes], own: OwnProject = lambda _: (), played: set[str] | None = None) -> Plans:
    """As ``by_file``, all of them together."""
    found = Plans()
    for _, made in by_file(texts, own, played):
        found += made
    return found
