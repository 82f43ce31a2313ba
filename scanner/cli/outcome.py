"""Exit codes, the same for every command."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import Status, leaves_incomplete

if TYPE_CHECKING:
    from collections.abc import Container

    from scanner.domain.decision import Decision
    from scanner.domain.report import Report


class Exit(IntEnum):
    """What a pipeline reads."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3


class FailOn(StrEnum):
    """The least status that makes a command fail; ``mismatch`` includes ``broken``."""

    MISMATCH = "mismatch"
    DEGRADED = "degraded"
    EMULATED = "emulated"
    NEVER = "never"


_FAILING = {
    FailOn.NEVER: frozenset[Status](),
    FailOn.MISMATCH: frozenset({Status.MISMATCH, Status.BROKEN}),
    FailOn.DEGRADED: frozenset({Status.MISMATCH, Status.BROKEN, Status.DEGRADED}),
    FailOn.EMULATED: frozenset({Status.MISMATCH, Status.BROKEN, Status.DEGRADED, Status.EMULATED}),
}


def exit_code(
    report: Report,
    fail_on: FailOn,
    decision: Decision | None = None,
    overridden: Container[int] = (),
    *,
    counts_waived: bool = False,
) -> Exit:
    """Findings outrank what is unknown; nothing known is never success.

    A ``decision`` counts too: the gate's settings may be stricter than ``fail_on``, and a pipeline reads only this code.
    The findings at the places ``overridden`` do not, nor that their hosts were not read: somebody answers for them. So
    does somebody for those that are waived, unless ``counts_waived``: where one was asked about by its name.
    """
    from scanner.domain.decision import Decision
    from scanner.domain.failure import Failure

    denied = decision is Decision.DENY and fail_on is not FailOn.NEVER
    counted = [
        finding
        for at, finding in enumerate(report.findings)
        if at not in overridden and (counts_waived or finding.waived_until is None)
    ]
    if denied or any(finding.verdict.status in _FAILING[fail_on] for finding in counted):
        return Exit.FINDINGS
    answered_for = {finding.workload.host for at, finding in enumerate(report.findings) if at in overridden}
    unread = any(isinstance(host.reading, Failure) and host.name not in answered_for for host in report.hosts)
    failed = decision is Decision.HOLD or not report.hosts or unread
    if failed or not report.complete or any(leaves_incomplete(found.verdict.reason) for found in counted):
        return Exit.INCOMPLETE
    return Exit.OK
