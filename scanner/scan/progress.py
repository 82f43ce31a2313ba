"""How far the judgement of one host's workloads is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.verdict.engine import answers_for, engine_of
from scanner.domain.verdict.reason import Status
from scanner.scan.unknown import unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scanner.domain.facts import HostFacts, Workload
    from scanner.domain.verdict.verdict import Verdict
    from scanner.scan.judgements import Judgement

_STARTS = frozenset({Status.OK, Status.EMULATED, Status.DEGRADED})


class Progress:
    """A verdict beside each workload, ``None`` as long as there is none."""

    __slots__ = ("facts", "judgements", "made", "workloads")

    def __init__(self, facts: HostFacts, workloads: Sequence[Workload]) -> None:
        self.facts, self.workloads = facts, workloads
        self.made: list[Verdict | None] = [None] * len(workloads)
        self.judgements: list[Judgement] = []

    def verdicts(self, missing: Failure | None = None) -> Iterator[tuple[Workload, Verdict]]:
        """Each workload with its verdict; where that is not made it is unknown for the reason given."""
        for workload, verdict in zip(self.workloads, self.made, strict=True):
            if verdict is not None:
                yield workload, verdict
            elif missing is not None:
                yield workload, unknown(workload, missing)

    def doubted(self, missing: Failure | None = None) -> list[tuple[Workload, Verdict]]:
        """The same, as far as an engine that left something out is believed."""
        return [(workload, _doubted(self.facts, workload, verdict)) for workload, verdict in self.verdicts(missing)]


def _doubted(facts: HostFacts, workload: Workload, verdict: Verdict) -> Verdict:
    """No engine that left something out is believed that a workload starts: what it left out may be why it does not."""
    if not facts.gaps or verdict.status not in _STARTS:
        return verdict
    engine = engine_of(facts, workload)
    gap = None if isinstance(engine, Failure) or answers_for(engine, workload) else facts.gaps.get(engine.key)
    return unknown(workload, gap) if gap else verdict
