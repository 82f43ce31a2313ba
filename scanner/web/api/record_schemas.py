"""Schemas of the answers about the trail or the way back; see ``schemas``."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from scanner.domain.facts import Source
from scanner.domain.rollback_plan import Manager
from scanner.domain.rollback_record import RollbackState
from scanner.web.api.schemas import Json, Moment, PlatformName

# ---------------------------------------------------------------- the trail


class TrailState(TypedDict):
    """Whose log it is, how far it has come; ``failure`` says why it cannot be written."""

    origin: str | None
    key: str | None
    size: int
    root: str
    checkpoint: str
    failure: str | None


class TrailEntry(TypedDict):
    """One entry; one that is not archscan's shows its ``bytes`` in base64 only."""

    index: int
    event: NotRequired[str]
    at: NotRequired[Moment]
    by: NotRequired[str]
    after: NotRequired[int]
    about: NotRequired[Json]
    bytes: NotRequired[str]


class TrailEntries(TypedDict):
    """Entries in their order; ``next`` is where the following ones start, null behind the last."""

    size: int
    next: int | None
    entries: list[TrailEntry]


Consistency = TypedDict("Consistency", {"from": int, "to": int, "hashes": list[str]})
"""The hashes, in base64, which prove that the log only grew."""

# ---------------------------------------------------------------- the way back


class Release(TypedDict):
    """One digest of one workload on one host; ``started_at`` is null where it never started on this hardware."""

    host: str
    source: Source
    workload: str
    digest: str
    image: str
    image_id: str
    written: str
    platform: PlatformName
    first_seen: Moment
    last_seen: Moment
    started_at: Moment | None
    current: bool


class Releases(TypedDict):
    """The newest first."""

    releases: list[Release]


class Step(TypedDict):
    """What was about to be done, with how the host stood."""

    step: str
    at: Moment
    detail: str


class Rollback(TypedDict):
    """A plan with what became of it; it is confirmed by its ``id`` until ``confirm_until``."""

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
    evidence: list[str]
    commands: list[str]
    touches: list[str]
    cautions: list[str]
    by_agent: bool
    planned_at: Moment
    planned_by: str
    state: RollbackState
    confirmed_at: Moment | None
    confirmed_by: str
    steps: list[Step]
    detail: str
    ended_at: Moment | None
    confirm_until: Moment


class Rollbacks(TypedDict):
    """The newest first."""

    rollbacks: list[Rollback]


class RollbackWork(TypedDict):
    """What an agent is to do: rollbacks as they are stored, moments as Unix seconds."""

    rollbacks: list[Json]


class Verified(TypedDict):
    """Whether the workload runs with the image that it was to have."""

    runs: bool
    detail: str
