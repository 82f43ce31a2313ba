"""The gate's answer as the JSON document of a report, with what was decided of each finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.domain.report_json import finding_document, head_document, host_document, moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.domain.decision import Ruling
    from scanner.domain.override import Override
    from scanner.service.answers import Checked


def document(checked: Checked) -> dict[str, Any]:
    """The schema of a report, with the decision's id and the references that it is about."""
    return head(checked) | {name: list(found) for name, found in rows(checked).items()}


def head(checked: Checked) -> dict[str, Any]:
    """What stands in front of the two long lists.

    ``pins`` are references by the digest that was judged, by image as it was written: what is pulled by them is what was
    judged, whatever became of the tag.
    """
    made = head_document(checked.report, checked.decision)
    made |= {"decision_id": checked.id or None, "pins": dict(checked.pins)}
    if checked.trail_index is not None:
        made["trail"] = {"decision": checked.id, "entry": checked.trail_index}
    return made


def rows(checked: Checked) -> dict[str, Iterator[dict[str, Any]]]:
    """The two long lists by name, each finding with what was decided of it."""
    plain = (finding_document(finding) for finding in checked.report.findings)
    ruled = (ruling_document(ruling) for ruling in checked.rulings)
    hosts = (host_document(host) for host in checked.report.hosts)
    return {"hosts": hosts, "findings": ruled if checked.rulings else plain}


def ruling_document(ruling: Ruling) -> dict[str, Any]:
    """A judged workload with what was decided of it, because of which setting or override."""
    made = finding_document(ruling.finding)
    made |= {"decision": str(ruling.decision), "because": ruling.because}
    return made | {"override": ruling.override.id if ruling.override else None}


def override_document(override: Override) -> dict[str, Any]:
    """Who answers for what, until when."""
    return {
        "id": override.id,
        "owner": override.owner,
        "reason": override.reason,
        "until": moment(override.until),
        "image": override.image,
        "host": override.host,
    }
