"""Values that stayed on the host, taken out of what its files plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.probe.planned.plans import Plans
from scanner.probe.planned.unknown_text import HIDDEN

if TYPE_CHECKING:
    from scanner.domain.plan import Plan


def without_hidden(plans: Plans) -> Plans:
    """The same plans, their variables without a value where the probe wrote a mark in its place."""
    return Plans(tuple(_told(plan) for plan in plans.planned), plans.gaps)


def _told(plan: Plan) -> Plan:
    if plan.process is None or not plan.process.env:
        return plan
    env = tuple((name, None if value and HIDDEN in value else value) for name, value in plan.process.env)
    return replace(plan, process=replace(plan.process, env=env))
