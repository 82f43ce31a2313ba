"""One rollback from its plan to its end, as it is remembered."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from scanner.domain.rollback_plan import Manager

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.rollback_plan import RollbackPlan

CONFIRM_WITHIN_S = 600.0
"""A plan rests on facts of minutes ago; whoever comes back later sees a new one first."""


class RollbackState(StrEnum):
    """How far a rollback is. ``done`` and ``undone`` are the two good ends; ``refused`` touched nothing.

    ``unproved`` is an end that the agent claims, but no scan of the host has borne out.
    """

    PLANNED = "planned"
    CONFIRMED = "confirmed"
    RUNNING = "running"
    DONE = "done"
    UNDONE = "undone"
    REFUSED = "refused"
    UNPROVED = "unproved"


ENDS = frozenset({RollbackState.DONE, RollbackState.UNDONE, RollbackState.REFUSED, RollbackState.UNPROVED})
ACTIVE = frozenset({RollbackState.CONFIRMED, RollbackState.RUNNING})


@dataclass(frozen=True, slots=True)
class Step:
    """What was about to be done, when (Unix seconds), how the host stood."""

    step: str
    at: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Rollback:
    """A plan with what became of it; moments are Unix seconds, ``expected`` is the image ID that is to be replaced.

    ``subject`` is what the host's script is told (empty in records from before there were units: the container).
    ``seen_at`` is when a scan last showed the workload running with the image that it was to have, since the last step
    that changed it.
    """

    id: str
    host: str
    workload: str
    container: str
    engine: str
    manager: Manager
    from_digest: str
    to_digest: str
    expected: str
    to_image_id: str
    image: str
    healthy_for_s: int
    verdict: str
    evidence: tuple[str, ...]
    commands: tuple[str, ...]
    touches: tuple[str, ...]
    cautions: tuple[str, ...]
    by_agent: bool
    planned_at: float
    planned_by: str
    state: RollbackState = RollbackState.PLANNED
    confirmed_at: float | None = None
    confirmed_by: str = ""
    steps: tuple[Step, ...] = ()
    detail: str = ""
    ended_at: float | None = None
    subject: str = ""
    seen_at: float | None = None

    def expired(self, now: float) -> bool:
        """Whether it is too late, or the clock stepped back too far, to confirm it."""
        return self.state is RollbackState.PLANNED and not 0 <= now - self.planned_at <= CONFIRM_WITHIN_S


def recorded(made: RollbackPlan, rollback_id: str, healthy_for_s: int, at: float, by: str) -> Rollback:
    """A plan as it begins to be remembered."""
    return Rollback(
        rollback_id, made.host, made.workload, made.container, made.engine, made.manager,
        made.current.digest or "", made.target.digest or "", made.current.image_id, made.target.image_id, made.target.image, healthy_for_s,
        f"{made.verdict.status} {made.verdict.reason}",
        tuple(f"{one.layer}: {one.says}" for one in made.verdict.evidence),
        made.commands, made.touches, made.cautions, made.by_agent, at, by, subject=made.subject,
    )  # fmt: skip


def rollback_json(rollback: Rollback) -> dict[str, Any]:
    """What is stored."""
    return asdict(rollback)


def rollback_of(body: Mapping[str, Any]) -> Rollback:
    """What ``rollback_json`` was given, read back."""
    made: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in body.items()}
    steps = tuple(Step(**step) for step in made.pop("steps", ()))
    known = {"manager": Manager(made["manager"]), "state": RollbackState(made["state"]), "steps": steps}
    return Rollback(**{**made, **known})
