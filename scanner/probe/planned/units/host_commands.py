"""Commands that a host's other programs start: cron, anacron, supervisord, Monit, runit, scripts at boot."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.domain.facts import Source
from scanner.formats.systemd_unit import Setting
from scanner.probe.planned.commands.other_starters import mentions_engine
from scanner.probe.planned.plans import Plans, UnclearError, gap, text_of
from scanner.probe.planned.units import command_places
from scanner.probe.planned.units.files import Files
from scanner.probe.planned.units.runs import SCRIPT, UnitRuns
from scanner.probe.planned.units.unit_environment import UnitEnvironment
from scanner.probe.planned.unknown_text import HIDDEN, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.probe.planned.units.runs import OwnProject

_VARIABLE = re.compile(r"""[ \t]*(["']?)([A-Za-z_]\w*)\1[ \t]*=(.*)""", re.ASCII | re.DOTALL)
_WHEN = re.compile(r"[ \t]*-?(?:@[a-z]+|[^ \t@]\S*(?:[ \t]+\S+){4})[ \t]+(.*)", re.DOTALL)
"""A moment of cron's, in front of the command, or of who runs it."""

_WHEN_BY_ANACRON = re.compile(r"[ \t]*(?:@[a-z]+|\d+)[ \t]+\d+[ \t]+\S+[ \t]+(.*)", re.DOTALL)
_RUN_PARTS = re.compile(r"\brun-parts\b")
_OF_FOLDERS = re.compile(r"/cron\.(?:hourly|daily|weekly|monthly|yearly)\b")
"""Folders whose scripts are looked into by themselves."""

_STDIN = re.compile(r"(?<!\\)%")
_SECTION = re.compile(r"[ \t]*\[(?:program|eventlistener|fcgi-program):[^]]*\]")
_SAID = re.compile(r"[ \t]*(command|directory|user|environment)[ \t]*[=:][ \t]*(.*)", re.DOTALL)
_EXPANDED = re.compile(r"%\([^()%]*\)[-+ #0-9.]*[a-z]")
"""What supervisord puts in: ``%(ENV_TAG)s``, ``%(process_num)02d``."""

_WATCHED_BY = re.compile(r"""(?:\bprogram(?:[ \t]*=)?|\bexec|\bpath)[ \t]+(?:"([^"\n]*)"|'([^'\n]*)')""", re.ASCII)


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
        for one in _commands(inside, raw):
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
    if raw == SCRIPT or command_places.SCRIPTS.fullmatch(path):
        yield _Command((path, "start"), 1, "", place="/")
        return
    lines = [(number, line) for number, line in enumerate(text_of(raw).split("\n"), 1) if line.strip()[:1] != "#"]
    if command_places.SUPERVISED.fullmatch(path):
        yield from _supervised(lines)
    elif command_places.WATCHED.fullmatch(path):
        yield from _watched(lines)
    else:
        yield from _of_cron(path, lines)


# ---------------------------------------------------------------- cron


def _of_cron(path: str, lines: list[tuple[int, str]]) -> Iterator[_Command]:
    """crontab(5), anacrontab(5): variables count for the lines behind them, ``%`` ends a command."""
    owner = command_places.OF_A_USER.fullmatch(path)
    when = _WHEN_BY_ANACRON if command_places.ANACRON.fullmatch(path) else _WHEN
    has_user = owner is None and when is _WHEN
    env: dict[str, str] = {}
    for number, line in lines:
        if variable := _VARIABLE.fullmatch(line):
            value = variable[3].strip(" \t")
            env[variable[2]] = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
        elif (said := when.fullmatch(line)) and (mentions_engine(line) or not _runs_folders(line)):
            user, command = said[1].split(None, 1) if has_user and len(said[1].split()) > 1 else ("", said[1])
            yield _by_shell(command, number, owner[1] if owner else user, env)


def _runs_folders(line: str) -> bool:
    runs = _RUN_PARTS.search(line)
    return runs is not None and _OF_FOLDERS.search(line, runs.end()) is not None


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
    said: dict[str, tuple[int, str]] = {}
    key = ""
    is_program = False
    for number, line in [*lines, (0, "[end]")]:
        if line.lstrip().startswith("["):
            if is_program and "command" in said:
                yield _program(said)
            is_program, said, key = _SECTION.match(line) is not None, {}, ""
        elif key and line[:1] in " \t":
            said[key] = (said[key][0], f"{said[key][1]} {line.strip()}")
        elif setting := _SAID.fullmatch(line):
            key = setting[1]
            said[key] = (number, setting[2].partition(" ;")[0].strip())
        else:
            key = ""


def _program(said: Mapping[str, tuple[int, str]]) -> _Command:
    number, text = said["command"]
    given = _words(said.get("environment", (0, ""))[1], ",")
    env = dict(part.split("=", 1) for part in given if "=" in part)
    user = said.get("user", (0, ""))[1]
    place = said.get("directory", (0, ""))[1]
    words = tuple(UNKNOWN.join(_EXPANDED.split(word)).replace("%%", "%") for word in _words(text))
    return _Command(words, number, text, "" if user == "root" else user, place or UNKNOWN, env, HIDDEN in given)


def _watched(lines: list[tuple[int, str]]) -> Iterator[_Command]:
    """What Monit starts, by words between quotes, without a shell."""
    for number, line in lines:
        for found in _WATCHED_BY.finditer(line):
            yield _Command(_words(found[1] or found[2] or ""), number, line, place="/")


def _words(text: str, more_blanks: str = "") -> tuple[str, ...]:
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
