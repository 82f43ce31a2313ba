"""The answers of the use cases: values that every face shows as they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.decision import Decision, Ruling
    from scanner.domain.instead import Instead
    from scanner.domain.report import Report


class RefusalReason(StrEnum):
    """Why something was not done; the word is the ``reason`` of the problem document."""

    HOST_NOT_IN_INVENTORY = "host_not_in_inventory"
    REFERENCE_INVALID = "reference_invalid"
    PLATFORM_INVALID = "platform_invalid"
    REGISTRY_NOT_ALLOWED = "registry_not_allowed"
    WAIVER_INVALID = "waiver_invalid"
    PLANS_INVALID = "plans_invalid"
    OVERRIDE_INVALID = "override_invalid"
    TOO_MANY_SCANS = "too_many_scans"
    NOT_READY = "not_ready"
    FACTS_STALE = "facts_stale"
    STORE_FAILED = "store_failed"
    TRAIL_FAILED = "trail_failed"
    STOPPING = "stopping"
    HOST_NOT_PUSHED = "host_not_pushed"
    ANSWER_INVALID = "answer_invalid"
    PUSH_FAILED = "push_failed"
    WORKLOAD_NOT_FOUND = "workload_not_found"
    RELEASE_NOT_FOUND = "release_not_found"
    VERDICT_NOT_OK = "verdict_not_ok"
    ROLLBACK_NOT_FOUND = "rollback_not_found"
    ROLLBACK_STATE = "rollback_state"
    ROLLBACK_EXPIRED = "rollback_expired"
    ROLLBACK_BUSY = "rollback_busy"
    CAUTIONS_NOT_ACCEPTED = "cautions_not_accepted"
    AGENT_OFF = "agent_off"
    AGENT_MISSING = "agent_missing"
    NOT_LEADER = "not_leader"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, in one line; ``retry_after_s`` where trying again may help."""

    reason: RefusalReason
    detail: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """The gate's answer, with the report that it was decided from.

    ``id`` names the decision; ``trail_index`` is its place in the trail, ``None`` where there is no trail. ``rulings`` are
    what was decided of each finding, ``pins`` the images as they are written with the references, by digest, that were
    judged, ``instead`` what could be deployed in place of what is denied, by image and host. ``overridden`` are the places
    in the report of findings that somebody answers for.
    """

    report: Report
    decision: Decision
    id: str = ""
    trail_index: int | None = None
    rulings: tuple[Ruling, ...] = ()
    pins: Mapping[str, str] = field(default_factory=dict)
    instead: Mapping[tuple[str, str], Instead] = field(default_factory=dict)
    overridden: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Probed:
    """What one probe of one host found (``None``: nothing before its deadline), with a log for the operator."""

    report: Report | None
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reloaded:
    """Whether a new configuration is in force; ``detail`` says what was wrong with it."""

    successful: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether there is a report to answer from; ``detail`` says what is missing, ``role`` who of several instances this is."""

    ready: bool
    detail: str = ""
    role: str = ""
