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


class Decision(StrEnum):
    """What a deploy pipeline is told, best first."""

    ALLOW = "allow"
    WARN = "warn"
    HOLD = "hold"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Policy:
    """What becomes of images that start, but not as they should."""

    emulated: Decision = Decision.WARN
    degraded: Decision = Decision.WARN

    def of(self, status: Status) -> Decision:
        """The decision for one finding."""
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
    found = [policy.of(finding.verdict.status) for finding in report.findings]
    if not found or not report.complete or any(isinstance(host.reading, Failure) for host in report.hosts):
        found.append(Decision.HOLD)
    return worst(found)


def worst(decisions: Iterable[Decision]) -> Decision:
    """The worst decision, deny before hold before warn."""
    return max(decisions, key=list(Decision).index)
