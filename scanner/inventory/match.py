"""Chooses hosts by patterns."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from scanner.domain.host_pattern import chosen, fits
from scanner.inventory.error import InventoryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scanner.domain.host import Host


def match(hosts: Iterable[Host], patterns: Sequence[str], *, may_miss: bool = False) -> tuple[Host, ...]:
    """The hosts that some pattern names and no negated one excludes, in the order of the inventory.

    A pattern is a name (an alias will do), a glob (``edge-*``), a label (``team=web``, ``zone=eu-*``), any of these negated (``!db-1``), or
    several separated by commas. Only negated patterns choose among all hosts; no pattern chooses all.

    Raises:
        InventoryError: a name that is no host's, with the nearest one; or a pattern that fits nobody, beside others that
            do as well, unless it ``may_miss``: a gate would let by what nobody looked at there. Or an empty one: it may be the variable of a
            script that was never set.
    """
    if not all(pattern.strip(", ") for pattern in patterns):
        raise InventoryError(["an empty pattern names no host: leave it out for all of them"])
    known = tuple(hosts)
    parts = [part.strip() for pattern in patterns for part in pattern.split(",") if part.strip()]
    if not parts:
        return known
    names = {name for host in known for name in (host.name, *host.aliases)}
    if problems := [_unknown(part, names) for part in parts if _is_name(part) and part.removeprefix("!") not in names]:
        raise InventoryError(problems)
    found = tuple(host for host in known if chosen(host, parts))
    sought = (part for part in parts if not (may_miss or part.startswith("!") or _is_name(part)))
    idle = [part for part in sought if not any(fits(host, part) for host in known)]
    if idle or not found:
        raise InventoryError([f"no host matches {','.join(idle or parts)}"])
    return found


def _is_name(part: str) -> bool:
    return not any(char in part for char in "*?[=")


def _unknown(part: str, names: set[str]) -> str:
    name = part.removeprefix("!")
    nearest = next(iter(difflib.get_close_matches(name, sorted(names), n=1)), "")
    return f"no host is named {name}" + (f"; did you mean {nearest}?" if nearest else "")
