"""The page of metrics, made from their families."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.metrics.families import FLEET, OURSELVES, PROBE

if TYPE_CHECKING:
    from scanner.metrics.family import Family

_HEAD = """\
# Metrics

Names, labels, types of this page are a public interface.
It is made from the code: `python -m docs.generate`.

`status` is one of `ok`, `emulated`, `degraded`, `unknown`, `mismatch`, `broken`; `stage` one of `running`, `stopped`,
`planned`; `reason` is the word that verdicts, alerts, runbooks share.
"""

_ABOUT_FLEET = (
    "`/metrics`, from the latest report: a host that left the inventory is gone at the next scrape. "
    "`/probe` gives the same for its one target."
)


def page() -> str:
    """The catalogue as Markdown."""
    return "\n".join([
        _HEAD,
        *_section("The fleet", _ABOUT_FLEET, FLEET),
        *_section("archscan itself", "`/metrics`. Counters begin at 0 when archscan starts.", OURSELVES),
        "`process_*`, `python_info` are those of the Prometheus client library.",
        "",
        *_section("One probe", "`/probe?target=HOST` only.", PROBE),
    ])  # fmt: skip


def _section(title: str, about: str, families: tuple[Family, ...]) -> list[str]:
    head = [
        f"## {title}",
        "",
        about,
        "",
        "| metric | type | labels | meaning | absent when |",
        "| --- | --- | --- | --- | --- |",
    ]
    return [*head, *(_row(family) for family in families), ""]


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"| `{family.name}` | {family.kind} | {labels} | {family.help} | {family.unless} |"
