"""An image's offers as a table, down to the program of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from scanner.cli.outcome import Exit
from scanner.cli.output import output, table
from scanner.cli.server_operations import FILES
from scanner.domain.facts import Source, Stage, Workload
from scanner.domain.failure import Failure
from scanner.domain.image.image_survey import ReachedBy, Survey, SurveyedKind
from scanner.domain.image.offers import ImageFacts, Offer
from scanner.domain.image.reference import image_reference
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict import remedy
from scanner.domain.verdict.reason import STATUS_OF, Status
from scanner.service.config_hint import configured

if TYPE_CHECKING:
    from scanner.domain.image.image_survey import LocatedFile
    from scanner.domain.image.offers import Executable
    from scanner.service.image import InspectedImage


def exit_code(opened: InspectedImage) -> Exit:
    """Findings outrank what is unknown; an image of which nothing is known is never right."""
    facts = opened.facts
    if isinstance(facts, Failure):
        return Exit.INCOMPLETE
    if any(_foreign(offer) for offer in facts.offers):
        return Exit.FINDINGS
    problems = [problem for offer in facts.offers if offer.program for problem in offer.program.problems]
    if any(STATUS_OF[problem.reason] in {Status.MISMATCH, Status.BROKEN} for problem in problems):
        return Exit.FINDINGS
    complete = bool(facts.offers) and all(isinstance(o.config, Platform) and o.program for o in facts.offers)
    return Exit.OK if complete and not problems else Exit.INCOMPLETE


def _foreign(offer: Offer) -> list[Executable]:
    """The files on the way from argv to a running program that are for another CPU than the label says."""
    said = offer.platform
    if said is None or offer.program is None:
        return []
    return [file for file in offer.program.files if file.is_foreign_to(said)]


def refuse(reference: str, failure: Failure) -> None:
    """Why nothing can be shown, then what to do."""
    out = output.console()
    out.print(Text(f"{reference}: {failure.reason}: {failure.detail}", style="magenta"), soft_wrap=True)
    named = image_reference(reference)
    is_file = reference.startswith(FILES)
    filed = Workload("HOST", reference, Source.ARCHIVE, Stage.PLANNED, reference) if is_file else None
    fix = remedy.fix(failure.reason, remedy.Trouble("HOST", reference, reference=named, workload=filed))
    told = configured(fix, failure.reason, failure, named).summary
    out.print(Text(f"  {told}"), soft_wrap=True)


def show(reference: str, facts: ImageFacts, opened: InspectedImage) -> None:
    """A row for each offer, then what else was asked for."""
    out = output.console()
    kind = "index" if facts.is_index else "single image"
    out.print(Text(f"{reference}  {kind}  {facts.digest}"), soft_wrap=True)
    table.show(out, ("OFFERED", "CONFIG SAYS", "MANIFEST", "ARGV", "BINARY"), list(map(_row, facts.offers)))
    for digest, binaries in opened.binaries.items():
        _list(digest, binaries)


def _row(offer: Offer) -> tuple[Text | str, ...]:
    argv = " ".join(offer.program.argv) if offer.program else "-"
    return (str(offer.platform or "?"), _config(offer), offer.digest[:19], argv, _binary(offer))


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
    text = Text("\n").join(Text(_file(file), style="bold red" if file in foreign else "") for file in program.files)
    if foreign:
        text.append(f"\nnot what the label {offer.platform} says", style="red")
    if program.at_run_time:
        text.append(f"\ndecided at run time: {program.at_run_time}", style="yellow")
    if isinstance(offer.survey, Survey):
        text.append(f"\nsurveyed: {offer.survey.elves} programs and libraries, {offer.survey.scripts} scripts")
    elif isinstance(offer.survey, Failure):
        text.append(f"\nnot surveyed: {offer.survey.reason}: {offer.survey.detail}", style="magenta")
    for problem in program.problems:
        text.append(f"{chr(10) if program.files else ''}{problem.reason}: {problem.detail}", style="red")
    return text


def _file(file: Executable) -> str:
    if file.elf:
        libc = f", {file.elf.libc}" if file.elf.libc else ""
        return f"{file.path}: ELF {file.elf.needs or f'machine {file.elf.machine}'}{libc}"
    return f"{file.path}: {file.shebang or file.kind}"


def _list(digest: str, binaries: tuple[LocatedFile, ...] | Failure) -> None:
    """The files for another CPU, those first that something takes."""
    out = output.console()
    if isinstance(binaries, Failure):
        out.print(Text(f"{digest[:19]}: {binaries.reason}: {binaries.detail}", style="magenta"), soft_wrap=True)
        return
    taken = [file for file in binaries if file.way is not ReachedBy.NONE]
    told = f"{len(binaries)} files for another CPU than the image says, {len(taken)} of them on a way"
    out.print(f"{digest[:19]}: {told}", soft_wrap=True)
    for file in sorted(binaries, key=lambda file: (file.way is ReachedBy.NONE, file.path)):
        out.print(Text(f"  {_located(file)}", style="red" if file.way is not ReachedBy.NONE else ""), soft_wrap=True)


def _located(file: LocatedFile) -> str:
    """One file: its path, its CPU, what takes it, what stands beside it."""
    cpu = str(file.needs) if file.needs else f"machine {file.machine}"
    kind = f"ELF {cpu}" if file.kind is SurveyedKind.ELF else _FOREIGN_SYSTEM[file.kind]
    beside = f", beside one for {', '.join(file.twins)}" if file.twins else ""
    return f"{file.path}: {kind} ({_WAYS[file.way]}{beside})"


_FOREIGN_SYSTEM = {SurveyedKind.PE: "Windows program", SurveyedKind.MACHO: "macOS program"}
_WAYS = {
    ReachedBy.PATH: "in PATH",
    ReachedBy.LOADER: "where the loader looks",
    ReachedBy.NAMED: "named on the way",
    ReachedBy.MODULE: "a module that an interpreter may load",
    ReachedBy.JAVA: "a Java machine may load it",
    ReachedBy.APPLICATION: "an executable",
    ReachedBy.NONE: "nothing takes it",
}
