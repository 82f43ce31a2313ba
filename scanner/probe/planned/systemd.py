"""Containers that systemd units run by command."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scanner.domain.facts import Source
from scanner.domain.plan import Plan
from scanner.probe.planned.command import find_run
from scanner.probe.planned.plans import Plans, UnclearError, gap, pinned, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXEC = re.compile(r"\s*(Exec(?:Start|StartPre|StartPost|Reload))\s*=\s*[-@:+!]*(.*)", re.ASCII)
_OPEN = re.compile(r"\$|%[^%]", re.ASCII)


def plans(texts: Mapping[str, bytes]) -> Plans:
    """What units and their drop-ins run, named by the unit.

    Args:
        texts: unit files and ``*.service.d/*.conf`` by path; one in ``/etc`` hides its namesake elsewhere.
    """
    found = Plans()
    for unit, paths in _units(texts).items():
        commands: list[tuple[str, str]] = []
        for path in paths:
            try:
                commands = _commands(path, text_of(texts[path]), commands)
            except UnclearError as error:
                found += gap(path, error)
        for path, line in commands:
            found += _planned(unit, path, line)
    return found


def _units(texts: Mapping[str, bytes]) -> dict[str, list[str]]:
    units: dict[str, list[str]] = {}
    for path in sorted(texts, key=lambda path: (not path.startswith("/etc/"), path)):
        directory, name = posixpath.split(path)
        if directory.endswith(".d"):
            units.setdefault(posixpath.basename(directory)[:-2], []).append(path)
        elif not any(not posixpath.dirname(known).endswith(".d") for known in units.get(name, ())):
            units.setdefault(name, []).insert(0, path)
    return units


def _commands(path: str, text: str, before: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The commands of a unit with one more file over it; an empty ``ExecStart=`` clears what came before."""
    commands = list(before)
    for line in re.sub(r"\\\n", " ", text).split("\n"):
        found = _EXEC.fullmatch(line)
        if found and not found[2].strip():
            commands = [] if found[1] == "ExecStart" else commands
        elif found:
            commands.append((path, found[2]))
    return commands


def _planned(unit: str, path: str, line: str) -> Plans:
    try:
        run = find_run(line)
        if run is None:
            return Plans()
        if _OPEN.search(run.image):
            return gap(path, f"only systemd knows what {run.image} stands for")
        return Plans((Plan(run.image, unit, Source.SYSTEMD, pinned(run.platform), process=run.process),))
    except UnclearError as error:
        return gap(path, error)
