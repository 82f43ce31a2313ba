"""The pod behind a workload that is called after its owner."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.domain.facts import Source
from scanner.domain.verdict.reason import Status

if TYPE_CHECKING:
    from scanner.domain.facts import Workload
    from scanner.domain.verdict.verdict import Verdict


def with_pod(verdict: Verdict, workload: Workload) -> Verdict:
    """The verdict that names the pod where the workload's own name does not; nobody looks for the pod of what is right."""
    maker = workload.maker
    if maker is None or maker.kind is not Source.KUBERNETES or verdict.status is Status.OK:
        return verdict
    if maker.name in workload.name.split("/"):
        return verdict
    return replace(verdict, detail=f"{verdict.detail} (pod {maker.name})".strip())
