"""What supervisord starts: the programs of its configuration."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.formats.documents import ini
from scanner.probe.planned.plans import UnclearError, text_of
from scanner.probe.planned.units.started_command import MAX_COMMAND_CHARS, StartedCommand
from scanner.probe.planned.unknown_text import HIDDEN, UNKNOWN, is_known

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAME = re.compile(r"%(?:%|\((?P<name>[^%()]*)\)(?P<as>[-+ #0-9.]*[a-z]))")
"""What it puts something in place of: ``%(ENV_TAG)s``, ``%(process_num)02d``, and ``%%``."""

_PROGRAMS = ("program:", "eventlistener:", "fcgi-program:")

MAX_TEXT_CHARS = 1 << 16
"""Of a value, the others put into it."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """What supervisord says of itself: whose programs these are where they say nothing, with which variables."""

    user: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


def commands(path: str, raw: bytes, daemon: Daemon) -> Iterator[StartedCommand]:
    """Each program of a file, which it starts without a shell.

    Raises:
        UnclearError: it refuses the file, or it is too long.
    """
    here = posixpath.dirname(path)
    for section, settings in _sections(raw):
        if section.startswith(_PROGRAMS) and "command" in settings:
            yield _program(section.partition(":")[2].strip(), settings, here, daemon)


def daemon_of(path: str, raw: bytes) -> Daemon:
    """What a configuration says of supervisord itself, nothing where it refuses it."""
    found = Daemon()
    try:
        for section, settings in _sections(raw):
            if section == "supervisord":
                names = _Names({"here": posixpath.dirname(path)})
                env = _variables(names.put_into(settings.get("environment", ("", 0))[0]))
                found = Daemon(names.put_into(settings.get("user", ("", 0))[0]), env)
    except UnclearError:
        return Daemon()  # told where its programs are read
    return found


def included(path: str, raw: bytes) -> tuple[str, ...]:
    """The files that a configuration includes, as patterns.

    Raises:
        UnclearError: it refuses it.
    """
    found = ""
    for section, settings in _sections(raw):
        if section == "include":
            found = settings.get("files", (found, 0))[0]
    return tuple(_Names({"here": posixpath.dirname(path)}).put_into(found).split())


def _sections(raw: bytes) -> Iterator[tuple[str, dict[str, tuple[str, int]]]]:
    try:
        yield from ini.told(text_of(raw))
    except ini.RefusedError:
        raise UnclearError("supervisord refuses it") from None
    except ini.TooLongError:
        raise UnclearError(f"more than {ini.MAX_LINES} lines, or lines of more than {ini.MAX_LINE_CHARS}") from None


def _program(name: str, settings: Mapping[str, tuple[str, int]], here: str, daemon: Daemon) -> StartedCommand:
    text, number = settings["command"]
    of_daemon = {f"ENV_{key}": value for key, value in daemon.env.items()}
    names = _Names({"here": here, "program_name": name, **of_daemon})
    env = _variables(names.put_into(settings.get("environment", ("", 0))[0]))
    names = _Names({**names.known, **{f"ENV_{key}": value for key, value in env.items()}})
    user = names.put_into(settings["user"][0]) if "user" in settings else daemon.user
    place = names.put_into(settings.get("directory", ("", 0))[0])
    return StartedCommand(
        words_of(names.put_into(text)),
        number,
        text,
        "" if user in {"root", "0"} else user,
        place or UNKNOWN,
        {**daemon.env, **env},
        is_open=True,  # it hands its own variables on
    )


@dataclass(frozen=True, slots=True)
class _Names:
    """What names stand for, as far as a file tells."""

    known: Mapping[str, str]

    def put_into(self, text: str) -> str:
        """A text with them in their places, unknown what only the running supervisord knows."""
        made = _NAME.sub(self._value, text)
        if len(made) > MAX_TEXT_CHARS:
            raise UnclearError(f"a setting becomes longer than {MAX_TEXT_CHARS} characters")
        return made

    def _value(self, found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        value = self.known.get(found["name"], UNKNOWN)
        return value if found["as"] == "s" and is_known(value) else UNKNOWN


def _variables(text: str) -> dict[str, str]:
    """What ``environment`` sets, a comma between; where some stay on the host, none of it is known."""
    given = words_of(text, ",")
    found = dict(part.split("=", 1) for part in given if "=" in part)
    return {name: UNKNOWN if HIDDEN in value else value for name, value in found.items()}


def words_of(text: str, more_blanks: str = "") -> tuple[str, ...]:
    """The words of a command.

    Raises:
        UnclearError: it is too long, or a quote is open.
    """
    if len(text) > MAX_COMMAND_CHARS:
        raise UnclearError(f"a command of more than {MAX_COMMAND_CHARS} characters")
    splitter = shlex.shlex(text, posix=True)
    splitter.whitespace_split, splitter.commenters = True, ""
    splitter.whitespace += more_blanks
    try:
        return tuple(splitter)
    except ValueError as error:
        raise UnclearError(f"{error} in a command") from error
