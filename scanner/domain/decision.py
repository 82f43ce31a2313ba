"""May it go: one decision from a report."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scanner.domain.override import Override
    from scanner.domain.report import Finding, Report
    from scanner.domain.verdict.verdict import Depth, Verdict


class Decision(StrEnum):
    """What a deploy pipeline is told, best first."""

    ALLOW = "allow"
    WARN = "warn"
    HOLD = "hold"
    DENY = "deny"


STOPS = frozenset({Decision.DENY, Decision.HOLD})
"""With these a deployment does not go on."""

_STARTS = frozenset({Status.OK, Status.EMULATED, Status.DEGRADED})


@dataclass(frozen=True, slots=True)
class Policy:
    """What becomes of images that start, but not as they should.

    ``early_stop`` is for what starts by evidence of a layer that was not read to its end. ``survey`` demands that all
    files of an image were read, ``depth`` the least evidence. ``places`` are the sections of the settings that say so, by
    setting, where that is not ``gate``.
    """

    emulated: Decision = Decision.WARN
    degraded: Decision = Decision.WARN
    early_stop: Decision = Decision.ALLOW
    survey: bool = False
    depth: Depth | None = None
    places: Mapping[str, str] = field(default_factory=dict)

    def of(self, verdict: Verdict) -> Decision:
        """The decision for one verdict."""
        return self.ruled(verdict)[0]

    def ruled(self, verdict: Verdict) -> tuple[Decision, str]:
        """The decision with the setting that made it, empty where the verdict alone did."""
        decided, because = self._by_status(verdict.status)
        asked = (
            (self.early_stop, self._said("early_stop", self.early_stop), verdict.rests_on_part),
            (Decision.HOLD, self._said("survey", "not all files of it were read"), self._lacks_survey(verdict)),
        )
        for decision, setting, applies in asked:
            if applies and worst([decided, decision]) is not decided:
                decided, because = decision, setting
        return decided, because

    def _by_status(self, status: Status) -> tuple[Decision, str]:
        match status:
            case Status.OK:
                return Decision.ALLOW, ""
            case Status.EMULATED:
                return self.emulated, self._said("emulated", self.emulated)
            case Status.DEGRADED:
                return self.degraded, self._said("degraded", self.degraded)
            case Status.MISMATCH | Status.BROKEN:
                return Decision.DENY, ""
            case Status.UNKNOWN:
                return Decision.HOLD, ""
            case _:
                assert_never(status)

    def _said(self, setting: str, what: str) -> str:
        return f"{self.places.get(setting, 'gate')}.{setting}: {what}"

    def _lacks_survey(self, verdict: Verdict) -> bool:
        surveyed = any(found.layer == "survey" for found in verdict.evidence)
        return self.survey and verdict.status in _STARTS and not surveyed


@dataclass(frozen=True, slots=True)
class Policies:
    """The policy of each host by its name; ``default`` is that of hosts which no rule names."""

    default: Policy = Policy()
    by_host: Mapping[str, Policy] = field(default_factory=dict)

    def of(self, host: str) -> Policy:
        """The policy of one host."""
        return self.by_host.get(host, self.default)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is decided of one finding, ``because`` of which setting or override; empty where the verdict alone decides."""

    finding: Finding
    decision: Decision
    because: str = ""
    override: Override | None = None


def rulings(report: Report, policies: Policies, overrides: Sequence[Override] = ()) -> tuple[Ruling, ...]:
    """What is decided of each finding; an override turns what would stop a deployment into a warning."""
    return tuple(_ruling(finding, policies.of(finding.workload.host), overrides) for finding in report.findings)


def _ruling(finding: Finding, policy: Policy, overrides: Sequence[Override]) -> Ruling:
    decision, because = policy.ruled(finding.verdict)
    if decision not in STOPS:
        return Ruling(finding, decision, because)
    override = next((one for one in overrides if one.covers(finding)), None)
    if override is None:
        return Ruling(finding, decision, because)
    return Ruling(finding, Decision.WARN, f"{decision}, overridden by {override.owner}: {override.reason}", override)


def decided(report: Report, ruled: Sequence[Ruling]) -> Decision:
    """The worst of all rulings; no findings, or a host that was not read, is no reason to go ahead.

    What somebody answers for on a host that was not read is the ruling on its findings.
    """
    found = [ruling.decision for ruling in ruled]
    answered_for = {ruling.finding.workload.host for ruling in ruled if ruling.override is not None}
    unread = (host.name for host in report.hosts if isinstance(host.reading, Failure))
    if not found or not report.complete or any(name not in answered_for for name in unread):
        found.append(Decision.HOLD)
    return worst(found)


def decide(report: Report, policy: Policy | None = None) -> Decision:
    """The decision where one policy holds for every host."""
    return decided(report, rulings(report, Policies(policy or Policy())))


def worst(decisions: Iterable[Decision]) -> Decision:
    """The worst decision, deny before hold before warn."""
    return max(decisions, key=list(Decision).index)
