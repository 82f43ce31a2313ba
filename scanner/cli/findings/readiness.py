"""``archscan readiness``: what would run if the hosts became another platform."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import completion, options, server_operations
from scanner.cli.command import ArchscanCommand
from scanner.cli.outcome import Exit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from scanner.cli.operations import Operations
    from scanner.domain.readiness import Readiness, Tally


class ReadinessFormat(StrEnum):
    """How it is written."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


TEAM_LABEL = "team"
"""Whose a host is, where nobody says otherwise."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("readiness", cls=ArchscanCommand)(readiness)


def readiness(
    context: typer.Context,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="OS/ARCH",
            help="The platform to move to, such as linux/arm64.",
            autocompletion=completion.platforms,
        ),
    ],
    host: options.HostOption = None,
    team_label: Annotated[
        str, typer.Option("--team-label", metavar="NAME", help="The label that says whose a host is.")
    ] = TEAM_LABEL,
    form: Annotated[
        ReadinessFormat, typer.Option("--format", "-f", help="How the result is written to stdout.")
    ] = ReadinessFormat.TABLE,
    output_file: options.OutputOption = None,
    server: server_operations.ServerOption = None,
    token_file: server_operations.TokenFileOption = None,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """What would run if the hosts became another platform: by image, team, registry, host, with what blocks it.

    Reads the hosts, then opens every image they run or plan for a plain host of the target. With --server it tells what a
    running archscan knows of them. Exit code: 0 everything is ready, 1 something is blocked, 3 something is not known.

    Example: archscan readiness --to linux/arm64 --format html --output readiness.html
    """
    operations: Operations = context.obj()
    if server is not None:
        found = operations.readiness_there(server, token_file, to, host or (), team_label)
    else:
        from scanner.cli.output import progress
        from scanner.hosts import names

        common = options.common(config, log_format, log_level)
        with progress.shown() as listen:
            found = names.run(operations.readiness(common, to, host or (), team_label, listen))
    _show(found, form, output_file)
    raise typer.Exit(
        _code({str(outlook): count for outlook, count in found.counts.items()}, unread=bool(found.unread_hosts))
    )


def _code(counts: dict[str, int], *, unread: bool = False) -> Exit:
    if counts.get("blocked"):
        return Exit.FINDINGS
    return Exit.INCOMPLETE if unread or counts.get("unknown") or counts.get("labelled") else Exit.OK


def _show(found: Readiness, form: ReadinessFormat, to: Path | None) -> None:
    from scanner.cli.output import output
    from scanner.domain.readiness import readiness_document

    match form:
        case ReadinessFormat.JSON:
            text = json.dumps(readiness_document(found), indent=2, ensure_ascii=False) + "\n"
        case ReadinessFormat.MARKDOWN:
            text = "\n".join(_markdown(found)) + "\n"
        case ReadinessFormat.HTML:
            from scanner.cli.output import html_report

            text = html_report.readiness_page(found)
        case ReadinessFormat.TABLE:
            text = "\n".join(_table(found)) + "\n"
    output.write_text(text, to)


# ---------------------------------------------------------------- as text


def _table(found: Readiness) -> Iterator[str]:
    from scanner.domain.text import printable

    width = max((len(image.image) for image in found.images), default=5)
    yield f"{'OUTLOOK':<9} {'IMAGE':<{width}} {'HOSTS':>5}  WHY"
    for image in found.images:
        yield f"{image.outlook:<9} {printable(image.image):<{width}} {len(image.hosts):>5}  {printable(image.why)}"
    for title, tallies in (("TEAM", found.by_team), ("REGISTRY", found.by_registry), ("HOST", found.by_host)):
        yield ""
        yield from _tallies(title, tallies)
    yield ""
    counts = ", ".join(f"{count} {outlook}" for outlook, count in found.counts.items() if count)
    unread = (
        f"; not read: {_few(found.unread_hosts)} (archscan inventory --check says why)" if found.unread_hosts else ""
    )
    yield f"{len(found.images)} images for {found.target}: {counts or 'none'}{unread}"


def _few(names: Collection[str]) -> str:
    from scanner.domain.text import printable

    some = ", ".join(map(printable, sorted(names)[:SHOWN_HOSTS]))
    return f"{some} and {len(names) - SHOWN_HOSTS} more" if len(names) > SHOWN_HOSTS else some


SHOWN_HOSTS = 5
"""Names in the last line; as many as fit beside the rest of it."""

BAR = 30
"""Characters of the longest bar."""

_MARKS = {"blocked": "x", "unknown": "?", "labelled": "-", "degraded": "!", "emulated": "~", "ready": "#"}
"""What a piece of a bar is made of."""


def _tallies(title: str, tallies: Sequence[Tally]) -> Iterator[str]:
    width = max((len(tally.name) for tally in tallies), default=0)
    longest = max((tally.total for tally in tallies), default=1)
    yield f"{title:<{max(width, len(title))}}  ({', '.join(f'{mark} {name}' for name, mark in _MARKS.items())})"
    for tally in tallies:
        pieces = (_MARKS[outlook] * -(-count * BAR // longest) for outlook, count in tally.counts.items() if count)
        said = ", ".join(f"{count} {outlook}" for outlook, count in tally.counts.items() if count)
        yield f"{tally.name or '(none)':<{width}}  {''.join(pieces):<{BAR}}  {said}"


def _markdown(found: Readiness) -> Iterator[str]:
    from scanner.cli.output.report_formats import in_table

    yield f"## Readiness for {found.target}"
    yield ""
    yield "| " + " | ".join(str(outlook) for outlook in found.counts) + " |"
    yield "|" + " ---: |" * len(found.counts)
    yield "| " + " | ".join(str(count) for count in found.counts.values()) + " |"
    for title, tallies in (("team", found.by_team), ("registry", found.by_registry)):
        yield ""
        yield f"| {title} | " + " | ".join(str(outlook) for outlook in found.counts) + " |"
        yield "| --- |" + " ---: |" * len(found.counts)
        for tally in tallies:
            yield f"| {in_table(tally.name)} | " + " | ".join(str(count) for count in tally.counts.values()) + " |"
    yield ""
    yield "| outlook | image | hosts | why |"
    yield "| --- | --- | ---: | --- |"
    for image in found.images:
        yield f"| {image.outlook} | {in_table(image.image)} | {len(image.hosts)} | {in_table(image.why)} |"
    if found.unread_hosts:
        yield ""
        yield f"Not read: {in_table(', '.join(found.unread_hosts))}"
