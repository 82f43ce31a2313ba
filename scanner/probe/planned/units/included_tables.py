"""Tables of commands, each with those that it includes."""

from __future__ import annotations

import fnmatch
import posixpath
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.probe.planned.plans import Plans, UnclearError, gap
from scanner.probe.planned.units import command_places, monit_table, supervisord_table
from scanner.probe.planned.units.command_places import Place
from scanner.probe.planned.units.supervisord_table import Daemon
from scanner.probe.planned.unknown_text import is_known, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MAX_PATTERNS = 64
"""That one table includes."""

MAX_LOOKED_AT = 1_000_000
"""Names among which all tables look for what they include: a directory of plans may have a tenth of them."""

_MAGIC = "*?["


@dataclass(frozen=True, slots=True)
class Table:
    """A file of commands: whose it is, below which root, of supervisord what it says of itself, what is not known of it."""

    path: str
    place: Place
    root: str
    daemon: Daemon = field(default_factory=Daemon)
    gaps: Plans = field(default_factory=Plans)

    @property
    def inside(self) -> str:
        """Where it lies on its host."""
        return self.path.removeprefix(self.root)


def named(path: str) -> Table | None:
    """The table that a file is by where it lies; none where it is nobody's."""
    place = command_places.place_of(path)
    return None if place is None else Table(path, place, command_places.root_of(path))


def tables(texts: Mapping[str, bytes]) -> Iterator[Table]:
    """Every table among some files, once: by where it lies, or since another includes it."""
    waiting = [table for path in texts if (table := named(path))]
    waiting.sort(key=lambda one: not command_places.is_whole(one.path))  # what is included is told by who includes it
    below = Folders(texts)
    found: dict[str, Table] = {}
    while waiting:
        table = waiting.pop(0)
        if table.path in found:
            continue
        raw, others = texts[table.path], list[Table]()
        if table.place is Place.SUPERVISORD and command_places.is_whole(table.path):
            table = replace(table, daemon=supervisord_table.daemon_of(table.inside, raw))
        try:
            others += included(table, raw, below)
        except UnclearError as error:
            table = replace(table, gaps=gap(table.path, error))
        found[table.path] = table
        waiting[:0] = others
    yield from found.values()


def included(table: Table, raw: bytes, below: Folders) -> Iterator[Table]:
    """The tables that one includes, as far as they are among some files.

    Raises:
        UnclearError: the file is refused, includes too much, or what only the running host knows.
    """
    asked: tuple[str, ...] = ()
    if table.place is Place.MONIT:
        asked = monit_table.included(raw)
    elif table.place is Place.SUPERVISORD and command_places.is_whole(table.path):
        asked = supervisord_table.included(table.inside, raw)
    if len(asked) > MAX_PATTERNS:
        raise UnclearError(f"it includes more than {MAX_PATTERNS} files")
    for pattern in asked:
        if not is_known(pattern):
            raise UnclearError(f"it includes {shown(pattern)}, which only the running host knows")
        wanted = table.root + posixpath.normpath(posixpath.join(posixpath.dirname(table.inside), pattern))
        for path in below.matching(wanted):
            if not path.endswith("~"):
                yield Table(path, table.place, table.root, table.daemon)


class Folders:
    """Files by the folder in which they lie."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = paths
        self._names: dict[str, list[str]] | None = None
        self._left = MAX_LOOKED_AT

    def matching(self, pattern: str) -> list[str]:
        """The files whose paths a pattern matches, as a shell would, in their order.

        Raises:
            UnclearError: all that was asked of it is too much.
        """
        if self._names is None:
            self._names = defaultdict(list)
            for path in self._paths:
                self._names[posixpath.dirname(path)].append(posixpath.basename(path))
        folder, name = posixpath.split(pattern)
        folders = [folder]
        if any(sign in folder for sign in _MAGIC):
            wanted = folder.split("/")
            self._spend(len(self._names))
            split = ((each, each.split("/")) for each in self._names)
            folders = [each for each, parts in split if len(parts) == len(wanted) and all(map(_fits, parts, wanted))]
        found = []
        for each in folders:
            names = self._names.get(each, [])
            self._spend(len(names))
            found += [f"{each}/{one}" for one in names if _fits(one, name)]
        return sorted(found)

    def _spend(self, looked_at: int) -> None:
        self._left -= looked_at
        if self._left < 0:
            raise UnclearError(f"tables include what more than {MAX_LOOKED_AT} names are compared with")


def _fits(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern) and (not name.startswith(".") or pattern.startswith("."))
