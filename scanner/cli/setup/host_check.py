"""Checks what each host still lacks, with its cure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from scanner.cli.outcome import Exit
from scanner.cli.output import output, table
from scanner.domain.facts import EngineState
from scanner.domain.failure import Failure
from scanner.domain.verdict import remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.domain.facts import HostFacts
    from scanner.domain.report import HostReading, Report
    from scanner.domain.verdict.verdict import Fix


def show(report: Report) -> None:
    """A row for each host, then what is missing where, with what to type."""
    out = output.console()
    table.show(out, ("HOST", "LOGIN", "PLATFORM", "ENGINES"), list(map(_row, report.hosts)))
    for host in report.hosts:
        for said, fix in _lacks(host):
            out.print(Text(f"{host.name}: {said}", style="magenta"), soft_wrap=True)
            output.show_fix(out, fix)


def exit_code(report: Report) -> Exit:
    """Whether every host answered with all of its parts."""
    is_whole = bool(report.hosts) and not any(True for host in report.hosts for _ in _lacks(host))
    return Exit.OK if is_whole else Exit.INCOMPLETE


def _row(host: HostReading) -> tuple[Text, ...]:
    if isinstance(host.reading, Failure):
        return (Text(host.name), Text(str(host.reading.reason), style="magenta"), Text("?"), Text("?"))
    platform = Text(str(host.platform or "?"))
    return (Text(host.name), Text("ok", style="green"), platform, Text(_engines(host.reading)))


def _engines(facts: HostFacts) -> str:
    there = [engine for engine in facts.engines if engine.state is not EngineState.ABSENT]
    return ", ".join(f"{engine.key} {engine.version or engine.state}" for engine in there) or "none"


def _lacks(host: HostReading) -> Iterator[tuple[str, Fix]]:
    """What is missing of a host in words, with its cure."""
    if isinstance(host.reading, Failure):
        yield f"{host.reading.reason}: {host.reading.detail}", host.fix
        return
    for part, failure in host.reading.gaps.items():
        engine = next((engine.kind for engine in host.reading.engines if engine.key == part), None)
        trouble = remedy.Trouble(host.name, "", path=failure.path, engine=engine, failure=failure)
        yield f"{part}: {failure.reason}: {failure.detail}", remedy.fix(failure.reason, trouble)
