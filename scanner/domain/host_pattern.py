"""Whether a host is meant by a pattern of names or labels."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.domain.host import Host


def fits(host: Host, pattern: str) -> bool:
    """Whether a host is meant.

    A pattern is a name (an alias will do), a glob (``edge-*``), a label (``team=web``, ``zone=eu-*``), any of these negated
    (``!db-1``), or several separated by commas. Only negated patterns mean all other hosts.
    """
    return chosen(host, [part.strip() for part in pattern.split(",") if part.strip()])


def chosen(host: Host, parts: Sequence[str]) -> bool:
    """The same of a pattern that was taken apart at its commas."""
    wanted = [part for part in parts if not part.startswith("!")]
    if any(_fits(host, part[1:]) for part in parts if part.startswith("!")):
        return False
    return not wanted or any(_fits(host, part) for part in wanted)


def _fits(host: Host, part: str) -> bool:
    label, equals, value = part.partition("=")
    if equals:
        return label in host.labels and fnmatch.fnmatchcase(host.labels[label], value)
    return any(fnmatch.fnmatchcase(name, part) for name in (host.name, *host.aliases))
