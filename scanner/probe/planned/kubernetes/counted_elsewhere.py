"""Objects whose pods another object counts: of Argo Rollouts by ``workloadRef``, of KEDA."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scanner.probe.planned.kubernetes import kinds
from scanner.probe.planned.plans import UnclearError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Name = tuple[str, str, str]
"""Namespace, kind, name."""

_KEDA = frozenset({("ScaledObject", "keda.sh"), ("HTTPScaledObject", "http.keda.sh")})
"""They start pods of an object that says ``replicas: 0``; what Kubernetes' own autoscaler counts stays at none."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The objects that are there, and those among them that others start pods of."""

    there: frozenset[Name] = field(default_factory=frozenset)
    started: frozenset[Name] = field(default_factory=frozenset)


def counted(objects: Iterable[Any]) -> Counted:
    """What objects say of each other."""
    by_kind = [(body, kind) for body in objects if isinstance(body, dict) and isinstance(kind := body.get("kind"), str)]
    scaled = {
        target for body, kind in by_kind if (target := _scaled(body)) is not None and not _counts_none(body, kind)
    }
    rolled_out = {
        target
        for body, kind in by_kind
        if (target := workload_of(body)) is not None and (named(body, kind) in scaled or not _counts_none(body, kind))
    }
    return Counted(frozenset(named(body, kind) for body, kind in by_kind), frozenset(scaled | rolled_out))


def named(body: Mapping[Any, Any], kind: str) -> Name:
    """An object's own name."""
    return _named(body, kind, body.get("metadata"))


def workload_of(body: Mapping[Any, Any]) -> Name | None:
    """The object whose pods a Rollout starts, where that is another one."""
    if (body.get("kind"), kinds.group_of(body)) != ("Rollout", "argoproj.io"):
        return None
    reference = _part(body.get("spec"), "workloadRef")
    return _named(body, str(reference.get("kind") or "Deployment"), reference) if reference else None


def _scaled(body: Mapping[Any, Any]) -> Name | None:
    if (body.get("kind"), kinds.group_of(body)) not in _KEDA:
        return None
    target = _part(body.get("spec"), "scaleTargetRef")
    name = target.get("name") or target.get("deployment")
    return _named(body, str(target.get("kind") or "Deployment"), {"name": name})


def _counts_none(body: Mapping[Any, Any], kind: str) -> bool:
    try:
        is_none = kinds.is_scaled_to_zero(body, kind)
    except UnclearError:
        return False  # told where it is read
    return is_none or _part(body, "spec").get("maxReplicaCount") == 0


def _named(body: Mapping[Any, Any], kind: str, holder: Any) -> Name:
    namespace = _part(body, "metadata").get("namespace")
    name = holder.get("name") if isinstance(holder, dict) else None
    return str(namespace or "default"), kind, str(name)


def _part(holder: Any, key: str) -> Mapping[Any, Any]:
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if isinstance(value, dict) else {}
