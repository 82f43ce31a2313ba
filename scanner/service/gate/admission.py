"""May this pod be admitted? The gate's answer for a cluster, which lets pass what cannot be judged in time."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import structlog

from scanner.domain.decision import Decision
from scanner.domain.text import printable
from scanner.service.answers import Checked, Refusal
from scanner.service.gate.question import Destination

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scanner.domain.decision import Ruling
    from scanner.service.gate.gate import Gate
    from scanner.service.gate.memory import GateMemory
    from scanner.service.reloading import Reloading

log = structlog.get_logger(__name__)

WITHIN_S = 1.8
"""Kubernetes is told to wait for two seconds; what comes later counts as no answer there."""

CLOSED = "archscan.io/gate"
"""The annotation of a pod, or of the template that it is made from, whose value ``closed`` makes it wait for a decision."""

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")

MAX_TOLD = 8
"""Sentences in one answer."""

MAX_TOLD_CHARS = 256
"""Of one of them: Kubernetes cuts warnings there."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Whether an object may be made; ``why`` is for whoever made it, ``failed_open``: nobody could judge it."""

    allowed: bool
    why: tuple[str, ...] = ()
    failed_open: bool = False


class Admission:
    """A pod may run on any node that it asks for: it is refused where it starts on none of them."""

    def __init__(self, gate: Gate, memory: GateMemory, reloading: Reloading) -> None:
        self._gate, self._memory, self._reloading = gate, memory, reloading

    async def review(self, namespace: str, body: Mapping[str, Any], by: str) -> Admitted:
        """Judge the containers of one object."""
        settings = self._reloading.settings.gate.admission
        if _fits(namespace, settings.exempt):
            return Admitted(allowed=True)
        is_closed = _fits(namespace, settings.closed) or _is_closed(body)
        try:
            async with asyncio.timeout(WITHIN_S):
                answer = await self._asked(settings.nodes, body, by)
        except TimeoutError:
            return self._held(body, ["no decision within two seconds"], is_closed=is_closed)
        if isinstance(answer, Refusal):
            return self._held(body, [answer.detail], is_closed=is_closed)
        return self._ruled(answer, body, is_closed=is_closed)

    async def _asked(self, nodes: tuple[str, ...], body: Mapping[str, Any], by: str) -> Checked | Refusal:
        raw = json.dumps(body).encode()
        return await self._gate.ask_files((), {"object.json": raw}, Destination(nodes or ("*",)), by)

    def _ruled(self, answer: Checked, body: Mapping[str, Any], *, is_closed: bool) -> Admitted:
        """Of each container the best ruling of all nodes; the worst container decides."""
        by_container: dict[str, list[Ruling]] = defaultdict(list)
        for ruling in answer.rulings:
            by_container[ruling.finding.workload.name].append(ruling)
        refused, open_ones, warned = [], [], []
        for rulings in by_container.values():
            decisions = {ruling.decision for ruling in rulings}
            starts = decisions & {Decision.ALLOW, Decision.WARN}
            if not starts and Decision.HOLD not in decisions:
                refused += [_told(ruling) for ruling in rulings]
            elif not starts:
                open_ones.append(rulings)
            elif Decision.DENY in decisions:
                warned += [_told(ruling) for ruling in rulings if ruling.decision is Decision.DENY]
        if refused:
            return Admitted(allowed=False, why=_few(refused))
        if open_ones or not by_container:
            why = [_told(ruling) for rulings in open_ones for ruling in rulings if ruling.decision is Decision.HOLD]
            return self._held(body, why or ["nothing in it could be judged"], is_closed=is_closed, rulings=open_ones)
        return Admitted(allowed=True, why=_few(warned))

    def _held(
        self,
        body: Mapping[str, Any],
        why: Iterable[str],
        *,
        is_closed: bool,
        rulings: Iterable[list[Ruling]] = (),
    ) -> Admitted:
        """No decision: the last one counts, else it passes, unless somebody asked otherwise."""
        told = _few(why)
        if is_closed:
            return Admitted(allowed=False, why=(*told, "this namespace or pod waits for a decision: try again"))
        asked = [(ruling.finding.workload.image, ruling.finding.workload.host) for one in rulings for ruling in one]
        images = {image for image, _ in asked} or set(images_of(body))
        for image in sorted(images):
            hosts = [host.name for host in self._reloading.hosts()]
            known = [last for host in hosts if (last := self._memory.last(image, host)) is not None]
            if known and all(last.decision is Decision.DENY for last in known):
                shown = f"{printable(image, 200)} was denied before: {known[0].why}"
                return Admitted(allowed=False, why=_few([shown, *told]))
        log.warning("admission_failed_open", why="; ".join(told), images=sorted(images))
        return Admitted(allowed=True, why=("archscan could not judge it: admitted unchecked", *told), failed_open=True)


