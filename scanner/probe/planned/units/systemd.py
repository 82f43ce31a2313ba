"""Containers that systemd units run by command."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from scanner.domain.facts import Source
from scanner.formats import systemd_unit
from scanner.formats.systemd_unit import Setting, UnitError
from scanner.probe.planned.commands.other_starters import mentions_engine
from scanner.probe.planned.plans import Plans, UnclearError, gap, text_of
from scanner.probe.planned.units import conditions, unit_environment, unit_files, unit_input
from scanner.probe.planned.units.commands import CommandLine, command_lines
from scanner.probe.planned.units.files import Files
from scanner.probe.planned.units.runs import UnitRuns
from scanner.probe.planned.units.specifiers import Specifiers
from scanner.probe.planned.unknown_text import UNKNOWN, is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from scanner.domain.plan import Placement
    from scanner.probe.planned.units.runs import OwnProject
    from scanner.probe.planned.units.unit_files import Unit


def plans(
    texts: Mapping[str, bytes],
    own: OwnProject = lambda _: (),
    played: set[str] | None = None,
    is_met: Callable[[Placement], bool] = lambda _: False,
) -> Plans:
    """What units with their drop-ins run, named by the unit.

    Args:
        texts: unit files, ``*.service.d/*.conf``, files of variables and others that units name, by path.
        own: gives what somebody else reads of Compose files as projects of their own.
        played: takes the files of projects that units start in another way on every host whose files these are.
        is_met: whether each of those hosts surely is one that a unit is for.
    """
    found = Plans()
    for _, made in by_unit(texts, own, played, is_met):
        found += made
    return found


def by_unit(
    texts: Mapping[str, bytes],
    own: OwnProject = lambda _: (),
    played: set[str] | None = None,
    is_met: Callable[[Placement], bool] = lambda _: False,
) -> Iterator[tuple[str, Plans]]:
    """What each unit plans, by the path of its file; ``played`` takes the manifests that units play, projects' files, too."""
    for unit in unit_files.services(texts):
        try:
            settings, unread = settings_of(unit, texts, systemd_unit.settings)
        except UnclearError as error:
            yield unit.path, gap(unit.path, error)
            continue
        hosts = conditions.placement(settings)
        starts = partial(
            UnitRuns,
            own=own,
            played=set() if played is None else played,
            is_everywhere=hosts is None or is_met(hosts),
        )
        made = conditions.placed(_planned(unit, settings, Files(texts, unit.root), starts), hosts)
        yield unit.path, unread + (Plans(made.planned) if unit.is_only_offered else made)


def settings_of(
    unit: Unit, texts: Mapping[str, bytes], parse: Callable[[str, str], Sequence[Setting]]
) -> tuple[list[Setting], Plans]:
    """The settings of a unit and its drop-ins; a drop-in that is none is a gap.

    Raises:
        UnclearError: the unit's own file is none.
    """
    found: list[Setting] = []
    gaps = Plans()
    for path in unit.paths:
        try:
            found += parse(text_of(texts[path], encoding="utf-8"), path)  # systemd takes a mark, Podman does not
        except (UnitError, UnclearError) as error:
            if path == unit.path:
                raise UnclearError(str(error)) from error
            gaps += gap(path, error)
    return found, gaps


def _planned(unit: Unit, settings: Sequence[Setting], files: Files, starts: partial[UnitRuns]) -> Plans:
    specifiers = Specifiers(unit.name, unit.home, unit.is_user)
    env = unit_environment.of_service(settings, specifiers, files.read)
    directory = systemd_unit.last(settings, "Service", "WorkingDirectory")
    place = specifiers.put(directory.value.removeprefix("-")) if directory else ""
    if place.startswith("~"):
        place = unit.home or UNKNOWN
    user = _user(unit, settings, specifiers)
    stdin = unit_input.of_service(settings, specifiers)
    runs = starts(unit.name, Source.SYSTEMD, files, env, place, user=user, stdin=stdin)
    found = Plans()
    lines = list(command_lines(settings, specifiers, env))
    if has_own_root(settings):
        if _has_engine_s_socket(settings):
            return gap(unit.path, IN_OWN_ROOT)
        return _in_own_root(unit, lines, runs, _own_root(unit, settings, specifiers))
    if any(mentions_engine(line.setting.value) for line in lines) and (
        why := refused(settings, lines, has_file=unit.path.endswith(".service"))
    ):
        return gap(unit.path, why)
    only_start = _is_on(settings, "PermissionsStartOnly")
    for line in lines:
        if line.words:
            is_root = line.is_privileged or (only_start and line.setting.key != "ExecStart")
            found += runs.plans(line.words, line.setting, is_root=is_root and not unit.is_user)
        elif mentions_engine(line.setting.value):
            found += gap(line.setting.place(), f"systemd does not take it: {line.why}")
    return found


_ROOTS = ("RootDirectory", "RootImage")
IN_OWN_ROOT = f"it runs in a root of its own ({' or '.join(_ROOTS)}=), of which nothing is read here"


def has_own_root(settings: Sequence[Setting]) -> bool:
    """Whether what a service runs finds other files than the host's at their paths."""
    said = (systemd_unit.last(settings, "Service", key) for key in _ROOTS)
    return any(one is not None and one.value.strip("/") for one in said)


def _own_root(unit: Unit, settings: Sequence[Setting], specifiers: Specifiers) -> str:
    """Where that root lies among the files of a unit's host, empty where nobody can tell."""
    said = systemd_unit.last(settings, "Service", _ROOTS[0])
    place = specifiers.put(said.value.rstrip("/")) if said else ""
    return f"{unit.root}{place}" if is_known(place) and place.startswith("/") else ""


_SOCKETS = re.compile(r"docker|podman|containerd|crio|(^|[\s:\"'+-])(/var)?/run/?([\s:\"']|$)")
"""What lets an engine be asked from a root of one's own: its socket, its folder, all of /run."""


def _has_engine_s_socket(settings: Sequence[Setting]) -> bool:
    """Whether an engine of the host can be asked in a root of its own, whatever runs there."""
    said = (one.value for one in settings if one.section == "Service" and one.key in {"BindPaths", "BindReadOnlyPaths"})
    return any(_SOCKETS.search(value) for value in said)


def _in_own_root(unit: Unit, lines: Sequence[CommandLine], runs: UnitRuns, root: str) -> Plans:
    """A gap where it may start containers: its programs, their files, the engine's socket are those of another root."""
    starts = any(mentions_engine(line.setting.value) for line in lines)
    for place in {runs.files.root, root}:
        own = replace(runs, files=replace(runs.files, root=place), played=set())
        made = [own.plans(line.words, line.setting) for line in lines if line.words]
        starts = starts or any(one.planned or one.gaps for one in made)
    return gap(unit.path, IN_OWN_ROOT) if starts else Plans()


_OFF = frozenset({"", "0", "no", "n", "false", "f", "off"})


def _is_on(settings: Sequence[Setting], key: str) -> bool:
    """Whether a service says yes to something."""
    said = systemd_unit.last(settings, "Service", key)
    return said is not None and said.value.strip().lower() not in _OFF


def _user(unit: Unit, settings: Sequence[Setting], specifiers: Specifiers) -> str:
    """Who its processes are."""
    if unit.is_user:
        return unit.owner or UNKNOWN
    said = systemd_unit.last(settings, "Service", "User")
    if _is_on(settings, "DynamicUser") and not (said and said.value):
        return UNKNOWN
    return specifiers.put(said.value) if said else ""


_TYPES = frozenset({"simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"})


def _type(settings: Sequence[Setting]) -> str:
    """The last type that is one: systemd warns of any other word."""
    said = [one.value for one in settings if (one.section, one.key) == ("Service", "Type") and one.value in _TYPES]
    return said[-1] if said else ""


def refused(settings: Sequence[Setting], lines: Sequence[CommandLine], *, has_file: bool = True) -> str:
    """Why systemd does not load a unit with these settings; empty where it does, or where only its drop-ins are here."""
    kind = _type(settings)
    starts = [line for line in lines if line.setting.key == "ExecStart"]
    if not starts and has_file and kind != "oneshot":
        return "systemd takes no unit without ExecStart= but where Type= is oneshot"
    if len(starts) > 1 and kind != "oneshot":
        return "systemd takes more than one ExecStart= only where Type= is oneshot"
    return ""
