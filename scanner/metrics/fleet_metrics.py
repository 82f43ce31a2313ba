"""Turns a report into samples."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.domain.facts import EngineState, HostFacts, Stage
from scanner.domain.failure import Failure
from scanner.domain.image.offers import BuiltFrom
from scanner.domain.text import printable
from scanner.domain.verdict.reason import STATUS_OF, Status
from scanner.metrics import families as c

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scanner.domain.platform.platform import Platform
    from scanner.domain.report import Finding, HostReading, Report
    from scanner.metrics.exposition import Sample
    from scanner.metrics.family import Family

MAX_FINDINGS = 500
"""Series grow with trouble; a fleet with more of it than this is shown a number instead."""

MAX_PLATFORMS_PER_IMAGE = 64
"""An index may list hundreds of platforms; the official images with the most offer about ten."""

ALWAYS_COUNTED = frozenset({"linux/amd64", "linux/arm64"})
"""Where fleets move from or to; what images offer beyond these and the fleet's own platforms is no label, since images could make up any."""

_STARTS_WELL = frozenset(reason for reason, status in STATUS_OF.items() if status is Status.OK)
_GRAVEST_FIRST = {status: rank for rank, status in enumerate(reversed(Status))}

Fleet = dict["Family", "list[Sample]"]


def fleet(report: Report | None, max_findings: int, changed_at: Mapping[str, float]) -> Fleet:
    """All samples of a report; ``changed_at`` tells when hosts changed their architecture."""
    made: Fleet = {family: [] for family in c.FLEET}
    if report is None:
        made[c.SCAN_LAST_SUCCESS].append(((), 0.0))
        made[c.FINDINGS_DROPPED].append(((), 0.0))
        return made
    for reading in _once(report.hosts):
        _add_host(made, reading, changed_at)
    for (host, status, stage), count in report.stages.items():
        made[c.WORKLOADS].append(((host, str(status), str(stage)), float(count)))
    incomplete = ((host, found.tally.incomplete) for host, found in report.by_host.items())
    made[c.WORKLOADS_INCOMPLETE].extend(((host,), float(count)) for host, count in incomplete if count)
    _add_offers(made, report)
    _add_findings(made, report, max_findings)
    if report.complete:
        made[c.SCAN_LAST_SUCCESS].append(((), report.fleet_scanned_at))
        made[c.SCAN_DURATION].append(((), max(report.finished_at - report.started_at, 0.0)))
    return made


def _once(hosts: Iterable[HostReading]) -> Iterable[HostReading]:
    return {reading.name: reading for reading in hosts}.values()


def _add_host(made: Fleet, reading: HostReading, changed_at: Mapping[str, float]) -> None:
    name = reading.name
    made[c.HOST_UP].append(((name,), float(isinstance(reading.reading, HostFacts))))
    _add_labels(made, reading)
    if isinstance(reading.reading, Failure):
        made[c.HOST_FAILURE].append(((name, str(reading.reading.reason)), 1.0))
    else:
        made[c.HOST_INFO].append((_info(name, reading.reading), 1.0))
        if probe := reading.reading.probe:
            made[c.HOST_PROBE].append(((name, str(probe.version), probe.sha256), 1.0))
    if reading.last_success_at is not None:
        made[c.HOST_LAST_SUCCESS].append(((name,), reading.last_success_at))
    if name in changed_at:
        made[c.HOST_ARCHITECTURE_CHANGED].append(((name,), changed_at[name]))


def _add_labels(made: Fleet, reading: HostReading) -> None:
    """A family for each set of names; a host without labels has its series too, so that joins lose nobody."""
    names = sorted(reading.labels)
    family = replace(c.HOST_LABELS, labels=("host", *(f"label_{name}" for name in names)))
    made.setdefault(family, []).append(((reading.name, *(reading.labels[name] for name in names)), 1.0))


