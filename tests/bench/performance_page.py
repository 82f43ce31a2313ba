"""Writes ``docs/performance.md`` with its plots from what was measured; nothing in it is typed by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tests.bench import targets_page
from tests.bench.targets_page import ASKED, median, served_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Row = dict[str, Any]
Line = tuple[str, list[tuple[float, float]]]
"""A line's name, its points."""

COLOURS = ("#0b6bcb", "#c41c1c", "#1f7a1f", "#9a5b13", "#6b46c1", "#0f766e", "#be185d", "#525252", "#a16207")


def write(found: Row, page: Path) -> None:
    """The page, beside it the folder of its plots."""
    plots = page.parent / "performance"
    plots.mkdir(exist_ok=True)
    (plots / "fan-out.svg").write_text(_plot(_fan_out_lines(found["fan_out"]), "hosts", "ms of processor time a host"))
    if found["rescan"]:
        (plots / "growth.svg").write_text(_plot(_growth_lines(found["rescan"]), "hosts", "ms of processor time a host"))
    page.write_text(
        "\n".join(
            [
                *_head(found),
                *_fan_out(found),
                *_scan(found),
                *_rescan(found),
                *_serving(found),
                *_cluster(found),
                *_trail(found),
                *targets_page.sections(found),
                "",
            ]
        )
    )


def _head(found: Row) -> Iterable[str]:
    machine = found["machine"]
    quick = " With `make bench-quick`, on few hosts." if found["quick"] else ""
    yield "# Performance"
    yield ""
    yield (
        "This page is written by `make bench` (ten minutes on a quiet machine; `make bench-quick` takes two); all its figures are"
        " of one run, or say when they were measured. What single parts cost stands in [performance-parts.md](performance-parts.md)."
    )
    yield ""
    yield (
        f"Measured on {machine['date']}: {machine['cpu']}, Python {machine['python']}; load average"
        f" {machine['load']} at the start, {machine['load_after']} at the end.{quick} Other programs' load makes times by the"
        " clock long, processor time somewhat longer: compare rows of one table, not tables of two runs."
    )
    yield ""
    yield (
        "The fleet: addresses of 127/8, answered by one cheap SSH server in C (`tests/bench/fleet_server.c`), each with"
        f" {found['answer_bytes']} bytes about 20 containers. A real sshd costs 33 ms a connection, so that only it would be measured."
        " The server's own time is not counted."
    )
    yield ""


def _fan_out(found: Row) -> Iterable[str]:
    yield "## Fetching answers, fresh connections"
    yield ""
    yield "Each program whole, its start included; of several rounds in turns the one with the least processor time."
    yield ""
    rows = found["fan_out"]
    for count in sorted({row["hosts"] for row in rows}):
        yield from _table([row for row in rows if row["hosts"] == count])
    yield "![Processor time a host by size of the fleet](performance/fan-out.svg)"
    yield ""
    alone = found["kept"]
    yield (
        f"Without start, {alone['hosts']} hosts: {alone['fresh_ms']:.2f} ms of processor time a host over fresh connections,"
        f" {alone['kept_ms']:.2f} ms over kept ones."
    )
    yield ""
    yield from _commands(rows)


def _table(rows: Sequence[Row]) -> Iterable[str]:
    ours = rows[0]
    yield f"{ours['hosts']} hosts:"
    yield ""
    yield "| tool | what it does | hosts/s | ms CPU/host | largest process, MB | wall : ours | CPU : ours |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        per_s, per_host = row["hosts"] / row["wall_s"], row["cpu_s"] / row["hosts"] * 1000
        yield (
            f"| {row['who']} | {row['does']} | {per_s:.0f} | {per_host:.2f} | {row['rss_mb']:.0f} |"
            f" {row['wall_s'] / ours['wall_s']:.2f} | {row['cpu_s'] / ours['cpu_s']:.2f} |"
        )
    yield ""


def _commands(rows: Sequence[Row]) -> Iterable[str]:
    yield "<details><summary>The commands</summary>"
    yield ""
    for who, command in {row["who"]: row["command"] for row in rows}.items():
        yield f"- {who}: `{command}`"
    yield ""
    yield "</details>"
    yield ""


def _scan(found: Row) -> Iterable[str]:
    if not found["scan"]:
        return
    yield "## One scan of fresh hosts, everything judged"
    yield ""
    yield (
        "`archscan scan` logs in, reads 20 containers a host, asks a registry (200 images, opened down to their programs),"
        " judges every workload, writes the report; its processes that ask hosts or parse are counted. The registry's settings let"
        " it be asked more than 200 times a second (`rate`, `burst`), for 1,370 requests would take six seconds by themselves. `xargs ssh`"
        " only fetches."
    )
    yield ""
    yield from _table(found["scan"])


