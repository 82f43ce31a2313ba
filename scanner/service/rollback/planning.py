"""From what is known of a host to the plan that brings a workload's former release back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.domain.facts import HostFacts, Stage
from scanner.domain.failure import Failure
from scanner.domain.image.reference import digest_of
from scanner.domain.plan import Plan
from scanner.domain.release import NO_CONTAINER, Release, chosen, of_absent, owner_name, sighting
from scanner.domain.rollback_plan import rollback_plan, vouched
from scanner.domain.verdict.reason import Status
from scanner.service.answers import Refusal, RefusalReason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from scanner.domain.facts import Workload
    from scanner.domain.rollback_plan import RollbackPlan
    from scanner.domain.verdict.verdict import Verdict

    Judge = Callable[[Plan], Awaitable[Verdict]]
MAX_NAMES = 20
"""Workloads that are named where none fits; a host may have thousands."""


def found_workload(facts: HostFacts, name: str) -> Workload | Refusal:
    """The container that a name means, one that runs before others; a Swarm service by its own name, too."""
    there = [one for one in facts.workloads if one.stage is not Stage.PLANNED]
    named = [one for one in there if name in {one.name, owner_name(one)}]
    if named:
        return min(named, key=lambda one: one.stage is not Stage.RUNNING)
    names = sorted({owner_name(one) for one in there})
    shown = ", ".join(names[:MAX_NAMES]) + (", …" if len(names) > MAX_NAMES else "")
    return Refusal(
        RefusalReason.WORKLOAD_NOT_FOUND, f"{facts.host} has no container {name!r}; there are: {shown or 'none'}"
    )


async def planned(  # noqa: PLR0913, PLR0917 -- a plan rests on all of them
    facts: HostFacts, workload: Workload, releases: Iterable[Release], to: str, judge: Judge, healthy_for_s: int
) -> RollbackPlan | Refusal:
    """The plan for one workload, or why there is none; ``to`` is a digest, empty for the last release that started."""
    platform = str(facts.kernel.platform or "")
    current = of_absent(workload, platform) if workload.state == "absent" else sighting(workload, platform, 0.0)
    if current is None:
        return Refusal(RefusalReason.RELEASE_NOT_FOUND, f"{workload.name}: its engine did not tell which image it has")
    known = [one for one in releases if one.source is workload.source]
    target = chosen(known, to, current.image_id, platform) or _of_registry(current, to, known)
    if target is None:
        return Refusal(RefusalReason.RELEASE_NOT_FOUND, _none(known, current, to))
    if target.image_id == current.image_id or target.digest == current.digest:
        return Refusal(RefusalReason.RELEASE_NOT_FOUND, f"{workload.name} has {target.digest} already")
    wanted = Plan(
        target.image,
        workload.name,
        workload.source,
        workload.pinned,
        workload.engine,
        workload.process,
        workload.mounts,
    )
    verdict = vouched(await judge(wanted), target, platform)
    if verdict.status is not Status.OK:
        why = f"{target.digest} is {verdict.status} here ({verdict.reason}): {verdict.detail or 'not known to start'}"
        return Refusal(RefusalReason.VERDICT_NOT_OK, why)
    return rollback_plan(workload, current, target, verdict, platform, healthy_for_s)


def fresh(facts: HostFacts | Failure | None, age_s: float, max_age_s: float) -> HostFacts | Refusal:
    """Facts that a plan may rest on."""
    if isinstance(facts, Failure):
        return Refusal(RefusalReason.FACTS_STALE, f"the host was not read: {facts.reason} {facts.detail}".rstrip())
    if facts is None:
        return Refusal(
            RefusalReason.FACTS_STALE, "the host has not been scanned yet, as the configuration names it now"
        )
    if not 0 <= age_s <= max_age_s:
        return Refusal(RefusalReason.FACTS_STALE, f"the host was last read {age_s:.0f} s ago: scan it, then ask again")
    return facts


def _of_registry(current: Release, to: str, known: list[Release]) -> Release | None:
    """A digest that this host never had, of the same repository: the registry says whether it is there."""
    last = max(known, key=lambda one: one.last_seen, default=current) if current.image_id == NO_CONTAINER else current
    had, digest = last.reference, digest_of(to)
    if digest is None or isinstance(had, Failure) or had.digest is None or digest.algorithm != "sha256":
        return None
    image = str(replace(had, digest=digest))
    return Release(current.host, current.source, current.workload, digest, digest, image, image, "", 0.0, 0.0)


def _none(known: list[Release], current: Release, to: str) -> str:
    if to:
        return f"{current.workload} never had {to} on {current.host}, and it is no digest of {current.image}"
    others = [one.digest for one in known if one.image_id != current.image_id and one.digest]
    if not others:
        return f"no other release of {current.workload} was ever seen on {current.host}"
    return (
        f"no other release of {current.workload} was seen up for 60 s on this hardware; name one with --to: "
        + ", ".join(others[:MAX_NAMES])
    )
