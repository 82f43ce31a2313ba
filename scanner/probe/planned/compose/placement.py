"""Which hosts a Compose service is for: the placement constraints of Swarm."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from scanner.domain.plan import Placement, Requirement
from scanner.domain.platform.platform import Platform, canonical
from scanner.probe.planned.compose.values import closed
from scanner.probe.planned.plans import UnclearError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.plan import Operator

_CONSTRAINT = re.compile(r"\s*+([a-zA-Z][\w.-]+)\s*+(==|!=)\s*+(\S(?:.*\S)?)\s*", re.ASCII | re.DOTALL)
_LABEL = "node.labels."
_UNKNOWN = ("node.id", "node.ip", "node.role", "engine.labels.")
"""Facts of a node that no inventory tells: what is asked of them leaves a plan for every host."""


def placement(service: Mapping[str, Any]) -> Placement | None:
    """Which hosts a service is for; none where it is for every host.

    Raises:
        UnclearError: a constraint that Swarm does not know.
    """
    deploy = service.get("deploy")
    rows = ((deploy or {}).get("placement") or {}).get("constraints") or ()
    asked = tuple(found for row in rows if (found := requirement(closed(row, "a placement constraint"))))
    return Placement((asked,)) if asked else None


def requirement(constraint: str) -> Requirement | None:
    """What one constraint asks of a host; none where it asks what nobody can tell here.

    Raises:
        UnclearError: a constraint that Swarm does not know.
    """
    parts = _CONSTRAINT.fullmatch(constraint)
    if parts is None:
        raise UnclearError("a placement constraint without == or !=")
    key, value = parts[1], parts[3]
    operator: Operator = "In" if parts[2] == "==" else "NotIn"
    folded = key.lower()
    if folded == "node.platform.arch":
        return Requirement("arch", operator, (canonical(Platform("linux", value.lower())).architecture,))
    if folded == "node.platform.os":
        return Requirement("os", operator, (value.lower(),))
    if folded == "node.hostname":
        return Requirement("host", operator, (value,))
    if folded.startswith(_LABEL):
        return Requirement(f"label:{key[len(_LABEL) :]}", operator, (value,))
    if folded.startswith(_UNKNOWN):
        return None
    raise UnclearError("a placement constraint that Swarm does not know")
