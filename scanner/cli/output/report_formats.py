"""A report for other programs: JUnit, SARIF, CSV, Markdown; hosts that were not read are in each."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

from scanner.domain.failure import Failure
from scanner.domain.report_json import finding_document, moment_for_people
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from scanner.domain.verdict.reason_catalogue import MEANING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.domain.decision import Decision
    from scanner.domain.facts import Workload
    from scanner.domain.report import Finding, HostReading, Report
    from scanner.domain.verdict.verdict import Fix


def unread(report: Report) -> tuple[tuple[HostReading, Failure], ...]:
    """The hosts that were not read, with why."""
    return tuple((host, host.reading) for host in report.hosts if isinstance(host.reading, Failure))


def _is_waived(finding: Finding) -> bool:
    """Whether somebody answers for something that is not ok."""
    return finding.waived_until is not None and finding.verdict.status is not Status.OK


def _waived(finding: Finding) -> str:
    """Until when somebody does; empty where nobody does."""
    return f"waived until {moment_for_people(finding.waived_until)}" if finding.waived_until is not None else ""


def _words(detail: str, fix: Fix) -> str:
    return "\n".join(filter(None, [detail, fix.summary, *fix.commands]))


# ---------------------------------------------------------------- JUnit


def junit(report: Report) -> str:
    """One test case per workload: failures for what will not start, errors for what is not known, unread hosts among that.

    What somebody answers for is skipped, with until when.
    """
    hosts = unread(report)
    counts = Counter(finding.verdict.status for finding in report.findings if not _is_waived(finding))
    suites = Element("testsuites", name="archscan")
    suite = SubElement(
        suites,
        "testsuite",
        name="archscan",
        tests=str(len(report.findings) + len(hosts)),
        failures=str(counts[Status.MISMATCH] + counts[Status.BROKEN]),
        errors=str(counts[Status.UNKNOWN] + len(hosts)),
        skipped=str(sum(map(_is_waived, report.findings))),
        time=f"{report.finished_at - report.started_at:.3f}",
    )
    for host, failure in hosts:
        case = SubElement(suite, "testcase", classname=host.name, name="the host is read")
        error = SubElement(case, "error", type=failure.reason, message=failure.detail)
        error.text = _words(failure.detail, host.fix)
    for finding in report.findings:
        _case(suite, finding)
    return tostring(suites, encoding="unicode", xml_declaration=True)


def _case(suite: Element, finding: Finding) -> None:
    workload, verdict = finding.workload, finding.verdict
    case = SubElement(suite, "testcase", classname=workload.host, name=f"{workload.name} ({workload.image})")
    text = _words(verdict.detail, verdict.fix)
    if _is_waived(finding):
        said = f"{_waived(finding)}: {verdict.status} {verdict.reason} {verdict.detail}".strip()
        SubElement(case, "skipped", message=said).text = text
    elif verdict.status in {Status.MISMATCH, Status.BROKEN}:
        SubElement(case, "failure", type=verdict.reason, message=verdict.detail).text = text
    elif verdict.status is Status.UNKNOWN:
        SubElement(case, "error", type=verdict.reason, message=verdict.detail).text = text
    elif verdict.status is not Status.OK:
        SubElement(case, "system-out").text = f"{verdict.status}: {text}"


# ---------------------------------------------------------------- SARIF


DOCUMENTATION = "https://github.com/archscan/archscan/blob/main/docs"
"""Where each reason has its place."""

FINGERPRINT = "archscan/v1"
"""A kind of fingerprint with its version, as consumers of SARIF tell them apart."""

_LEVELS = {
    Status.MISMATCH: "error",
    Status.BROKEN: "error",
    Status.UNKNOWN: "warning",
    Status.DEGRADED: "warning",
    Status.EMULATED: "note",
}


def sarif(report: Report) -> dict[str, object]:
    """SARIF 2.1.0 (OASIS), one result per finding that is not ok, the image as artifact; what was not read is a notification.

    What is waived is suppressed. A result's fingerprint stays the same from scan to scan, so that an alert does.
    """
    found = [finding for finding in report.findings if finding.verdict.status is not Status.OK]
    rules = sorted({finding.verdict.reason for finding in found})
    notices = sorted({failure.reason for _, failure in unread(report)})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "archscan",
                        "informationUri": DOCUMENTATION,
                        "rules": [_rule(reason) for reason in rules],
                        "notifications": [_rule(reason) for reason in notices],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": report.complete and not notices,
                        "toolExecutionNotifications": [_notification(*one) for one in unread(report)],
                    }
                ],
                "results": [_result(finding) for finding in found],
            }
        ],
    }


def _rule(reason: Reason) -> dict[str, object]:
    """What a reason means, where more is said of it."""
    address = f"{DOCUMENTATION}/reasons.md#{reason}"
    return {
        "id": str(reason),
        "shortDescription": {"text": MEANING[reason]},
        "fullDescription": {"text": MEANING[reason]},
        "help": {"text": f"{MEANING[reason]} What mends it: {address}"},
        "helpUri": address,
        "defaultConfiguration": {"level": _LEVELS[STATUS_OF[reason]]},
    }


def _notification(host: HostReading, failure: Failure) -> dict[str, object]:
    says = f"{host.name} was not read: {failure.detail or failure.reason} {host.fix.summary}".strip()
    return {
        "descriptor": {"id": str(failure.reason)},
        "level": "error",
        "message": {"text": says},
        "locations": [{"logicalLocations": [{"fullyQualifiedName": host.name}]}],
    }


def _result(finding: Finding) -> dict[str, object]:
    workload, verdict = finding.workload, finding.verdict
    says = f"{workload.name} on {workload.host}: {verdict.detail} {verdict.fix.summary}".strip()
    waiver = {"kind": "external", "status": "accepted", "justification": _waived(finding)}
    return {
        "ruleId": str(verdict.reason),
        "level": _LEVELS[verdict.status],
        "partialFingerprints": {FINGERPRINT: _fingerprint(finding)},
        "suppressions": [waiver] if _is_waived(finding) else [],
        "message": {"text": says},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": _uri(workload)}},
                "logicalLocations": [{"fullyQualifiedName": f"{workload.host}/{workload.name}"}],
            }
        ],
    }


def _fingerprint(finding: Finding) -> str:
    """What stays the same of a finding for as long as it is the same finding, whatever is said of it."""
    known = "\0".join((*finding.key, str(finding.verdict.reason)))
    return hashlib.sha256(known.encode("utf-8", "surrogatepass")).hexdigest()


def _uri(workload: Workload) -> str:
    """The image as a relative address: GitHub refuses a whole file in which ``nginx:1`` reads as an address of the scheme ``nginx``."""
    is_image = not isinstance(workload.reference, Failure)
    return quote(workload.image or workload.host, safe="/@._~-" if is_image else "")


# ---------------------------------------------------------------- CSV


COLUMNS = (
    "host", "workload", "source", "stage", "image", "digest", "status", "reason", "detail", "pinned", "pinned_at",
    "host_platform", "offered", "fix", "commands", "first_seen", "waived_until",
)  # fmt: skip
"""As in the JSON document."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How spreadsheets tell a formula; names come from hosts (CWE-1236)."""


