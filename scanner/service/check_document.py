"""The gate's answer as the JSON document of a report, with what was decided of each finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.domain.decision import Decision
from scanner.domain.failure import Failure
from scanner.domain.instead import changes
from scanner.domain.report_json import finding_document, head_document, host_document, moment
from scanner.domain.text import printable

MAX_LINE_CHARS = 2000
"""Of what somebody reads on a terminal."""

NOTHING = "what was asked about names no image that goes there (profiles wait to be chosen, plans say their nodes)"
"""Why an answer may have no finding."""

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.domain.decision import Ruling
    from scanner.domain.instead import Instead
    from scanner.domain.override import Override
    from scanner.service.answers import Checked


def document(checked: Checked) -> dict[str, Any]:
    """The schema of a report, with the decision's id and the references that it is about."""
    return head(checked) | {name: list(found) for name, found in rows(checked).items()}


def head(checked: Checked) -> dict[str, Any]:
    """What stands in front of the two long lists.

    ``pins`` are references by the digest that was judged, by image as it was written: what is pulled by them is what was
    judged, whatever became of the tag. ``because`` is what held beside the findings' own rulings, ``overrides`` who answers
    for those that name one.
    """
    made = head_document(checked.report, checked.decision)
    used = dict.fromkeys(ruling.override for ruling in checked.rulings if ruling.override is not None)
    made |= {"because": list(_unruled(checked)), "decision_id": checked.id or None, "pins": dict(checked.pins)}
    made |= {"overrides": [override_document(one) for one in used]}
    if checked.trail_index is not None:
        made["trail"] = {"decision": checked.id, "entry": checked.trail_index}
    return made


def rows(checked: Checked) -> dict[str, Iterator[dict[str, Any]]]:
    """The two long lists by name, each finding with what was decided of it."""
    at = checked.report.finished_at
    plain = (finding_document(finding, at) for finding in checked.report.findings)
    ruled = (ruling_document(ruling, at, _instead_of(checked, ruling)) for ruling in checked.rulings)
    hosts = (host_document(host) for host in checked.report.hosts)
    return {"hosts": hosts, "findings": ruled if checked.rulings else plain}


def text(checked: Checked) -> str:
    """For scripts without a JSON reader: the references by digest, one a line, where all of it may go, else why not.

    Nothing where one that may go has no digest: no tag that moves passes for what was judged.
    """
    if checked.decision in (Decision.ALLOW, Decision.WARN):
        return "" if unpinned(checked) else "".join(f"{checked.pins[image]}\n" for image in _images(checked))
    lines = [f"{checked.decision} ({checked.id})" if checked.id else str(checked.decision)]
    lines += [f"hold: {why}" for why in _unruled(checked)]
    for ruling in checked.rulings:
        if ruling.decision in (Decision.DENY, Decision.HOLD):
            workload, verdict = ruling.finding.workload, ruling.finding.verdict
            said = f"{ruling.decision}: {workload.image or workload.name} on {workload.host}: {verdict.reason}: {verdict.detail}"
            lines += [said, *filter(None, (ruling.because, verdict.fix.summary)), *verdict.fix.commands]
            lines += instead_lines(_instead_of(checked, ruling))
    return "".join(f"{printable(line, MAX_LINE_CHARS)}\n" for line in lines)


def _unruled(checked: Checked) -> Iterator[str]:
    """Why it holds where that is no ruling on a workload."""
    if not checked.report.findings:
        yield f"nothing was judged: {NOTHING}"
    if not checked.report.complete:
        yield "the time was over before every host was read"
    told = {ruling.finding.workload.host for ruling in checked.rulings if ruling.decision is not Decision.ALLOW}
    for host in checked.report.hosts:
        if isinstance(host.reading, Failure) and host.name not in told:
            yield f"{host.name} was not read: {host.reading.reason}: {host.reading.detail}"


def unpinned(checked: Checked) -> list[str]:
    """The images that were asked about, but whose digest nobody could tell."""
    return [image for image in _images(checked) if image not in checked.pins]


def _images(checked: Checked) -> list[str]:
    """What was asked about, each once, in the order of the answer."""
    found = dict.fromkeys(finding.workload.image for finding in checked.report.findings)
    return [image for image in found if image]


def ruling_document(ruling: Ruling, at: float, instead: Instead | None = None) -> dict[str, Any]:
    """A workload, judged ``at`` a moment, with what was decided of it, because of what, and what to do instead."""
    made = finding_document(ruling.finding, at)
    made |= {"decision": str(ruling.decision), "because": ruling.because}
    made |= {"override": ruling.override.id if ruling.override else None, "instead": None}
    if instead is None:
        return made
    return made | {
        "instead": {
            "tag": instead.tag or None,
            "pin": instead.pin or None,
            "looked_at": instead.looked_at,
            "hosts": list(instead.hosts),
            "changes": changes(ruling.finding),
        }
    }


def instead_lines(instead: Instead | None) -> list[str]:
    """The same in words, a sentence a line."""
    if instead is None:
        return []
    lines = []
    if instead.tag:
        lines.append(f"Instead: {instead.tag} starts there; pinned: {instead.pin or instead.tag}")
    elif instead.looked_at:
        lines.append(f"None of the {instead.looked_at} nearest tags of this repository starts there.")
    if instead.hosts:
        lines.append(f"It fits: {', '.join(instead.hosts)}")
    return lines


def _instead_of(checked: Checked, ruling: Ruling) -> Instead | None:
    workload = ruling.finding.workload
    return checked.instead.get((workload.image, workload.host))


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
