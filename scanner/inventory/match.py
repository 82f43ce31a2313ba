"""Chooses hosts by patterns."""

from __future__ import annotations

import difflib
import fnmatch
from typing import TYPE_CHECKING

from scanner.inventory.error import InventoryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scanner.domain.host import Host


def match(hosts: Iterable[Host], patterns: Sequence[str]) -> tuple[Host, ...]:
    """The hosts that some pattern names and no negated one excludes, in the order of the inventory.

    A pattern is a name (an alias will do), a glob (``edge-*``), a label (``team=web``, ``zone=eu-*``), any of these negated (``!db-1``), or
    several separated by commas. Only negated patterns choose among all hosts; no pattern chooses all.

    Raises:
        InventoryError: a name that is no host's, with the nearest one; or patterns that choose nobody.
    """
    known = tuple(hosts)
    parts = [part.strip() for pattern in patterns for part in pattern.split(",") if part.strip()]
    if not parts:
        return known
    names = {name for host in known for name in (host.name, *host.aliases)}
    if problems := [_unknown(part, names) for part in parts if _is_name(part) and part.removeprefix("!") not in names]:
        raise InventoryError(problems)
    chosen = tuple(host for host in known if _chosen(host, parts))
    if not chosen:
        raise InventoryError([f"no host matches {','.join(parts)}"])
    return chosen


def _is_name(part: str) -> bool:
    return not any(char in part for char in "*?[=")


def _unknown(part: str, names: set[str]) -> str:
    name = part.removeprefix("!")
    nearest = next(iter(difflib.get_close_matches(name, sorted(names), n=1)), "")
    return f"no host is named {name}" + (f"; did you mean {nearest}?" if nearest else "")


def fits(host: Host, pattern: str) -> bool:
    """Whether one host is meant by a pattern, as ``match`` reads it."""
    return _chosen(host, [part.strip() for part in pattern.split(",") if part.strip()])


def _chosen(host: Host, parts: Sequence[str]) -> bool:
    wanted = [part for part in parts if not part.startswith("!")]
    if any(_fits(host, part[1:]) for part in parts if part.startswith("!")):
        return False
    return not wanted or any(_fits(host, part) for part in wanted)


def _fits(host: Host, part: str) -> bool:
    label, equals, value = part.partition("=")
    if equals:
        return label in host.labels and fnmatch.fnmatchcase(host.labels[label], value)
    return any(fnmatch.fnmatchcase(name, part) for name in (host.name, *host.aliases))
