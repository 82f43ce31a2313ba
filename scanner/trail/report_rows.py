"""What a report says, hashed host by host: of hosts of which nothing changed nothing is spelt again."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.trail.leaf import digest_of_pieces, pieces_of, spelt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scanner.domain.facts import Workload
    from scanner.domain.finding_groups import HostFindings
    from scanner.domain.report import Finding, Report
    from scanner.domain.verdict.verdict import Verdict

PACKING = 1
"""Of zlib's nine levels: a host's twenty findings have 5 kB, which are much alike, so that a tenth of it is left."""

FEW = 1000
"""Findings that are spelt faster than they are packed: those of a question to the gate are of no use to the next one."""


def report_digest(report: Report) -> str:
    """The hash of what a report says, which the report's JSON is enough to make again.

    ``[hosts, findings]``, both sorted: of a host its name with its platform or the reason why it was not read, of a
    finding its host, workload, source, stage, image, digest, status, reason.
    """
    hosts = sorted(
        [one.name, str(one.reading.reason) if isinstance(one.reading, Failure) else str(one.platform or "")]
        for one in report.hosts
    )
    groups = report.by_host.items()
    if len(report.findings) <= FEW or any(
        finding.workload.host != host for host, found in groups if not found.rows_packed for finding in found
    ):
        return digest_of_pieces(pieces_of(hosts), pieces_of(_rows(report.findings)))
    # Rows begin with their host: those of one host after those of the one before it are all of them in order.
    return digest_of_pieces(pieces_of(hosts), _pieces(found for _, found in sorted(groups, key=_name)))


def named(workload: Workload, verdict: Verdict) -> dict[str, str]:
    """What findings are told apart by, with what is said of them."""
    return {
        "host": workload.host,
        "workload": workload.name,
        "source": str(workload.source),
        "stage": str(workload.stage),
        "image": workload.image,
        "digest": verdict.digest or "",
        "status": str(verdict.status),
        "reason": str(verdict.reason),
    }


def _name(one: tuple[str, HostFindings]) -> str:
    return one[0]


def _rows(findings: Iterable[Finding]) -> list[list[str]]:
    return sorted([*map(str, named(f.workload, f.verdict).values())] for f in findings)


def _pieces(groups: Iterable[HostFindings]) -> Iterator[bytes]:
    """The rows of each host, as they were spelt for the report before, where it says the same."""
    for found in groups:
        if not found:
            continue
        if not found.rows_packed:
            found.rows_packed = zlib.compress(spelt(_rows(found)), PACKING)
        yield zlib.decompress(found.rows_packed)
