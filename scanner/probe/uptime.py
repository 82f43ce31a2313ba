"""How long containers had been up when their host answered, by the host's own clock."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.domain.facts import HostFacts, Workload

_CLOCK = re.compile(rb"@section clock ([0-9]{1,2})\n([0-9]{1,12})\n@end\n")
_LONGEST = 48

RUNNING = "running"
"""The one state of an engine in which a container is up; paused and restarting ones are not."""


def split(raw: bytes) -> tuple[int, int | None]:
    """Where an answer's clock begins, with the host's time (Unix seconds).

    The clock comes last, so that everything before it stays the same as long as the host does; an answer of an older
    probe ends where it ends.
    """
    start = raw.rfind(b"@section clock ", max(0, len(raw) - _LONGEST))
    found = _CLOCK.fullmatch(raw, start) if start >= 0 else None
    if found is None or int(found[1]) != len(found[2]):
        return len(raw), None
    return start, int(found[2])


def at(facts: HostFacts, clock: int | None) -> HostFacts:
    """The facts, with ``up_s`` of what runs where both its start and the host's time are known."""
    if clock is None or not any(_is_up(workload, clock) for workload in facts.workloads):
        return facts
    return replace(facts, workloads=tuple(_at(workload, clock) for workload in facts.workloads))


def _is_up(workload: Workload, clock: int) -> bool:
    return workload.state == RUNNING and workload.started_at is not None and workload.started_at <= clock + 1


def _at(workload: Workload, clock: int) -> Workload:
    if not _is_up(workload, clock) or workload.started_at is None:
        return workload
    return replace(workload, up_s=max(0.0, clock - workload.started_at))
