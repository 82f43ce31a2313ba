"""May it go: one decision from a report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from scanner.domain.facts import Failure
from scanner.domain.verdict.reason import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.domain.report import Report
    from scanner.domain.verdict.verdict import Verdict


class Decision(StrEnum):
    """What a deploy pipeline is told, best first."""

    ALLOW = "allow"
    WARN = "warn"
    HOLD = "hold"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Policy:
    """What becomes of images that start, but not as they should.

    ``early_stop`` is for what starts by evidence of a layer that was not read to its end.
    """

    emulated: Decision = Decision.WARN
    degraded: Decision = Decision.WARN
    early_stop: Decision = Decision.ALLOW

    def of(self, verdict: Verdict) -> Decision:
        """The decision for one finding."""
        decided = self._by_status(verdict.status)
        return worst([decided, self.early_stop]) if verdict.rests_on_part else decided

    def _by_status(self, status: Status) -> Decision:
        match status:
            case Status.OK:
                return Decision.ALLOW
            case Status.EMULATED:
                return self.emulated
            case Status.DEGRADED:
                return self.degraded
            case Status.MISMATCH | Status.BROKEN:
                return Decision.DENY
            case Status.UNKNOWN:
                return Decision.HOLD


def decide(report: Report, policy: Policy | None = None) -> Decision:
    """The worst of all findings; no findings, or a host that was not read, is no reason to go ahead."""
    policy = policy or Policy()
    found = [policy.of(finding.verdict) for finding in report.findings]
    if not found or not report.complete or any(isinstance(host.reading, Failure) for host in report.hosts):
        found.append(Decision.HOLD)
    return worst(found)


def worst(decisions: Iterable[Decision]) -> Decision:
    """The worst decision, deny before hold before warn."""
    return max(decisions, key=list(Decision).index)