def csv_rows(report: Report) -> str:
    """A row for each workload, one of status ``unknown`` for each host that was not read (RFC 4180)."""
    text = io.StringIO()
    rows = csv.DictWriter(text, COLUMNS, extrasaction="ignore")
    rows.writeheader()
    for row in (*_unread_rows(report), *map(_row, report.findings)):
        rows.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue()


def _unread_rows(report: Report) -> Iterator[dict[str, object]]:
    for host, failure in unread(report):
        yield {
            "host": host.name,
            "status": str(Status.UNKNOWN),
            "reason": str(failure.reason),
            "detail": failure.detail,
            "fix": host.fix.summary,
            "commands": "\n".join(host.fix.commands),
        }


def _row(finding: Finding) -> dict[str, object]:
    fix = finding.verdict.fix
    offered = " ".join(map(str, finding.verdict.offered))
    return finding_document(finding, None) | {
        "offered": offered,
        "fix": fix.summary,
        "commands": "\n".join(fix.commands),
    }


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


# ---------------------------------------------------------------- Markdown


def markdown(report: Report, decision: Decision | None) -> str:
    """For a comment on a change: a table of what is not ok, then what is to be typed."""
    lines = [f"**archscan**: {decision}" if decision else "**archscan**", ""]
    rows = [("error", host.name, "", "", failure.reason, failure.detail, host.fix) for host, failure in unread(report)]
    rows += [
        (
            f.verdict.status,
            f.workload.host,
            f.workload.name,
            f.workload.image,
            f.verdict.reason,
            " ".join(filter(None, (f.verdict.detail, f"({_waived(f)})" if _is_waived(f) else ""))),
            f.verdict.fix,
        )
        for f in report.findings
        if f.verdict.status is not Status.OK
    ]
    if not rows:
        return "\n".join([*lines, f"{len(report.findings)} workloads, all of them ok.", ""])
    lines += ["| | status | host | workload | image | reason | detail |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for number, row in enumerate(rows, 1):
        lines.append("| " + " | ".join([str(number), *(in_table(str(cell)) for cell in row[:-1])]) + " |")
    for number, row in enumerate(rows, 1):
        fix = row[-1]
        if fix.summary:
            lines += ["", f"{number}. {in_table(fix.summary)}"]
        if fix.commands:
            lines += ["", "   ```sh", *(f"   {command.replace('```', '')}" for command in fix.commands), "   ```"]
    return "\n".join([*lines, ""])


_MARKUP = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>#|!~"})


def in_table(text: str) -> str:
    """A name as text: a stranger's may hold markup."""
    return " ".join(text.split()).translate(_MARKUP)