def _rescan(found: Row) -> Iterable[str]:
    if not found["rescan"]:
        return
    yield "## Scanning again: hosts of which nothing changed"
    yield ""
    yield (
        "The service's own process over SSH, stored in SQLite, published, metrics rendered; a median of the scans after the"
        " first. Processor time is the service's process alone: during a first scan its parsing processes take"
        " more beside it. Lag is how late the event loop was."
    )
    yield ""
    yield "| hosts of 20 workloads | first scan, s CPU | again, s | again, s CPU | ms CPU/host | MB | p99 lag, ms | worst lag, ms |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for row in found["rescan"]:
        wall, cpu, p99, worst = (median(row, name) for name in ("wall_s", "cpu_s", "p99_lag_s", "worst_lag_s"))
        yield (
            f"| {row['hosts']} | {row['first']['cpu_s']:.1f} | {wall:.2f} | {cpu:.2f} | {cpu / row['hosts'] * 1000:.2f} |"
            f" {row['rss_mb']:.0f} | {p99 * 1000:.0f} | {worst * 1000:.0f} |"
        )
    yield ""
    yield "![Processor time a host by size of the fleet](performance/growth.svg)"
    yield ""


def _serving(found: Row) -> Iterable[str]:
    served = found.get("serving")
    if not served:
        return
    yield "## Answers while it scans"
    yield ""
    yield (
        f"A running `archscan serve` over {served['hosts']} hosts is asked at fixed moments over kept connections while it scans"
        " them again: the gate for images that it knows, its metrics, its first page. A median of the scans. Whoever asks is answered"
        " before hosts are heard; where all of a processor is asked for, the scan takes longer. Each question to the gate asks the"
        " registry once, which its settings let it do more than 200 times a second here (`rate`, `concurrency`)."
    )
    yield ""
    yield "| asked | times a second | half of them within, ms | 99 of 100 within, ms | worst, ms | refused for want of memory |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for kind, name in ASKED.items():
        half, most, worst = (served_ms(served, kind, each) for each in ("p50_ms", "p99_ms", "worst_ms"))
        refused = sum(turn[kind].get("refused", 0) for turn in served["turns"])
        yield f"| {name} | {served['rates'][kind]:g} | {half:.1f} | {most:.1f} | {worst:.1f} | {refused} |"
    yield ""


def _cluster(found: Row) -> Iterable[str]:
    rows = found.get("cluster", [])
    if not rows:
        return
    yield "## Workers on this machine: `cluster: local:N`"
    yield ""
    yield (
        "The same scans with hosts read by workers. Processor time and memory are of the service's process, then of all: workers"
        " with what parses their answers. Beyond the processors that a machine has, a worker costs memory and gives nothing."
    )
    yield ""
    yield "| workers | hosts | first, s | again, s | again, s CPU of the service | of all | MB of the service | of all | p99 lag, ms |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        names = ("wall_s", "cpu_s", "all_cpu_s", "all_rss_mb", "p99_lag_s")
        wall, cpu, all_cpu, all_mb, lag = (median(row, name) for name in names)
        yield (
            f"| {row['workers'] or 'none'} | {row['hosts']} | {row['first']['wall_s']:.1f} | {wall:.2f} | {cpu:.2f} | {all_cpu:.2f} |"
            f" {row['rss_mb']:.0f} | {all_mb:.0f} | {lag * 1000:.0f} |"
        )
    yield ""


def _trail(found: Row) -> Iterable[str]:
    row = found.get("trail")
    if not row:
        return
    at = row["machine"]
    yield "## The trail"
    yield ""
    yield (
        f"Entries of the tamper-evident log in SQLite, each batch one transaction with the tree above it and a signed head: durable"
        f" and integrated when it returns. One process; measured on {at['date']} at a load average of {at['load']}."
    )
    yield ""
    yield "| what | |"
    yield "| --- | --- |"
    yield f"| entries a second, {row['entries']:.0f} in one transaction, as a large scan writes them | {row['together_per_s']:,.0f} |"
    yield f"| entries a second, of 500 callers at once with ten each | {row['callers_per_s']:,.0f} |"
    yield f"| one decision by itself, ms | {row['decision_ms']:.2f} |"
    yield f"| a proof among {row['size']:.0f} entries, ms | {row['proof_ms']:.2f} |"
    yield f"| entries a second that `trail verify` reads | {row['verified_per_s']:,.0f} |"
    yield ""


LARGE = 100_000
INTERVAL_S = 300
"""As ``scan.interval`` comes."""


