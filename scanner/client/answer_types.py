"""Answers of the API as types; made from its description by ``python -m docs.generate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping


class BuiltFrom(TypedDict):
    """What an image's own labels say it was built from."""

    repository: str
    revision: str


class Checked(TypedDict):
    """The gate's answer (``archscan/v1``); ``pins`` are references by the digest that was judged."""

    schema: Literal["archscan/v1"]
    scan: Scan
    decision: Decision
    summary: Summary
    because: list[str]
    decision_id: str | None
    pins: Mapping[str, str]
    overrides: list[Override]
    trail: NotRequired[TrailPlace]
    hosts: list[Host]
    findings: list[Ruling]


Decision = Literal["allow", "warn", "hold", "deny"]
"""What a deploy pipeline is told, best first."""


class Evidence(TypedDict):
    """What one layer of evidence says."""

    layer: str
    says: str


class Finding(TypedDict):
    """One judged workload, ``ok`` ones included."""

    host: str
    workload: str
    source: Source
    stage: Stage
    image: str
    digest: str | None
    status: Status
    reason: Reason
    detail: str
    next_pull: Literal["starts", "breaks", "gone", "unknown"] | None
    pinned: str | None
    pinned_at: str | None
    host_platform: str | None
    offered: list[str]
    evidence: list[Evidence]
    fix: Fix
    first_seen: str | None
    last_seen: str | None
    waived_until: str | None
    team: str | None
    built_from: BuiltFrom | None


class FindingPage(TypedDict):
    """Findings in the order of the report; ``next_cursor`` asks for those that follow, null behind the last."""

    schema: Literal["archscan/v1"]
    scan: Scan
    summary: Summary
    total: int
    next_offset: int | None
    next_cursor: str | None
    findings: list[Finding]


class Fix(TypedDict):
    """What is to be done: a sentence, then commands in their order."""

    summary: str
    commands: list[str]


class Host(TypedDict):
    """One host; ``facts`` is empty where it was not read."""

    name: str
    status: Literal["ok", "failed"]
    reason: Reason | None
    detail: str
    fix: Fix
    platform: str | None
    labels: Mapping[str, str]
    taken_at: str | None
    last_success_at: str | None
    facts: Mapping[str, Any]


class ImageInFleet(TypedDict):
    """Who runs or plans an image."""

    reference: str
    offered: list[str]
    digests: list[str]
    findings: list[Finding]


class ImageOutlook(TypedDict):
    """What would become of one image; ``judged`` is the finding that decides."""

    image: str
    outlook: Outlook
    why: str
    hosts: list[str]
    workloads: int
    judged: Finding | None


class Instead(TypedDict):
    """What may be deployed instead: a tag with its digest, or other hosts; ``looked_at`` counts the tags tried."""

    tag: str | None
    pin: str | None
    looked_at: int
    hosts: list[str]
    changes: Mapping[str, str]


Outlook = Literal["blocked", "unknown", "labelled", "degraded", "emulated", "ready"]
"""What would become of an image there, what blocks first."""


class Override(TypedDict):
    """Who answers for which deployments, until when."""

    id: str
    owner: str
    reason: str
    until: str
    image: str
    host: str


class Overrides(TypedDict):
    """All that are in force."""

    overrides: list[Override]


class Readiness(TypedDict):
    """Every image of the latest report on a host of the target."""

    schema: Literal["archscan/readiness/v1"]
    target: str
    scan: ReadyScan
    judged: bool
    summary: ReadyCounts
    unread_hosts: list[str]
    by_team: list[Tally]
    by_registry: list[Tally]
    images: list[ImageOutlook]


class ReadyCounts(TypedDict):
    """How many images have which outlook."""

    blocked: int
    unknown: int
    labelled: int
    degraded: int
    emulated: int
    ready: int


class ReadyScan(TypedDict):
    """Which scan it rests on."""

    id: str
    finished_at: str


Reason = str
"""Why a verdict has the status it has; or why a fact could not be had."""


class Report(TypedDict):
    """A whole report (``archscan/v1``)."""

    schema: Literal["archscan/v1"]
    scan: Scan
    summary: Summary
    hosts: list[Host]
    findings: list[Finding]


class RequestedScan(TypedDict):
    """A scan that was asked for; ``joined`` tells that one of the same hosts was under way."""

    id: str
    state: ScanState
    joined: bool
    hosts: list[str]
    done: int
    total: int
    detail: str
    requested_by: str
    requested_at: str
    started_at: str | None
    finished_at: str | None


class Scan(TypedDict):
    """Which scan a report is of; ``complete`` is false where it ended before every host had its reading."""

    id: str
    started_at: str
    finished_at: str
    complete: bool


ScanState = Literal["waiting", "running", "done", "failed"]
"""How far a requested scan is."""


Source = str
"""What said that a workload exists."""


Stage = Literal["running", "stopped", "planned"]
"""Where a workload stands in its life."""


Status = Literal["ok", "emulated", "degraded", "unknown", "mismatch", "broken"]
"""How a workload fares on its host, best first."""


class Summary(TypedDict):
    """Counts; the six statuses add up to ``workloads``."""

    hosts: int
    workloads: int
    ok: int
    emulated: int
    degraded: int
    unknown: int
    mismatch: int
    broken: int


class TrailEntries(TypedDict):
    """Entries in their order; ``next`` is where the following ones start, null behind the last."""

    size: int
    next: int | None
    entries: list[TrailEntry]


class TrailEntry(TypedDict):
    """One entry; one that is not archscan's shows its ``bytes`` in base64 only."""

    index: int
    event: NotRequired[str]
    at: NotRequired[str]
    by: NotRequired[str]
    after: NotRequired[int]
    about: NotRequired[Mapping[str, Any]]
    bytes: NotRequired[str]


class TrailPlace(TypedDict):
    """Where the trail tells of a decision."""

    decision: str
    entry: int


class TrailState(TypedDict):
    """Whose log it is, how far it has come; ``failure`` says why it cannot be written."""

    origin: str | None
    key: str | None
    size: int
    root: str
    checkpoint: str
    failure: str | None


WaiverOrigin = Literal["config", "api"]
"""Who can end a waiver: whoever writes the configuration file, or whoever may use the API."""


class Waivers(TypedDict):
    """All that are in force."""

    waivers: list[Waiver]


class Ruling(Finding):
    """A finding with what was decided of it, because of which setting; ``override`` is who answers for it."""

    decision: NotRequired[Decision]
    because: NotRequired[str]
    override: NotRequired[str | None]
    instead: NotRequired[Instead | None]


class Tally(ReadyCounts):
    """The same of one team or registry."""

    name: str


class Waiver(Override):
    """Who answers for which findings, until when."""

    workload: str
    finding_reason: str
    origin: WaiverOrigin


class AddedWaiver(Waiver):
    """One that was added; ``covered`` counts the findings of the latest report that it is for, ``ok`` ones left out."""

    covered: int | None
