"""The gate's answer read back from its document, as a server sent it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from scanner.domain import report_reading
from scanner.domain.decision import Decision, Ruling
from scanner.domain.instead import Instead
from scanner.domain.override import Override
from scanner.service.answers import Checked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.report import Finding


def checked_of(answer: Mapping[str, Any]) -> Checked:
    """The answer that a document shows; of a host's facts only its kernel is kept.

    Raises:
        ValueError, KeyError, TypeError: it is no such document.
    """
    report = report_reading.report_of(answer)
    overrides = {row["id"]: override_of(row) for row in answer.get("overrides", ())}
    rows = list(zip(answer["findings"], report.findings, strict=True))
    rulings = tuple(_ruling(row, finding, overrides) for row, finding in rows if "decision" in row)
    alternatives = (_instead(row, finding) for row, finding in rows if row.get("instead"))
    place = answer.get("trail")
    return Checked(
        report,
        report_reading.decision_of(answer),
        answer.get("decision_id") or "",
        place["entry"] if place else None,
        rulings,
        answer.get("pins") or {},
        {(one.image, one.host): one for one in alternatives},
        report_reading.overridden_of(answer),
    )


def _ruling(row: Mapping[str, Any], finding: Finding, overrides: Mapping[str, Override]) -> Ruling:
    found = overrides.get(
        row["override"] or ""
    )  # an older server names them in the rows alone: ``overridden`` has those
    return Ruling(finding, Decision(row["decision"]), str(row["because"]), found)


def _instead(row: Mapping[str, Any], finding: Finding) -> Instead:
    told = row["instead"]
    hosts = tuple(map(str, told["hosts"]))
    workload = finding.workload
    return Instead(workload.image, workload.host, told["tag"] or "", told["pin"] or "", int(told["looked_at"]), hosts)


def override_of(row: Mapping[str, Any]) -> Override:
    """Who answers for what, as a document shows it.

    Raises:
        ValueError, KeyError, TypeError: it shows none.
    """
    until = datetime.fromisoformat(row["until"]).timestamp()
    owner, reason, image, host = (str(row[name]) for name in ("owner", "reason", "image", "host"))
    return Override(str(row["id"]), owner, reason, until, image, host)
