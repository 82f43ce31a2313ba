"""Exit codes, the same for every command."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import Status, leaves_incomplete

if TYPE_CHECKING:
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


def exit_code(report: Report, fail_on: FailOn, decision: Decision | None = None) -> Exit:
    """Findings outrank what is unknown; nothing known is never success.

    A ``decision`` counts too: the gate's settings may be stricter than ``fail_on``, and a pipeline reads only this code.
    """
    from scanner.domain.decision import Decision
    from scanner.domain.failure import Failure

    denied = decision is Decision.DENY and fail_on is not FailOn.NEVER
    if denied or any(finding.verdict.status in _FAILING[fail_on] for finding in report.findings):
        return Exit.FINDINGS
    failed = (
        decision is Decision.HOLD or not report.hosts or any(isinstance(host.reading, Failure) for host in report.hosts)
    )
    if failed or not report.complete or any(leaves_incomplete(found.verdict.reason) for found in report.findings):
        return Exit.INCOMPLETE
    return Exit.OK
