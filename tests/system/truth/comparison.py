"""Each kind of image as it was judged before it ran, what became of it, how it was judged then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.real.lenient import LenientRegistry
from tests.system.truth.build import Kind
from tests.system.truth.outcomes import Outcome, name_of
from tests.system.truth.scanning import Scanner

STARTS = frozenset({"ok", "emulated", "degraded"})
FAILS = frozenset({"mismatch", "broken"})


@dataclass(frozen=True)
class Case:
    """One kind; ``container`` is ``None`` where the engine refused to make one."""

    planned: Mapping[str, Any]
    outcome: Outcome
    container: Mapping[str, Any] | None

    def disagreement(self, finding: Mapping[str, Any]) -> str:
        """Where a verdict contradicts what really happened; an unknown one contradicts nothing."""
        claims = {**dict.fromkeys(STARTS, True), **dict.fromkeys(FAILS, False)}.get(finding["status"])
        if claims is None or claims == self.outcome.started:
            return ""
        return f"{finding['status']} ({finding['reason']}: {finding['detail']}), but it {self.outcome}"


def compare(
    kinds: Sequence[Kind],
    registry: LenientRegistry,
    scanner: Scanner,
    run: Callable[[Mapping[str, str]], Mapping[str, Outcome]],
) -> dict[str, Case]:
    """Push all, judge them as planned, run them, judge their containers: two scans in all."""
    references = {kind.id: registry.push(kind.repository, "1", kind.made()) for kind in kinds}
    planned = scanner.scan(list(references.values()))
    outcomes = run(references)
    containers = scanner.scan()
    return {
        kind.id: Case(planned[references[kind.id]], outcomes[kind.id], containers.get(name_of(kind.id)))
        for kind in kinds
    }
