"""``archscan image``, ``archscan explain``: what an image holds, what an error means."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from scanner.cli import options, output
from scanner.cli.operations import Opened, Operations
from scanner.cli.outcome import Exit
from scanner.domain.facts import Failure, ImageFacts, Offer
from scanner.domain.platform.platform import Platform
from scanner.domain.report_json import plain
from scanner.domain.verdict import remedy
from scanner.domain.verdict.reason import STATUS_OF, Status

if TYPE_CHECKING:
    from scanner.domain.facts import Executable

MAX_EXPLAINED_CHARS = 1 << 20
"""A log of one MiB is more than anybody pastes; the rest would only take time."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("image")(image)
    app.command("explain")(explain)


def image(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="IMAGE", help="An image reference, such as nginx:1.27.")],
    all_binaries: Annotated[
        bool, typer.Option("--all-binaries", help="List every executable made for another CPU than its image says.")
    ] = False,
    form: Annotated[output.Format, typer.Option("--format", "-f", help="table or json.")] = output.Format.TABLE,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """What an image offers, down to the binary that its entrypoint leads to.

    Exit code 1 tells that a binary is for another CPU than its label says, or that nothing of it can start.
    Needs no configuration for public registries; nothing is pulled, nothing is written to disk.

    Example: archscan image registry.example/shop/api:1.4
    """
    operations: Operations = context.obj
    common = options.common(config, log_format, log_level)
    opened = asyncio.run(operations.image(common, reference, all_binaries=all_binaries))
    if form is output.Format.JSON:
        print(json.dumps(plain(opened), indent=2, ensure_ascii=False))  # noqa: T201 -- data goes to stdout
    elif isinstance(opened.facts, Failure):
        _refuse(reference, opened.facts)
    else:
        _show(reference, opened.facts, opened)
    raise typer.Exit(_exit(opened))


def _exit(opened: Opened) -> Exit:
    facts = opened.facts
    if isinstance(facts, Failure):
        return Exit.INCOMPLETE
    if any(_foreign(offer) for offer in facts.offers):
        return Exit.FINDINGS
    problems = [offer.program.problem for offer in facts.offers if offer.program and offer.program.problem]
    if any(STATUS_OF[problem.reason] in {Status.MISMATCH, Status.BROKEN} for problem in problems):
        return Exit.FINDINGS
    told = bool(facts.offers) and all(isinstance(o.config, Platform) and o.program for o in facts.offers)
    return Exit.OK if told and not problems else Exit.INCOMPLETE


def _foreign(offer: Offer) -> list[Executable]:
    """The files on the way from argv to a running program that are for another CPU than the label says."""
    said = offer.platform
    if said is None or offer.program is None:
        return []
    return [file for file in offer.program.chain if file.is_foreign_to(said)]


def _refuse(reference: str, failure: Failure) -> None:
    """Why nothing can be shown, then what to do."""
    out = output.console()
    out.print(Text(f"{reference}: {failure.reason}: {failure.detail}", style="magenta"), soft_wrap=True)
    fix = remedy.fix(failure.reason, remedy.Trouble(host="HOST", image=reference, said=failure.detail))
    out.print(Text(f"  {fix.summary}"), soft_wrap=True)


def _show(reference: str, facts: ImageFacts, opened: Opened) -> None:
    out = output.console()
    kind = "index" if facts.is_index else "single image"
    out.print(Text(f"{reference}  {kind}  {facts.digest}"), soft_wrap=True)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("OFFERED", "CONFIG SAYS", "MANIFEST", "ARGV", "BINARY"):
        table.add_column(name, overflow="fold")
    for offer in facts.offers:
        argv = " ".join(offer.program.argv) if offer.program else "-"
        table.add_row(str(offer.platform or "?"), _config(offer), offer.digest[:19], argv, _binary(offer))
    out.print(table)
    for digest, binaries in opened.binaries.items():
        _list(digest, binaries)


def _config(offer: Offer) -> Text:
    if isinstance(offer.config, Failure):
        return Text(str(offer.config.reason), style="magenta")
    if isinstance(offer.config, Platform):
        return Text(str(offer.config))
    return Text("-")


def _binary(offer: Offer) -> Text:
    """The chain in one cell, one line a file; where it breaks, why."""
    program = offer.program
    if program is None:
        return Text("-")
    foreign = _foreign(offer)
    text = Text("\n").join(Text(_file(file), style="bold red" if file in foreign else "") for file in program.chain)
    if foreign:
        text.append(f"\nnot what the label {offer.platform} says", style="red")
    if program.problem:
        text.append(
            f"{chr(10) if program.chain else ''}{program.problem.reason}: {program.problem.detail}", style="red"
        )
    return text


def _file(file: Executable) -> str:
    if file.elf:
        libc = f", {file.elf.libc}" if file.elf.libc else ""
        return f"{file.path}: ELF {file.elf.needs or f'machine {file.elf.machine}'}{libc}"
    return f"{file.path}: {file.shebang or file.kind}"


def _list(digest: str, binaries: tuple[Executable, ...] | Failure) -> None:
    out = output.console()
    if isinstance(binaries, Failure):
        out.print(Text(f"{digest[:19]}: {binaries.reason}: {binaries.detail}", style="magenta"), soft_wrap=True)
        return
    out.print(f"{digest[:19]}: {len(binaries)} executables for another CPU than the image says", soft_wrap=True)
    for file in binaries:
        out.print(Text(f"  {_file(file)}"), soft_wrap=True)


def explain(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="[TEXT|-]", help="The error, or - to read it from stdin.")] = "-",
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Decode an error of a container runtime: what it means, what causes it, what to do.

    Example: docker logs api 2>&1 | archscan explain -
    """
    options.common(None, log_format, log_level)
    operations: Operations = context.obj
    found = operations.explain(sys.stdin.read(MAX_EXPLAINED_CHARS) if text == "-" else text[:MAX_EXPLAINED_CHARS])
    out = output.console()
    if not found:
        out.print("Nothing in it is a known sign of a wrong CPU or a broken entrypoint.")
        raise typer.Exit(Exit.OK)
    for observation in found:
        out.print(Text(f"{observation.reason} ({STATUS_OF[observation.reason]})", style="bold red"))
        out.print(Text(f"  said:  {observation.phrase}"), soft_wrap=True)
        out.print(Text(f"  means: {observation.cause}"), soft_wrap=True)
    raise typer.Exit(Exit.FINDINGS)