def _fits(namespace: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(namespace, pattern) for pattern in patterns)


def _few(told: Iterable[str]) -> tuple[str, ...]:
    return tuple(printable(one, MAX_TOLD_CHARS) for one in dict.fromkeys(told))[:MAX_TOLD]


def _told(ruling: Ruling) -> str:
    workload, verdict = ruling.finding.workload, ruling.finding.verdict
    return f"{workload.image or workload.name} on {workload.host}: {verdict.reason}: {verdict.detail}"


def _templates(body: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The object itself, then the templates of pods in it, as deep as controllers nest them."""
    found: Any = body
    for name in (None, "spec", "jobTemplate", "spec", "template"):
        if name is not None:
            inner = found.get(name) if isinstance(found, dict) else None
            if not isinstance(inner, dict):
                if name != "jobTemplate":
                    return
                continue
            found = inner
        if isinstance(found, dict):
            yield found
        if name == "spec" and isinstance(found.get("template"), dict):
            yield found["template"]


def _is_closed(body: Mapping[str, Any]) -> bool:
    for one in _templates(body):
        metadata = one.get("metadata")
        notes = metadata.get("annotations") if isinstance(metadata, dict) else None
        if isinstance(notes, dict) and notes.get(CLOSED) == "closed":
            return True
    return False


def images_of(body: Mapping[str, Any]) -> Iterable[str]:
    """What the containers of an object are made from, as far as it can be seen without judging it."""
    for spec in _pod_specs(body):
        for kind in _CONTAINERS:
            named = spec.get(kind)
            for container in named if isinstance(named, list) else ():
                image = container.get("image") if isinstance(container, dict) else None
                if isinstance(image, str):
                    yield image


def brings_anew(body: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Whether pods start by a change that would not start as they are: other images, other nodes, another template.

    Whoever scales or labels what does not start, starts nothing.
    """
    if body.get("kind") == "Pod":
        return _of_pod(body) != _of_pod(old)
    return list(_pod_specs(body)) != list(_pod_specs(old))


def is_ending(body: Mapping[str, Any]) -> bool:
    """Whether an object that is there is on its way out."""
    metadata = body.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("deletionTimestamp"))


def wants_no_pods(body: Mapping[str, Any]) -> bool:
    """Whether an object is to have none."""
    spec = body.get("spec")
    replicas = spec.get("replicas") if isinstance(spec, dict) else None
    return isinstance(replicas, int) and replicas == 0


def _of_pod(body: Mapping[str, Any]) -> list[object]:
    """What can change in a pod that is there, of what it is judged by."""
    placed = [spec.get(key) for spec in _pod_specs(body) for key in ("nodeSelector", "affinity")]
    return [sorted(images_of(body)), *placed]


def _pod_specs(body: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    for one in _templates(body):
        spec = one.get("spec") if isinstance(one.get("spec"), dict) else one
        if isinstance(spec, dict) and not spec.keys().isdisjoint(_CONTAINERS):
            yield spec
