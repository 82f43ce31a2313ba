"""Makes entries of the trail from the house's own values: one function for each kind of entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.domain.verdict.reason import Status
from scanner.store.findings import ChangeKind
from scanner.trail.leaf import Entry, Event, digest, moment
from scanner.trail.report_rows import named, report_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.domain.decision import Decision
    from scanner.domain.facts import Workload
    from scanner.domain.override import Override
    from scanner.domain.report import Report
    from scanner.domain.rollback_record import Rollback
    from scanner.domain.verdict.verdict import Verdict
    from scanner.domain.waiver import Waiver
    from scanner.store.findings import Changes

_EVENTS = {
    ChangeKind.OPENED: Event.FINDING_OPENED,
    ChangeKind.CHANGED: Event.FINDING_CHANGED,
    ChangeKind.CLOSED: Event.FINDING_CLOSED,
}


def scan_started(at: float, by: str, scan: str, hosts: Sequence[str]) -> Entry:
    """A scan of these hosts begins."""
    return Entry(Event.SCAN_STARTED, at, by, {"scan": scan, "hosts": len(hosts), "hosts_digest": digest(sorted(hosts))})


def scan_failed(at: float, by: str, scan: str, detail: str) -> Entry:
    """A scan ended without a report."""
    return Entry(Event.SCAN_FAILED, at, by, {"scan": scan, "detail": detail})


def scan_finished(by: str, made: Changes, said: str) -> list[Entry]:
    """A scan's end with all that it changed: hosts that are other machines, verdicts that came, changed or went.

    Verdicts that are ok stand in the report's digest alone, which is ``said``: they open nothing.
    """
    report = made.report
    at = report.finished_at
    finished = Entry(
        Event.SCAN_FINISHED,
        at,
        by,
        {
            "scan": report.scan_id,
            "complete": report.complete,
            "hosts": len(report.hosts),
            "counts": {str(status): count for status, count in report.counts.items()},
            "report": said,
        },
    )
    moved = [
        Entry(
            Event.ARCHITECTURE_CHANGED,
            at,
            by,
            {"scan": report.scan_id, "host": row["host"], "platform": row["platform"], "before": row["before"]},
        )
        for row in made.known
        if row["before"] is not None
    ]
    changed = [
        Entry(_EVENTS[one.kind], at, by, {"scan": report.scan_id} | _finding(one.workload, one.verdict))
        for one in made.changes
        if one.verdict.status is not Status.OK
    ]
    return [*moved, *changed, finished]


def gate_decided(  # noqa: PLR0913 -- a decision is all of these
    at: float,
    by: str,
    *,
    decision_id: str,
    decision: Decision,
    asked: Mapping[str, Any],
    report: Report | None,
    detail: str = "",
    pins: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> Entry:
    """What the gate answered to what was asked; ``report`` is what it judged, ``detail`` why it did not.

    ``pins`` are the references by digest that were judged, ``overrides`` the ids of those without which it would have
    answered otherwise.
    """
    about: dict[str, Any] = {"decision": str(decision), "id": decision_id, "asked": dict(asked)}
    if detail:
        about["detail"] = detail
    if pins:
        about["pins"] = dict(pins)
    if overrides:
        about["overrides"] = list(overrides)
    if report is not None:
        digests = {f.workload.image: f.verdict.digest for f in report.findings if f.verdict.digest}
        verdicts = [_finding(f.workload, f.verdict) for f in report.findings if f.verdict.status is not Status.OK]
        counts = {str(status): count for status, count in report.counts.items() if count}
        about |= {"digests": digests, "counts": counts, "verdicts": verdicts, "report": report_digest(report)}
    return Entry(Event.GATE_DECIDED, at, by, about)


def waiver_added(at: float, by: str, waiver: Waiver) -> Entry:
    """Somebody answers for findings until a moment."""
    about = {
        "id": waiver.id,
        "owner": waiver.owner,
        "reason": waiver.reason,
        "until": moment(waiver.until),
        "match": {
            "host": waiver.host,
            "image": waiver.image,
            "workload": waiver.workload,
            "reason": waiver.finding_reason,
        },
    }
    return Entry(Event.WAIVER_ADDED, at, by, about)


def waiver_deleted(at: float, by: str, waiver_id: str) -> Entry:
    """A waiver was ended."""
    return Entry(Event.WAIVER_DELETED, at, by, {"id": waiver_id})


def override_added(at: float, by: str, override: Override) -> Entry:
    """Somebody answers for deployments against the gate, until a moment."""
    about = {
        "id": override.id,
        "owner": override.owner,
        "reason": override.reason,
        "until": moment(override.until),
        "match": {"image": override.image, "host": override.host},
    }
    return Entry(Event.OVERRIDE_ADDED, at, by, about)


def override_deleted(at: float, by: str, override_id: str) -> Entry:
    """An override was ended."""
    return Entry(Event.OVERRIDE_DELETED, at, by, {"id": override_id})


def rollback_planned(at: float, by: str, rollback: Rollback) -> Entry:
    """Somebody asked for the way back, and was shown this plan."""
    about = _rollback(rollback) | {
        "commands": list(rollback.commands),
        "touches": list(rollback.touches),
        "cautions": list(rollback.cautions),
        "verdict": rollback.verdict,
        "evidence": list(rollback.evidence),
    }
    return Entry(Event.ROLLBACK_PLANNED, at, by, about)


def rollback_confirmed(at: float, by: str, rollback: Rollback, *, accepted: bool) -> Entry:
    """Somebody confirmed a plan, and ``accepted`` what speaks against it."""
    return Entry(Event.ROLLBACK_CONFIRMED, at, by, _rollback(rollback) | {"cautions_accepted": accepted})


def rollback_step(at: float, by: str, rollback: Rollback, step: str, detail: str) -> Entry:
    """A step is about to be done on the host; ``detail`` is how the host stood before it."""
    return Entry(Event.ROLLBACK_STEP, at, by, _rollback(rollback) | {"step": step, "detail": detail})


def rollback_seen(at: float, by: str, rollback: Rollback, detail: str) -> Entry:
    """A scan shows the workload running with the release of the plan."""
    return Entry(Event.ROLLBACK_SEEN, at, by, _rollback(rollback) | {"detail": detail})


def rollback_ended(at: float, by: str, rollback: Rollback, outcome: str, detail: str) -> Entry:
    """How it ended: in one of the two good states, untouched, or as the agent says and no scan has seen (``unproved``)."""
    return Entry(Event.ROLLBACK_ENDED, at, by, _rollback(rollback) | {"outcome": outcome, "detail": detail})


def reloaded(at: float, by: str, *, successful: bool, detail: str, configuration: str) -> Entry:
    """The configuration was read again; ``configuration`` is the digest of what is in force."""
    about = {"successful": successful, "detail": detail, "configuration": configuration}
    return Entry(Event.CONFIGURATION_RELOADED, at, by, about)


def _rollback(rollback: Rollback) -> dict[str, Any]:
    return {
        "id": rollback.id,
        "host": rollback.host,
        "workload": rollback.workload,
        "from": rollback.from_digest,
        "to": rollback.to_digest,
    }


def _finding(workload: Workload, verdict: Verdict) -> dict[str, Any]:
    return named(workload, verdict) | ({"detail": verdict.detail} if verdict.detail else {})
