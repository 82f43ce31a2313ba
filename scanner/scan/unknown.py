"""The verdict of a workload of which something is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.verdict import remedy
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from scanner.domain.verdict.verdict import Verdict

if TYPE_CHECKING:
    from scanner.domain.facts import Workload
    from scanner.domain.failure import Failure


def unknown(workload: Workload, failure: Failure) -> Verdict:
    """The failure as a verdict; one whose reason proves something has no place here."""
    reason = failure.reason if STATUS_OF[failure.reason] is Status.UNKNOWN else Reason.PART_INCOMPLETE
    trouble = remedy.Trouble(
        workload.host,
        workload.image,
        path=failure.path,
        workload=workload,
        failure=failure,
        reference=workload.reference,
    )
    fix = remedy.fix(reason, trouble)
    return Verdict(reason, failure.detail, fix=fix, failure=failure if failure.concerns else None)
