"""Schemas of the answers, for the description of the API, from which the client's types are made.

Endpoints make their documents in the rooms below; tests hold every answer against these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes no other before Python 3.12

from scanner.domain.decision import Decision
from scanner.domain.facts import Source, Stage
from scanner.domain.readiness import Outlook
from scanner.domain.verdict.reason import Reason, Status
from scanner.domain.waiver import WaiverOrigin
from scanner.service.scan_queue import ScanState

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339 in UTC, to the millisecond."""

PlatformName = str
"""As it is written after ``--platform``: linux/arm/v7."""

Json = Mapping[str, Any]
"""An object whose members depend on what it tells of."""

# ---------------------------------------------------------------- archscan/v1


class Scan(TypedDict):
    """Which scan a report is of; ``complete`` is false where it ended before every host had its reading."""

    id: str
    started_at: Moment
    finished_at: Moment
    complete: bool


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


class Fix(TypedDict):
    """What is to be done: a sentence, then commands in their order."""

    summary: str
    commands: list[str]


class Evidence(TypedDict):
    """What one layer of evidence says."""

    layer: str
    says: str


class BuiltFrom(TypedDict):
    """What an image's own labels say it was built from."""

    repository: str
    revision: str


class HostBrief(TypedDict):
    """One host without its facts; ``reason`` says why there are none."""

    name: str
    status: Literal["ok", "failed"]
    reason: Reason | None
    detail: str
    fix: Fix
    platform: PlatformName | None
    labels: Mapping[str, str]
    taken_at: Moment | None
    last_success_at: Moment | None


class Host(HostBrief):
    """One host; ``facts`` is empty where it was not read."""

    facts: Json


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
    pinned: PlatformName | None
    pinned_at: str | None
    host_platform: PlatformName | None
    offered: list[PlatformName]
    evidence: list[Evidence]
    fix: Fix
    first_seen: Moment | None
    last_seen: Moment | None
    waived_until: Moment | None
    team: str | None
    built_from: BuiltFrom | None


class Report(TypedDict):
    """A whole report (``archscan/v1``)."""

    schema: Literal["archscan/v1"]
    scan: Scan
    summary: Summary
    hosts: list[Host]
    findings: list[Finding]


class HostPage(TypedDict):
    """Hosts by name; ``next_cursor`` asks for those that follow, null behind the last."""

    schema: Literal["archscan/v1"]
    scan: Scan
    total: int
    next_cursor: str | None
    hosts: list[HostBrief]


class HostWithFindings(Host):
    """One host with its judged workloads."""

    findings: list[Finding]


class FindingPage(TypedDict):
    """Findings in the order of the report; ``next_cursor`` asks for those that follow, null behind the last."""

    schema: Literal["archscan/v1"]
    scan: Scan
    summary: Summary
    total: int
    next_offset: int | None
    next_cursor: str | None
    findings: list[Finding]


class ImageInFleet(TypedDict):
    """Who runs or plans an image."""

    reference: str
    offered: list[PlatformName]
    digests: list[str]
    findings: list[Finding]


class Target(TypedDict):
    """A target of Prometheus' http_sd_config."""

    targets: list[str]
    labels: Mapping[str, str]


# ---------------------------------------------------------------- scans, probes


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
    requested_at: Moment
    started_at: Moment | None
    finished_at: Moment | None


class ProbeLog(TypedDict):
    """One answered ``/probe``."""

    id: int
    target: str
    at: Moment
    success: bool
    duration_seconds: float


class Received(TypedDict):
    """An answer that a host pushed."""

    host: str
    received_at: Moment


# ---------------------------------------------------------------- the gate


class Instead(TypedDict):
    """What may be deployed instead: a tag with its digest, or other hosts; ``looked_at`` counts the tags tried."""

    tag: str | None
    pin: str | None
    looked_at: int
    hosts: list[str]
    changes: Mapping[str, str]


class Ruling(Finding):
    """A finding with what was decided of it, because of which setting; ``override`` is who answers for it."""

    decision: NotRequired[Decision]
    because: NotRequired[str]
    override: NotRequired[str | None]
    instead: NotRequired[Instead | None]


class TrailPlace(TypedDict):
    """Where the trail tells of a decision."""

    decision: str
    entry: int


class Override(TypedDict):
    """Who answers for which deployments, until when."""

    id: str
    owner: str
    reason: str
    until: Moment
    image: str
    host: str


class Checked(TypedDict):
    """The gate's answer (``archscan/v1``); ``pins`` are references by the digest that was judged.

    ``because`` says what holds beside the findings, ``overrides`` who answers for those that name one.
    """

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


class Waiver(TypedDict):
    """Who answers for which findings, until when."""

    id: str
    owner: str
    reason: str
    until: Moment
    host: str
    image: str
    workload: str
    finding_reason: str
    origin: WaiverOrigin


class AddedWaiver(Waiver):
    """One that was added; ``covered`` counts the findings of the latest report that it is for, ``ok`` ones left out."""

    covered: int | None


class Waivers(TypedDict):
    """All that are in force."""

    waivers: list[Waiver]


class Overrides(TypedDict):
    """All that are in force."""

    overrides: list[Override]


class Explanation(TypedDict):
    """What a phrase of a log means."""

    reason: Reason
    status: Status
    phrase: str
    cause: str
    said_by: str
    confirm: list[str]
    fix: Fix


class Explanations(TypedDict):
    """What a log means; ``instead`` is there where it is known to be about something else."""

    explanations: list[Explanation]
    instead: NotRequired[str]


class AdmissionReview(TypedDict):
    """Kubernetes' own (admission.k8s.io/v1)."""

    apiVersion: Literal["admission.k8s.io/v1"]
    kind: Literal["AdmissionReview"]
    response: Json


# ---------------------------------------------------------------- readiness


class ReadyCounts(TypedDict):
    """How many images have which outlook."""

    blocked: int
    unknown: int
    labelled: int
    degraded: int
    emulated: int
    ready: int


class Tally(ReadyCounts):
    """The same of one team or registry."""

    name: str


class ImageOutlook(TypedDict):
    """What would become of one image; ``judged`` is the finding that decides."""

    image: str
    outlook: Outlook
    why: str
    hosts: list[str]
    workloads: int
    judged: Finding | None


class ReadyScan(TypedDict):
    """Which scan it rests on."""

    id: str
    finished_at: Moment


class Readiness(TypedDict):
    """Every image of the latest report on a host of the target."""

    schema: Literal["archscan/readiness/v1"]
    target: PlatformName
    scan: ReadyScan
    judged: bool
    summary: ReadyCounts
    unread_hosts: list[str]
    by_team: list[Tally]
    by_registry: list[Tally]
    images: list[ImageOutlook]
