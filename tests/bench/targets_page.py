"""The end of ``docs/performance.md``: what was wanted beside what was measured; of what is missed where its time goes."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Row = dict[str, Any]
Target = tuple[str, float, float]
"""What, how much was wanted at most, how much was measured."""

ASKED = {"gate": "gate, `POST /api/v1/check`", "metrics": "`/metrics`", "page": "`/`"}
WITHIN_MS = {"gate": 20.0, "metrics": 20.0, "page": 200.0}

PROFILED = {
    "scan": ("one scan of fresh hosts", ("one scan of", "its wall")),
    "first": ("the service's first scan", ("first scan of",)),
    "again": ("its next ones", ("gate", "`/", "hosts again")),
}
"""What is looked into, with how the targets begin or go on of which that is the work."""

LEAST = 0.005
"""Of all; smaller parts are left out."""


def served_ms(served: Row, kind: str, name: str) -> float:
    return statistics.median(turn[kind][name] for turn in served["turns"])


def median(row: Row, name: str) -> float:
    return statistics.median(turn[name] for turn in row["again"])


def sections(found: Row) -> Iterable[str]:
    """Both sections, as far as this run measured them."""
    targets = _targets(found)
    yield "## Targets"
    yield ""
    yield "| what | wanted | measured | |"
    yield "| --- | --- | --- | --- |"
    for what, wanted, measured in targets:
        verdict = "met" if measured <= wanted else f"missed by {(measured / wanted - 1) * 100:.0f} %"
        yield f"| {what} | {wanted:g} | {measured:.2f} | {verdict} |"
    yield ""
    yield from _profile(found, [what for what, wanted, measured in targets if measured > wanted])


def _targets(found: Row) -> list[Target]:
    rows = [("fetch over a fresh connection, ms CPU a host", 1.5, found["kept"]["fresh_ms"])]
    rows.append(("fetch over a kept connection, ms CPU a host", 0.4, found["kept"]["kept_ms"]))
    fetched = [row for row in found["fan_out"] if row["hosts"] == max(one["hosts"] for one in found["fan_out"])]
    for peer in fetched[1:]:
        rows.append((f"CPU beside {peer['who']}, {peer['hosts']} hosts", 1.0, fetched[0]["cpu_s"] / peer["cpu_s"]))
        rows.append((f"wall beside {peer['who']}, {peer['hosts']} hosts", 1.0, fetched[0]["wall_s"] / peer["wall_s"]))
    if len(found["scan"]) > 1:
        ours, peer = found["scan"]
        rows.append(
            (f"one scan of {ours['hosts']} fresh hosts, ms CPU a host", 5.0, ours["cpu_s"] / ours["hosts"] * 1000)
        )
        rows.append((f"its wall beside {peer['who']}", 1.0, ours["wall_s"] / peer["wall_s"]))
    for row in found["rescan"][-1:]:
        of = f"{row['hosts']} hosts again"
        share = row["hosts"] / 10_000
        rows += [
            (f"{of}, s (wanted: 10 s for 10,000)", 10.0 * share, median(row, "wall_s")),
            (f"{of}, MB", 600.0, row["rss_mb"]),
            (f"{of}, loop p99, ms", 50.0, median(row, "p99_lag_s") * 1000),
            (f"{of}, loop at worst, ms", 200.0, median(row, "worst_lag_s") * 1000),
            (
                f"first scan of {row['hosts']} hosts, s CPU (wanted: 30 s for 10,000)",
                30.0 * share,
                row["first"]["cpu_s"],
            ),
        ]
    if served := found.get("serving"):
        rows += [
            (
                f"{name} while {served['hosts']} hosts are scanned, p99, ms",
                WITHIN_MS[kind],
                served_ms(served, kind, "p99_ms"),
            )
            for kind, name in ASKED.items()
        ]
    if row := found.get("trail"):
        slowest = 1000 / min(row["together_per_s"], row["callers_per_s"])
        rows.append(("an entry of the trail made durable, ms (wanted: 1,500 a second)", 0.667, slowest))
    return rows


def _profile(found: Row, missed: Sequence[str]) -> Iterable[str]:
    """Where the processor time goes of what missed its target."""
    known = found.get("profile", {})
    asked = {
        name: title
        for name, (title, begins) in PROFILED.items()
        if name in known and any(what.startswith(begins) or begins[-1] in what for what in missed)
    }
    if not asked:
        return
    yield "## What the profile shows"
    yield ""
    yield (
        "Of what is missed one more run was looked at every 4 ms of its processor time (`tests/bench/sampled.py`); the service's with"
        " fewer hosts. Seconds of processor time, in parentheses the share of all that archscan took."
    )
    yield ""
    yield f"| part | {' | '.join(asked.values())} |"
    yield f"| --- |{' --- |' * len(asked)}"
    totals = {name: sum(known[name].values()) or 1.0 for name in asked}
    parts = {
        part: max(known[name].get(part, 0.0) / totals[name] for name in asked) for name in asked for part in known[name]
    }
    for part in sorted((part for part, share in parts.items() if share >= LEAST), key=lambda part: -parts[part]):
        cells = (_cell(known[name].get(part, 0.0), totals[name]) for name in asked)
        yield f"| {part} | {' | '.join(cells)} |"
    yield f"| all | {' | '.join(f'{total:.2f}' for total in totals.values())} |"
    yield ""


def _cell(taken_s: float, total_s: float) -> str:
    return f"{taken_s:.2f} ({taken_s / total_s * 100:.0f} %)" if taken_s else ""
