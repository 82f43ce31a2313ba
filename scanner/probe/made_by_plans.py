"""Containers beside the plans that made them: what platform they were asked for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.domain.facts import Source, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scanner.domain.facts import Maker, Workload
    from scanner.domain.platform.platform import Platform


def asked_by_makers(existing: Iterable[Workload], planned: Sequence[Workload]) -> list[Workload]:
    """The containers, each with the platform that its plan pins, and where that stands.

    No engine remembers which platform a container was asked for; the plan that made it says. A container for another
    platform was made before the pin was written, which is then the plan's own finding; plans of one name that pin different
    platforms tell nothing.
    """
    pins: dict[str, set[tuple[Platform | None, str]]] = defaultdict(set)
    for plan in planned:
        if plan.name and plan.stage is Stage.PLANNED and plan.source in _MADE_BY:
            pins[plan.name].add((plan.pinned, plan.pinned_at))
    return [_asked(workload, pins[_plan_name(workload.maker)]) for workload in existing]


_MADE_BY = frozenset({Source.COMPOSE, Source.QUADLET, Source.SYSTEMD})
"""Plans that lie on the host, and whose containers carry their names."""


def _plan_name(maker: Maker | None) -> str:
    """What the plan is called that a maker makes containers of."""
    if maker is None:
        return ""
    match maker.kind:
        case Source.COMPOSE:
            return f"{maker.project}/{maker.name}"
        case Source.SYSTEMD:
            return maker.name
    return ""


def _asked(workload: Workload, pins: set[tuple[Platform | None, str]]) -> Workload:
    if workload.pinned is not None or len(pins) != 1:
        return workload
    [(pinned, place)] = pins
    held = workload.local.platform if workload.local else None
    if pinned is None or held is None or (held.os, held.architecture) != (pinned.os, pinned.architecture):
        return workload
    return replace(workload, pinned=pinned, pinned_at=place)