def _info(name: str, facts: HostFacts) -> tuple[str, ...]:
    kernel = facts.kernel
    engine = next((engine for engine in facts.engines if engine.state is EngineState.UP), None)
    return (
        name,
        str(kernel.platform or ""),
        kernel.machine,
        str(engine.kind) if engine else "",
        engine.version if engine else "",
        f"x86-64-v{kernel.cpu_level}" if kernel.cpu_level else kernel.arm_version or "",
    )


def _add_offers(made: Fleet, report: Report) -> None:
    counted = ALWAYS_COUNTED | {str(reading.platform) for reading in report.hosts if reading.platform}
    alike: Counter[tuple[Platform, tuple[Platform, ...]]] = Counter()
    for found in report.by_host.values():
        for platform, offered, count in found.tally.offers:
            alike[platform, offered] += count
    offers: Counter[tuple[str, str]] = Counter()
    for (own, offered), count in alike.items():
        for name in counted.intersection(map(str, offered)):
            offers[str(own), name] += count
    made[c.WORKLOADS_OFFERING].extend((pair, float(count)) for pair, count in sorted(offers.items()))


def _add_findings(made: Fleet, report: Report, max_findings: int) -> None:
    """The gravest findings, the oldest of them first, so that which are shown does not change from scan to scan."""
    distinct: dict[tuple[str, ...], Finding] = {}
    for found in report.by_host.values():
        if found.tally.reasons <= _STARTS_WELL:
            continue
        for finding in found:
            if finding.verdict.status is not Status.OK:
                distinct.setdefault(_labels(finding), finding)
    ranked = sorted(
        distinct.items(), key=lambda item: (_GRAVEST_FIRST[item[1].verdict.status], item[1].first_seen, item[0])
    )
    shown = ranked[:max_findings]
    for labels, finding in shown:
        made[c.FINDING].append((labels, 1.0))
        made[c.FINDING_FIRST_SEEN].append((labels, finding.first_seen))
        made[c.FINDING_FIX].append(((*labels, *_fix(finding)), 1.0))
        if finding.team:
            made[c.FINDING_OWNER].append(((*labels, finding.team), 1.0))
        crashed_at = finding.workload.finished_at
        if crashed_at is not None and finding.workload.stage is Stage.RUNNING:
            made[c.FINDING_CRASHED].append((labels, crashed_at))
        if finding.waived_until is not None:
            made[c.FINDING_WAIVED_UNTIL].append((labels, finding.waived_until))
    made[c.FINDINGS_DROPPED].append(((), float(len(ranked) - len(shown))))
    offered = {
        (finding.workload.image, str(platform))
        for _, finding in shown
        for platform in finding.verdict.offered[:MAX_PLATFORMS_PER_IMAGE]
    }
    made[c.IMAGE_PLATFORM_INFO].extend((pair, 1.0) for pair in sorted(offered))


MAX_FIX_CHARS = 600
"""Of each of the two labels: more than a page holds, less than what Prometheus minds."""

_MARKUP = str.maketrans({"<": "(", ">": ")", "&": "+"})
"""What chats take for mentions or links, in words that may hold a name from inside an image."""


def _fix(finding: Finding) -> tuple[str, str, str, str]:
    """The fix in words, then as commands, then repository and commit.

    Commands that are cut would be other commands, so that none are given then.
    """
    fix, origin = finding.verdict.fix, finding.verdict.built_from or BuiltFrom()
    commands = "\n".join(fix.commands)
    summary = printable(fix.summary, MAX_FIX_CHARS).translate(_MARKUP)
    return summary, commands if len(commands) <= MAX_FIX_CHARS else "", origin.repository, origin.revision


def _labels(finding: Finding) -> tuple[str, ...]:
    workload, verdict = finding.workload, finding.verdict
    return (
        workload.host,
        workload.name,
        workload.image,
        str(verdict.status),
        str(verdict.reason),
        str(workload.stage),
    )
