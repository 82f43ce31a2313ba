"""Gives what workloads of many hosts have in common, each of which has its own name, its own moments."""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter
from typing import Any

from scanner.domain.facts import Workload

OWN = ("host", "name", "started_at", "finished_at")
"""What each workload has of its own."""

_COMMON = tuple(each.name for each in fields(Workload) if each.name not in OWN)
_put = tuple(getattr(Workload, name).__set__ for name in (*OWN, *_COMMON))

Pattern = tuple[Any, ...]

pattern_of = attrgetter(*_COMMON)
"""All the rest, ``reference`` among it, which is worked out from the image's name."""

said_in_common = attrgetter(*(each.name for each in fields(Workload) if each.name not in OWN and each.compare))
"""The same to tell patterns apart by."""


def workload(pattern: Pattern, host: str, name: str, started_at: float | None, finished_at: float | None) -> Workload:
    """The workload of a pattern: a fifth of the cost of ``replace``, which works everything out again."""
    made = object.__new__(Workload)
    for put, each in zip(_put, (host, name, started_at, finished_at, *pattern), strict=True):
        put(made, each)
    return made
