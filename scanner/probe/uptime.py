"""Whether containers had been up for long when their host answered, by the host's own clock."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.domain.verdict.started import SETTLED_S

if TYPE_CHECKING:
    from scanner.domain.facts import HostFacts, Workload

_CLOCK = re.compile(rb"@section clock ([0-9]{1,2})\n([0-9]{1,12})\n@end\n")
_LONGEST = 48

MAX_SKEW_S = 1
"""The clock counts whole seconds, engines their fractions; a start later than this is of a clock that was set."""

RUNNING = "running"
"""The one state of an engine in which a container is up; one that is paused may have been so since its first second."""


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
    """The facts, with ``settled`` of what runs where both its start and the host's time are known.

    The same facts come back where that changes nothing: what has settled stays so until its next start.
    """
    workloads = tuple(_at(workload, clock) for workload in facts.workloads)
    changed = any(new is not old for new, old in zip(workloads, facts.workloads, strict=True))
    return replace(facts, workloads=workloads) if changed else facts


def steady_from(facts: HostFacts) -> float | None:
    """The host's time (Unix seconds) from which on ``at`` gives these very facts; ``None``: it has to look."""
    latest = 0.0
    for workload in facts.workloads:
        if workload.state == RUNNING and workload.started_at is not None:
            if not workload.settled:
                return None
            latest = max(latest, workload.started_at + SETTLED_S + MAX_SKEW_S)
        elif workload.settled is not None:
            return None
    return latest


def _at(workload: Workload, clock: int | None) -> Workload:
    settled = None
    if clock is not None and workload.state == RUNNING and workload.started_at is not None:
        up_s = clock - workload.started_at
        settled = up_s >= SETTLED_S if up_s >= -MAX_SKEW_S else None
    return workload if workload.settled is settled else replace(workload, settled=settled)
