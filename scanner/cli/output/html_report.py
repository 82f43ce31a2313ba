"""A report as one HTML file that needs nothing beside it: to be kept, mailed, printed, read without archscan."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.fleet_picture import KINDS, URGENT, WIDE, Picture, cells_of, drawn
from scanner.domain.report_json import moment
from scanner.domain.verdict.reason import Status
from scanner.domain.verdict.reason_catalogue import MEANING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scanner.domain.decision import Decision
    from scanner.domain.readiness import Readiness, Tally
    from scanner.domain.report import Finding, HostReading, Report
    from scanner.domain.verdict.verdict import Fix

STYLE = """
:root{color-scheme:light dark;--g:#f4f6fa;--c:#fff;--l:#dbe0ea;--t:#172033;--s:#525d73;--code:#eef1f7;
--mismatch:#da2f38;--broken:#a7197b;--unknown:#77839b;--degraded:#e2a129;--labelled:#2c9bb3;--emulated:#8a6ee0;--ok:#35a162;--none:#aab4c5}
@media(prefers-color-scheme:dark){:root{--g:#0f131b;--c:#181e29;--l:#2b3444;--t:#e8ecf4;--s:#a6b0c3;--code:#0e121a;--none:#4a576c}}
*{box-sizing:border-box}body{margin:0 auto;max-width:76rem;padding:1.5rem 1rem 4rem;background:var(--g);color:var(--t);
font:16px/1.5 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1,h2{line-height:1.25;margin:1.5rem 0 .5rem}.s{color:var(--s)}
code,pre,.m{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:.9em;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;background:var(--c);border:1px solid var(--l);font-size:.93rem}
th,td{text-align:left;vertical-align:top;padding:.4rem .7rem;border-top:1px solid var(--l)}.n{text-align:right}
article{background:var(--c);border:1px solid var(--l);border-left:5px solid var(--unknown);border-radius:10px;
padding:.8rem 1.1rem;margin:.6rem 0;break-inside:avoid}
article.mismatch{border-left-color:var(--mismatch)}article.broken{border-left-color:var(--broken)}
article.degraded{border-left-color:var(--degraded)}article.emulated{border-left-color:var(--emulated)}
pre{background:var(--code);border:1px solid var(--l);border-radius:8px;padding:.5rem .7rem;white-space:pre-wrap;margin:.4rem 0}
svg{width:100%;height:auto}svg text{fill:var(--t);font-size:13px;font-weight:600}
.cells{fill:none}.k-mismatch,.k-blocked{stroke:var(--mismatch);fill:var(--mismatch)}.k-broken{stroke:var(--broken);fill:var(--broken)}
.k-unknown{stroke:var(--unknown);fill:var(--unknown)}.k-degraded{stroke:var(--degraded);fill:var(--degraded)}.k-labelled{stroke:var(--labelled);fill:var(--labelled)}
.k-emulated{stroke:var(--emulated);fill:var(--emulated)}.k-ok,.k-ready{stroke:var(--ok);fill:var(--ok)}.k-none{stroke:var(--none);fill:var(--none)}
path.cells{fill:none}rect{stroke:none}svg.key{width:.8em;height:.8em;margin-right:.35em}
@media(max-width:40rem){table{display:block;overflow-x:auto}}@media print{path,rect{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""


def page(report: Report, decision: Decision | None = None) -> str:
    """A report: what is wrong, how the fleet looks, what is to be typed."""
    counts = report.counts
    stuck = counts[Status.MISMATCH] + counts[Status.BROKEN]
    title = f"{stuck} of {len(report.findings)} workloads will not start"
    said = f"Decision: {decision}. " if decision else ""
    incomplete = "" if report.complete else " The scan was cut short."
    return "".join((
        _begin(title),
        f"<h1>{title}</h1><p class=s>{said}{_hosts(len(report.hosts))}, scanned until {moment(report.finished_at)}.{incomplete}</p>",
        _figures({str(status): counts[status] for status in URGENT}),
        "<h2>The fleet</h2>",
        _picture(drawn(cells_of(report), WIDE)),
        *_unread(report.hosts),
        "<h2>What is not ok</h2>",
        *(_finding(finding) for finding in _worst_first(report.findings)),
        "</body></html>\n",
    ))  # fmt: skip


def readiness_page(found: Readiness) -> str:
    """What would run on another platform."""
    title = f"Readiness for {found.target}"
    judged = "Each image was opened for it." if found.is_judged else "Images were not opened for it."
    rows = "".join(
        f"<tr><td>{image.outlook}</td><td class=m>{escape(image.image)}</td><td>{escape(image.why)}</td>"
        f"<td class=n>{len(image.hosts)}</td><td class=n>{image.workloads}</td></tr>"
        for image in found.images
    )
    unread = (
        f"<p>Not read, so not among this: {escape(', '.join(found.unread_hosts))}.</p>" if found.unread_hosts else ""
    )
    return "".join((
        _begin(title),
        f"<h1>{escape(title)}</h1><p class=s>{len(found.images)} images, scanned until {moment(found.finished_at)}. {judged}</p>",
        _figures({str(outlook): count for outlook, count in found.counts.items()}),
        unread,
        _bars("By team", found.by_team),
        _bars("By registry", found.by_registry),
        _bars("By host", found.by_host),
        "<h2>Images</h2><table><tr><th>Outlook</th><th>Image</th><th>Why</th><th class=n>Hosts</th><th class=n>Workloads</th></tr>",
        rows,
        "</table></body></html>\n",
    ))  # fmt: skip


def _begin(title: str) -> str:
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    return f'<!doctype html>\n<html lang="en"><head>{head}<title>{escape(title)}</title><style>{STYLE}</style></head><body>'


def _hosts(count: int) -> str:
    return "1 host" if count == 1 else f"{count} hosts"


def _figures(counts: Mapping[str, int]) -> str:
    return f"<table><tr>{_keyed(counts)}</tr><tr>{''.join(f'<td class=n>{count}</td>' for count in counts.values())}</tr></table>"


def _keyed(kinds: Iterable[str]) -> str:
    """Heads of columns, each with the colour that its kind has in the pictures."""
    return "".join(
        f'<th class=n><svg class=key viewBox="0 0 9 9" aria-hidden="true"><rect class="k-{kind}" width="9" height="9"/></svg>'
        f"{'empty' if kind == 'none' else kind}</th>"
        for kind in kinds
    )


def _picture(picture: Picture) -> str:
    bands = "".join(
        f'<text x="0" y="{band.top + 14}">{escape(band.platform)}, {_hosts(len(band.names))}</text>'
        for band in picture.bands
    )
    paths = "".join(
        f'<path class="cells k-{kind}" d="{d}" stroke-width="{picture.cell:g}" stroke-dasharray="{picture.cell:g} {picture.gap:g}"/>'
        for kind, d in picture.paths.items()
    )
    rows = "".join(
        f"<tr><td>{escape(band.platform)}</td>{''.join(f'<td class=n>{band.counts.get(kind, 0)}</td>' for kind in KINDS)}</tr>"
        for band in picture.bands
    )
    label = "One cell for each host, coloured by its worst status; the table has the same numbers"
    return (
        f'<svg viewBox="0 0 {picture.width} {picture.height}" role="img" aria-label="{label}">{bands}{paths}</svg>'
        f"<table><tr><th>Platform</th>{_keyed(KINDS)}</tr>{rows}</table>"
    )


def _bars(title: str, tallies: Iterable[Tally]) -> str:
    shown = list(tallies)[:30]
    longest = max((tally.total for tally in shown), default=1)
    rows = []
    for tally in shown:
        x, pieces = 0.0, []
        for outlook, count in tally.counts.items():
            width = 300 * count / longest
            pieces.append(f'<rect class="k-{outlook}" x="{x:g}" y="0" width="{width:g}" height="14"/>')
            x += width
        said = ", ".join(f"{count} {outlook}" for outlook, count in tally.counts.items() if count)
        rows.append(
            f'<tr><td>{escape(tally.name)}</td><td><svg viewBox="0 0 300 14" preserveAspectRatio="none" height="14" role="img" '
            f'aria-label="{said}">{"".join(pieces)}</svg></td><td>{said}</td></tr>'
        )
    return f"<h2>{title}</h2><table>{''.join(rows)}</table>"


def _unread(hosts: Iterable[HostReading]) -> Iterator[str]:
    failed = [(host, host.reading) for host in hosts if isinstance(host.reading, Failure)]
    if failed:
        yield "<h2>Hosts that were not read</h2>"
    for host, failure in failed:
        yield (
            f'<article class="unknown"><strong>{escape(host.name)}</strong> <code>{failure.reason}</code> '
            f"{escape(failure.detail)}{_fix(host.fix)}</article>"
        )


def _worst_first(findings: Iterable[Finding]) -> list[Finding]:
    rank = {status: number for number, status in enumerate(URGENT)}
    troubles = [finding for finding in findings if finding.verdict.status is not Status.OK]
    return sorted(troubles, key=lambda finding: (rank[finding.verdict.status], finding.key))


def _finding(finding: Finding) -> str:
    workload, verdict = finding.workload, finding.verdict
    offered = ", ".join(map(str, verdict.offered)) or "unknown"
    waived = f", waived until {moment(finding.waived_until)}" if finding.waived_until is not None else ""
    return (
        f'<article class="{verdict.status}"><strong>{verdict.status}</strong> {escape(workload.name)} on '
        f"<strong>{escape(workload.host)}</strong> <code title='{escape(MEANING[verdict.reason])}'>{verdict.reason}</code>"
        f"<br>{escape(verdict.detail)}<br><span class=s>image <code>{escape(workload.image)}</code>, host "
        f"{escape(str(finding.host_platform or 'unknown'))}, offers {escape(offered)}, {workload.source} {workload.stage}{waived}</span>"
        f"{_fix(verdict.fix)}</article>"
    )


def _fix(fix: Fix) -> str:
    summary = f"<br>{escape(fix.summary)}" if fix.summary else ""
    return summary + "".join(f"<pre>{escape(command)}</pre>" for command in fix.commands)
