"""Commands that a host's other programs start: cron, anacron, supervisord, Monit, runit, scripts at boot."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scanner.domain.facts import Source
from scanner.formats.systemd_unit import Setting
from scanner.probe.planned.commands.other_starters import mentions_engine
from scanner.probe.planned.plans import Plans, UnclearError, gap, text_of
from scanner.probe.planned.units import command_places, included_tables, monit_table, supervisord_table
from scanner.probe.planned.units.command_places import Place
from scanner.probe.planned.units.files import Files
from scanner.probe.planned.units.included_tables import Table
from scanner.probe.planned.units.runs import SCRIPT, UnitRuns
from scanner.probe.planned.units.started_command import StartedCommand
from scanner.probe.planned.units.unit_environment import UnitEnvironment
from scanner.probe.planned.unknown_text import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.probe.planned.units.runs import OwnProject

_STDIN = re.compile(r"(?<!\\)%")

_NO_USERS = frozenset({"sudo", "doas", "env", "exec", "cd", "test", "["})
"""What a command of a user's own table begins with, where a table of all users has a user."""

MAX_COMMANDS = 1000
"""Of one file, and variables: a crontab has a few dozen."""

_FIELDS, _FIELDS_OF_ANACRON = 5, 3
"""Of a line, in front of the command, or of who runs it."""

_FOLDERS = ("/cron.hourly", "/cron.daily", "/cron.weekly", "/cron.monthly", "/cron.yearly")
"""Folders of scripts, which are looked into by themselves."""


def by_file(
    texts: Mapping[str, bytes], own: OwnProject = lambda _: (), played: set[str] | None = None
) -> Iterator[tuple[str, Plans]]:
    """What the commands of each file start, by its path, named by it.

    Args:
        texts: tables and scripts, with the files that they refer to.
        own: gives what somebody else reads of Compose files as projects of their own.
        played: takes the files of projects that a command starts in another way.
    """
    services = {path.partition("/")[0] + "/" + posixpath.basename(path) for path in texts if _is_service(path)}
    for table in included_tables.tables(texts):
        if f"{table.path.partition('/')[0]}/{_service_of(table.path)}" not in services:
            yield table.path, table.gaps + _planned(table, texts, own, set() if played is None else played)
    for path, raw in texts.items():
        if raw == SCRIPT and command_places.place_of(path) is None:
            yield (
                path,
                _planned(
                    Table(path, Place.SCRIPT, command_places.root_of(path)),
                    texts,
                    own,
                    set() if played is None else played,
                ),
            )


def _is_service(path: str) -> bool:
    return path.endswith(".service") and "/systemd/user" not in path


def _service_of(path: str) -> str:
    """The name of the service that systemd starts in place of a script at boot, whatever it runs; empty of other files."""
    folder, _, name = path.rpartition("/")
    return f"{name.removesuffix('.sh')}.service" if folder.endswith("etc/init.d") else ""


def _planned(table: Table, texts: Mapping[str, bytes], own: OwnProject, played: set[str]) -> Plans:
    path = table.path
    files = Files(texts, table.root)
    name = "/".join(path.split("/")[-2:])
    found = Plans()
    try:
        for number, one in enumerate(commands(table, texts[path])):
            if number == MAX_COMMANDS:
                found += gap(path, f"more than {MAX_COMMANDS} commands")
                break
            env = UnitEnvironment(dict(one.env), dict.fromkeys(one.env, f"{path}:{one.line}"), has_others=one.is_open)
            runs = UnitRuns(name, Source.COMMAND, files, env, one.place, own=own, user=one.user, played=played)
            runs.stdin = one.stdin
            found += runs.plans(one.words, Setting("", "", one.text, path, ((one.line, one.text),)))
    except UnclearError as error:
        found += gap(path, error)
    return found


def commands(table: Table, raw: bytes) -> Iterator[StartedCommand]:
    """Every command of a file.

    Raises:
        UnclearError: it is no text, or its words cannot be told apart.
    """
    if raw == SCRIPT or table.place is Place.SCRIPT:
        yield StartedCommand((table.inside, "start"), 1, "", place="/")
    elif table.place is Place.SUPERVISORD:
        yield from supervisord_table.commands(table.inside, raw, table.daemon)
    elif table.place is Place.MONIT:
        yield from monit_table.commands(raw)
    else:
        yield from _of_cron(table.path, table.place, list(_lines(text_of(raw), goes_on=table.place is Place.ANACRON)))


# ---------------------------------------------------------------- cron


def _lines(text: str, *, goes_on: bool) -> Iterator[tuple[int, str]]:
    """Lines without comments; where a line may go on behind a backslash, in one."""
    whole, begun = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        begun = begun if whole else number
        whole += line
        if goes_on and whole.endswith("\\"):
            whole = whole[:-1] + " "
            continue
        if whole.strip()[:1] != "#":
            yield begun, whole
        whole = ""


def _of_cron(path: str, place: Place | None, lines: list[tuple[int, str]]) -> Iterator[StartedCommand]:
    """crontab(5), anacrontab(5): variables count for the lines behind them; to cron alone ``%`` ends a command."""
    owner = posixpath.basename(path) if place is Place.CRON_OF_A_USER else ""
    env: dict[str, str] = {}
    for number, line in lines:
        name, equals, value = line.partition("=")
        name = _unquoted(name.strip(" \t"))
        if equals and name.isidentifier():
            env[name] = value if place is Place.ANACRON else _unquoted(value.strip(" \t"))
            if len(env) > MAX_COMMANDS:
                raise UnclearError(f"more than {MAX_COMMANDS} variables")
        elif said := _behind_moment(line, place):
            user, _, command = said.partition(" ") if place is Place.CRON else (owner, "", said)
            if mentions_engine(said) and (user in _NO_USERS or not mentions_engine(command)):
                user, command = owner, said  # a table of one user's, whatever its name
            if mentions_engine(line) or not ("run-parts" in line and any(one in line for one in _FOLDERS)):
                of_anacron = StartedCommand(("/bin/sh", "-c", said), number, said, place="/", env=dict(env))
                yield of_anacron if place is Place.ANACRON else _by_shell(command.strip(), number, user, env)


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _behind_moment(line: str, place: Place | None) -> str:
    """What stands behind the fields of a moment, with single blanks behind its first word; empty where nothing does."""
    fields = _FIELDS_OF_ANACRON if place is Place.ANACRON else _FIELDS
    if line.lstrip(" \t-").startswith("@") and place is not Place.ANACRON:
        fields = 1
    words = line.split(None, fields)
    return " ".join(words[fields].split(None, 1)) if len(words) > fields else ""


def _by_shell(text: str, number: int, user: str, env: Mapping[str, str]) -> StartedCommand:
    command, *lines = _STDIN.split(text)
    if lines and mentions_engine(" ".join(lines)):
        raise UnclearError(f"line {number} gives a command a text in which an engine is named")
    shell = env.get("SHELL") or "/bin/sh"
    is_root = user in {"", "root"}
    place = env.get("HOME") or ("/root" if is_root else UNKNOWN)
    words = (shell, "-c", command.replace("\\%", "%"))
    given = "\n".join(lines).replace("\\%", "%")
    given += "\n" if given and not given.endswith("\n") else ""
    return StartedCommand(words, number, text, "" if is_root else user, place, dict(env), stdin=given)


def plans(texts: Mapping[str, bytes], own: OwnProject = lambda _: (), played: set[str] | None = None) -> Plans:
    """As ``by_file``, all of them together."""
    found = Plans()
    for _, made in by_file(texts, own, played):
        found += made
    return found
