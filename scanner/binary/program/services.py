"""What a supervisor is to start: the services that the image configures for runit, s6, supervisord."""

from __future__ import annotations

import fnmatch
import posixpath
import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.shell.image_paths import PathKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.binary.program.argv import Command
    from scanner.binary.program.image_files import ImageFiles

MAX_SERVICES = 16
"""Of one supervisor; images have a handful."""

MAX_LINES = 2000
"""Of one configuration of supervisord."""

MAX_NAMES = 256
"""Of one directory of services, or of configurations."""

MAX_PATTERN = 64
"""Characters of the last part of a pattern of configurations."""

MAX_WORDS_CHARS = 4096
"""Of the words of one service."""

_OF_OVERLAY = ("/etc/services.d", "/etc/s6-overlay/s6-rc.d")
_AT_FIRST = "/etc/cont-init.d"
_CONFIGURATIONS = (
    "supervisord.conf",
    "etc/supervisord.conf",
    "/etc/supervisord.conf",
    "/etc/supervisor/supervisord.conf",
    "/etc/supervisor.conf",
)
_STARTED = frozenset({"program", "fcgi-program", "eventlistener"})
_SECTION = re.compile(r"\[(?P<kind>[\w-]+)(?::[^\]]*)?\]")
_PLAIN_WORD = re.compile(r"[\w./:=@+-]{1,256}", re.ASCII)
_SETTING = re.compile(r"(?P<name>\w+)\s*[=:]\s*(?P<value>.*)")


def of(files: ImageFiles, command: Command) -> tuple[Command, ...]:
    """The services, each as the command that starts it; those that nobody can tell are left out."""
    name, words = command.argv[0].rpartition("/")[2], [word for word in command.argv[1:] if word[:1] != "-"]
    if name == "supervisord":
        found = list(_of_supervisord(files, command))
    elif name in {"runsvdir", "s6-svscan"}:
        found = [each for word in words[:1] for each in _below(files, command, command.absolute(word))]
    elif command.argv[0] == "/init":
        found = [each for directory in _OF_OVERLAY for each in _below(files, command, directory)]
        found += [*_at_first(files, command), *_once(files, command, _OF_OVERLAY[1])]
    else:
        found = []
    return tuple(found[:MAX_SERVICES])


def _below(files: ImageFiles, command: Command, directory: str) -> Iterator[Command]:
    """The ``run`` of each service directory, but for those that are down at first."""
    for name in () if UNKNOWN in directory else (files.names(directory) or ())[:MAX_NAMES]:
        at = posixpath.join(directory, name)
        is_down = files.stands(f"{at}/down").kind is not PathKind.MISSING
        if not is_down and files.stands(f"{at}/run").kind is PathKind.FILE:
            yield replace(command, argv=(f"{at}/run",), cwd=at)


def _at_first(files: ImageFiles, command: Command) -> Iterator[Command]:
    """The scripts that s6-overlay runs before its services."""
    for name in (files.names(_AT_FIRST) or ())[:MAX_NAMES]:
        standing = files.stands(f"{_AT_FIRST}/{name}")
        if standing.kind is PathKind.FILE and standing.executable:
            yield replace(command, argv=(f"{_AT_FIRST}/{name}",))


def _once(files: ImageFiles, command: Command, directory: str) -> Iterator[Command]:
    """The ``up`` of each oneshot of s6-rc where it is no more than the path of a program with plain words."""
    for name in (files.names(directory) or ())[:MAX_NAMES]:
        path = f"{directory}/{name}/up"
        text = files.text(path) if files.stands(path).kind is PathKind.FILE else None
        lines = (text or b"").decode("utf-8", "replace").splitlines()
        words = next((line for line in lines if line.strip() and not line.startswith("#")), "").split()
        if words and words[0].startswith("/") and all(map(_PLAIN_WORD.fullmatch, words)):
            yield replace(command, argv=tuple(words))


def _of_supervisord(files: ImageFiles, command: Command) -> Iterator[Command]:
    told = [
        after if word in {"-c", "--configuration"} else word.removeprefix("--configuration=")
        for word, after in zip(command.argv, (*command.argv[1:], ""), strict=True)
        if word in {"-c", "--configuration"} or word.startswith("--configuration=")
    ]
    paths = [path for path in told or _CONFIGURATIONS if files.stands(command.absolute(path)).kind is PathKind.FILE][:1]
    for path in paths:
        at = command.absolute(path)
        settings = list(_settings(files, at))
        included = [
            value for kind, values in settings if kind == "include" for value in values.get("files", "").split()
        ]
        for each in _matching(files, posixpath.dirname(at), included[:MAX_SERVICES]):
            settings += _settings(files, each)
        yield from (found for kind, values in settings if (found := _program(command, kind, values)) is not None)


def _matching(files: ImageFiles, directory: str, patterns: list[str]) -> Iterator[str]:
    for pattern in patterns:
        above, last = posixpath.split(posixpath.normpath(posixpath.join(directory, pattern)))
        names = fnmatch.filter((files.names(above) or ())[:MAX_NAMES], last) if len(last) <= MAX_PATTERN else []
        yield from (posixpath.join(above, name) for name in names[:MAX_SERVICES])


def _settings(files: ImageFiles, path: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The sections of a configuration, each by its kind."""
    text = (files.text(path) or b"").decode("utf-8", "replace")
    kind, values = "", dict[str, str]()
    for line in text.splitlines()[:MAX_LINES]:
        if section := _SECTION.match(line):
            yield kind, values
            kind, values = section["kind"], {}
        elif setting := _SETTING.match(line):
            values[setting["name"]] = setting["value"].partition(" ;")[0].strip()
    yield kind, values


def _program(command: Command, kind: str, values: dict[str, str]) -> Command | None:
    """The command of a program that is started at once; ``None`` where its words are made at run time."""
    written = values.get("command", "")
    if len(written) > MAX_WORDS_CHARS:
        return None
    if (
        kind not in _STARTED
        or "%(" in written
        or values.get("autostart", "true").lower() in {"false", "no", "off", "0"}
    ):
        return None
    try:
        words = shlex.split(written)
    except ValueError:
        return None
    changes = {"directory", "user", "environment"} & values.keys()
    return replace(command, argv=tuple(words)) if words and not changes else None