def _on_paper(found: Row) -> Iterable[str]:
    """What a fleet would take that is too large to be measured, as two measured ones grow."""
    if len(found["rescan"]) < 2:
        return
    small, large = found["rescan"][-2:]
    more = large["hosts"] - small["hosts"]
    mb = (large["rss_mb"] - small["rss_mb"]) / more
    first_s, again_s, page = (
        (_each(large, name) - _each(small, name)) / more for name in ("first", "cpu_s", "page_bytes")
    )
    whole_mb = large["rss_mb"] + mb * (LARGE - large["hosts"])
    yield f"## On paper: {LARGE:,} hosts"
    yield ""
    yield (
        f"Nothing here was measured at that size: it is the line through {small['hosts']} and {large['hosts']} hosts, each host"
        " with 20 workloads."
    )
    yield ""
    yield "| what | a host more | in all |"
    yield "| --- | --- | --- |"
    yield f"| memory of one service that reads them itself | {mb * 1000:.0f} KB | {whole_mb / 1000:.1f} GB |"
    yield f"| processor time of the first scan | {first_s * 1000:.1f} ms | {first_s * LARGE / 60:.0f} min |"
    yield f"| processor time of each scan in which nothing changed | {again_s * 1000:.2f} ms | {again_s * LARGE:.0f} s |"
    yield f"| the page of metrics | {page / 1000:.1f} KB | {page * LARGE / 1e6:.0f} MB |"
    yield f"| rows that the first scan writes (findings, releases, one of the host) | 41 | {41 * LARGE / 1e6:.1f} million |"
    yield "| requests to registries in a scan in which nothing changed | none | one HEAD for each reference in use |"
    yield ""
    share = again_s * LARGE / INTERVAL_S
    yield (
        f"At an interval of {INTERVAL_S // 60} minutes the scans take {share * 100:.0f} % of one processor, a scanner's loop has one:"
        f" where that is above 70 %, hosts belong to workers (`cluster`)."
    )
    workers = [row for row in found.get("cluster", []) if row["workers"]]
    if workers:
        row = workers[-1]
        service_s = median(row, "cpu_s") / row["hosts"]
        read_s = (median(row, "all_cpu_s") - median(row, "cpu_s")) / row["hosts"]
        yield (
            f" With {row['workers']} of them, {row['hosts']} hosts, the service itself took {service_s * 1000:.2f} ms a host, which"
            f" is {service_s * LARGE:.0f} s a scan of all; its workers {read_s * 1000:.2f} ms."
        )
    yield ""


def _each(row: Row, name: str) -> float:
    return float(row["first"]["cpu_s"] if name == "first" else median(row, name))


# ---------------------------------------------------------------- plots


def _fan_out_lines(rows: Sequence[Row]) -> list[Line]:
    names = dict.fromkeys(row["who"] for row in rows)
    return [
        (name, [(row["hosts"], row["cpu_s"] / row["hosts"] * 1000) for row in rows if row["who"] == name])
        for name in names
    ]


def _growth_lines(rows: Sequence[Row]) -> list[Line]:
    first = [(row["hosts"], row["first"]["cpu_s"] / row["hosts"] * 1000) for row in rows]
    return [
        ("first scan", first),
        ("again", [(row["hosts"], median(row, "cpu_s") / row["hosts"] * 1000) for row in rows]),
    ]


WIDTH, HEIGHT, LEFT, BOTTOM, RIGHT, TOP = 720, 360, 60, 40, 210, 16


def _plot(lines: Sequence[Line], across: str, upwards: str) -> str:
    """Lines on two logarithmic axes, each named at the right."""
    points = [point for _, line in lines for point in line]
    across_of = _axis([x for x, _ in points], LEFT, WIDTH - RIGHT)
    upwards_of = _axis([y for _, y in points], HEIGHT - BOTTOM, TOP)
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{across}</text>',
        f'<text transform="translate(12 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{upwards}</text>',
    ]
    drawn += [
        f'<text x="{across_of(x):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x:g}</text>'
        for x in sorted({x for x, _ in points})
    ]
    for y in _ticks([y for _, y in points]):
        at = upwards_of(y)
        drawn.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        drawn.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{y:g}</text>')
    for number, (name, line) in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        path = "L".join(f"{across_of(x):.1f} {upwards_of(y):.1f}" for x, y in line)
        drawn.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [f'<circle cx="{across_of(x):.1f}" cy="{upwards_of(y):.1f}" r="3" fill="{colour}"/>' for x, y in line]
        drawn.append(f'<text x="{WIDTH - RIGHT + 12}" y="{TOP + 12 + 18 * number}" fill="{colour}">{name}</text>')
    return "\n".join([*drawn, "</svg>", ""])


def _axis(values: Sequence[float], begin: float, end: float) -> Any:
    low, high = math.log10(min(values)), math.log10(max(values))
    span = (high - low) or 1.0
    return lambda value: begin + (math.log10(value) - low) / span * (end - begin)


def _ticks(values: Sequence[float]) -> list[float]:
    marks = [digit * 10.0**power for power in range(-3, 6) for digit in (1, 2, 5)]
    return [mark for mark in marks if min(values) <= mark <= max(values)]
