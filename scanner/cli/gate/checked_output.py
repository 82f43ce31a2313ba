"""The gate's answer in the format that was asked for, or as images by the digest that was judged."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from rich.text import Text

from scanner.cli.options import Format
from scanner.cli.outcome import Exit
from scanner.cli.output import output
from scanner.domain.text import printable
from scanner.formats.documents import json_writer
from scanner.service import check_document

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.service.answers import Checked


def write(checked: Checked, form: Format, *, to: Path | None = None, quiet: bool = False) -> None:
    """Write the answer to stdout, else into the file ``to``; ``quiet`` leaves stdout silent.

    Raises:
        UsageError: the file cannot be written.
    """
    if form is not Format.JSON:
        output.write(checked.report, form, decision=checked.decision, every=True, to=to, quiet=quiet)
        if form is Format.TABLE and to is None and not quiet:
            _settings(checked)
        return
    pieces = json_writer.pieces(check_document.head(checked), check_document.rows(checked))
    if to is None:
        if not quiet:
            for piece in pieces:
                print(piece, end="")  # noqa: T201 -- data goes to stdout
            print()  # noqa: T201 -- the same
        return
    output.write_pieces((*pieces, "\n"), to)


def write_pins(checked: Checked, code: Exit) -> Exit:
    """The references by digest on stdout where all may go; what was found goes to stderr, all there is where it may not.

    Somebody may answer for an image whose digest nobody could tell: then there is nothing on stdout either, and whoever
    goes on by the exit code does not. An image in a file has no digest to pull it by, and is left out.
    """
    write_aside(checked)
    missing = check_document.unpinned(checked) if checked.overridden else []
    for image in missing:
        print(f"archscan: {printable(image, 500)} has no digest to pin: it could not be resolved", file=sys.stderr)  # noqa: T201 -- beside the data
    if code is not Exit.OK or missing:
        return Exit.INCOMPLETE if code is Exit.OK else code
    for pin in checked.pins.values():
        print(pin)  # noqa: T201 -- data goes to stdout
    return code


def write_aside(checked: Checked) -> None:
    """What was found, on stderr."""
    with contextlib.redirect_stdout(sys.stderr):
        write(checked, Format.TABLE)


def _settings(checked: Checked) -> None:
    """What of the decision a setting made."""
    out = output.console()
    said = dict.fromkeys(
        f"{ruling.decision}: {ruling.because} ({ruling.finding.workload.host})"
        for ruling in checked.rulings
        if ruling.because
    )
    nothing = () if checked.report.findings else (f"{checked.decision}: {check_document.NOTHING}",)
    told = (line for one in checked.instead.values() for line in check_document.instead_lines(one))
    for line in dict.fromkeys((*nothing, *said, *told)):
        out.print(Text(f"     {printable(line, 500)}", style="dim"), soft_wrap=True)
