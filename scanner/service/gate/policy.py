"""Reads from the settings what the gate asks of each host, by the first rule that fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.domain.decision import Decision, Policies, Policy
from scanner.domain.host_pattern import fits
from scanner.domain.verdict.verdict import Depth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.domain.host import Host
    from scanner.settings.schema import Settings

_DEEPER = tuple(Depth)


@dataclass(frozen=True, slots=True)
class Demands:
    """What is asked of hosts before anything goes there: policies, the depth of evidence, the oldest facts in seconds."""

    policies: Policies
    depth: Depth
    max_ages_s: dict[str, float]


def demands(settings: Settings, hosts: Sequence[Host], depth: Depth | None = None) -> Demands:
    """What the gate asks of ``hosts``, or of plain hosts where there are none; never less deep than it must be."""
    policies = Policies(_policy(settings, None), {host.name: _policy(settings, host) for host in hosts})
    asked = [policies.of(host.name) for host in hosts] or [policies.default]
    deepest = [depth or Depth(settings.scan.depth), *filter(None, (policy.depth for policy in asked))]
    if any(policy.survey for policy in asked):
        deepest.append(Depth.FULL)
    ages = {host.name: _said(settings, host, "max_facts_age")[0] for host in hosts}
    return Demands(policies, max(deepest, key=_DEEPER.index), ages)


_NAMES = ("emulated", "degraded", "early_stop", "survey", "depth")


def _policy(settings: Settings, host: Host | None) -> Policy:
    said = {name: _said(settings, host, name) for name in _NAMES}
    depth = said["depth"][0]
    return Policy(
        emulated=Decision(said["emulated"][0]),
        degraded=Decision(said["degraded"][0]),
        early_stop=Decision(said["early_stop"][0]),
        survey=said["survey"][0],
        depth=Depth(depth) if depth else None,
        places={name: place for name, (_, place) in said.items()},
    )


def _said(settings: Settings, host: Host | None, name: str) -> tuple[Any, str]:
    """A setting of the gate for a host, with the section that says it; rules never fit a plain host."""
    for number, rule in enumerate(settings.gate.rules):
        value = getattr(rule, name)
        if value is not None and host is not None and fits(host, rule.match):
            return value, f"gate.rules[{number}]"
    return getattr(settings.gate, name), "gate"
