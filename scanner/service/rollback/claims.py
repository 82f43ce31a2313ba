"""Holds an agent's claims against the plan, the order of its steps, what scans see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.release import NO_CONTAINER, owner_name, sighting
from scanner.domain.rollback_plan import Manager
from scanner.domain.verdict.started import has_stood, is_up
from scanner.service.answers import Refusal
from scanner.service.rollback.planning import found_workload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.domain.facts import HostFacts, Workload
    from scanner.domain.rollback_record import Rollback

_AFTER = {
    "find": frozenset({"", "find"}),
    "prepare": frozenset({"find", "prepare", "resume"}),
    "switch": frozenset({"prepare", "switch", "resume"}),
    "finish": frozenset({"switch", "resume", "undo", "finish"}),
}
"""The steps that may come right before each; ``undo`` and ``resume`` follow any. An ``undo`` that no host has heard of may be
followed by ``finish``, where a scan saw it running since."""


def out_of_order(rollback: Rollback, step: str) -> str:
    """Why it is not this step's turn, empty where it is."""
    last = rollback.steps[-1].step if rollback.steps else ""
    if step in _AFTER and last not in _AFTER[step]:
        return f"{step} does not follow {last or 'the confirmation'}"
    if step == "finish" and rollback.seen_at is None:
        return "no scan has seen it run since it was switched"
    if step in {"undo", "resume"} and not last:
        return f"{step} does not follow the confirmation"
    return ""


def is_managed_elsewhere(rollback: Rollback) -> bool:
    """Whether its containers may come up on any host: a swarm or a cluster places them."""
    return rollback.manager in {Manager.SWARM, Manager.KUBERNETES}


def still_has(facts: HostFacts, rollback: Rollback) -> bool:
    """Whether the workload has the image that was to be replaced; a unit without container still has none that runs."""
    found = _named(facts, rollback)
    if rollback.expected == NO_CONTAINER:
        return not any(is_up(one) for one in found)
    return any(one.local is not None and one.local.image_id == rollback.expected for one in found)


def seen_running(hosts: Sequence[HostFacts], rollback: Rollback) -> tuple[bool, str]:
    """Whether the workload runs from the release of the plan, on any of these hosts."""
    says = ""
    for facts in hosts:
        named = found_workload(facts, rollback.container)
        if isinstance(named, Refusal):
            says = says or named.detail
        for one in _named(facts, rollback):
            runs, says = _runs(one, rollback)
            if runs:
                return True, says
    return False, says


def _runs(workload: Workload, rollback: Rollback) -> tuple[bool, str]:
    now = sighting(workload, "", 0.0)
    if now is None or now.image_id == rollback.expected:
        return False, "it has the image that it had before"
    if rollback.to_digest not in {now.digest, now.image_id} and rollback.to_image_id != now.image_id:
        return False, f"it has {now.digest}, which is not the release of the plan"
    if not has_stood(workload):
        return False, f"it does not stay up: {workload.state}, exit code {workload.exit_code}"
    return True, f"{workload.name} runs with {now.digest}"


def _named(facts: HostFacts, rollback: Rollback) -> list[Workload]:
    """Its containers; a unit's, a service's or a pod's have other names with each release."""
    names = {rollback.container, rollback.workload}
    return [one for one in facts.workloads if names & {one.name, owner_name(one)}]
