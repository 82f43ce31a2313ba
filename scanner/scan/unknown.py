"""The verdict of a workload of which something is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.verdict import remedy
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from scanner.domain.verdict.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scanner.domain.facts import Workload
    from scanner.domain.platform.platform import Platform


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


def built_for_others(workloads: Iterable[Workload], platform: Platform | None) -> Iterator[tuple[Workload, Verdict]]:
    """Plans whose images are built where they run, for another platform than that host's: no registry can be asked."""
    for workload in workloads:
        pinned = workload.pinned if workload.build_only else None
        if pinned and platform and (pinned.os, pinned.architecture) != (platform.os, platform.architecture):
            said = f"it is built where it runs, for {pinned}, and this host is {platform}"
            yield workload, unknown(workload, Failure(Reason.IMAGE_LOCAL_ONLY, said))
