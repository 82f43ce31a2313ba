"""Shows what changed since the scan before, once or for as long as somebody watches."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from scanner.cli.options import Format
from scanner.cli.output import difference_table, output, progress
from scanner.domain.report_difference import difference
from scanner.errors import UsageError
from scanner.hosts import names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scanner.cli.operations import Common, Operations
    from scanner.domain.report import Report
    from scanner.domain.verdict.verdict import Depth


@dataclass(frozen=True, slots=True)
class DifferenceRequest:
    """Which hosts are scanned by whom: this command, or a running archscan at ``server``."""

    operations: Operations
    common: Common
    patterns: tuple[str, ...]
    words: tuple[str, ...]
    depth: Depth | None
    server: str | None
    token_file: Path | None
    quiet: bool

    def scanned(self, tell: Callable[[str], None] = lambda _text: None) -> Report:
        """The report of a scan made now."""
        with progress.shown(quiet=self.quiet) as listen:
            if self.server is not None:
                if self.depth is not None:
                    raise UsageError("--depth: a running archscan goes as deep as its own configuration says")
                with self.operations.server(self.server, self.token_file) as there:
                    return there.scan((*self.words, *self.patterns), listen)
            asked = self.operations.scan(self.common, self.patterns, self.depth, listen, self.words, tell)
            return names.run(asked)

    def before(self, against: Path | None) -> Report:
        """What to compare with."""
        if against is None and self.server is not None:
            with self.operations.server(self.server, self.token_file) as there:
                return there.report()
        return self.operations.last_report(self.common, against)


def show(wanted: DifferenceRequest, against: Path | None, form: Format, to: Path | None) -> Report:
    """What is other than before; the report of that alone. Formats for other programs show what opened or changed."""
    before = wanted.before(against)
    found = difference(before, wanted.scanned())
    match form:
        case Format.TABLE if to is None:
            if not wanted.quiet:
                difference_table.show(found)
        case Format.JSON:
            output.write_text(difference_table.as_json(found) + "\n", to, quiet=wanted.quiet)
        case _:
            output.write(found.fresh, form, to=to, quiet=wanted.quiet)
    return found.fresh


def watch(wanted: DifferenceRequest, against: Path | None, pause_s: float, *, is_compared: bool) -> NoReturn:
    """Scan until somebody interrupts; first everything that is not ok, or what is other than before, then what changes."""
    before = wanted.before(against) if is_compared or against is not None else None
    while True:
        report = wanted.scanned()
        if before is None:
            output.write(report, Format.TABLE)
        else:
            difference_table.show(difference(before, report))
        before = report
        time.sleep(pause_s)
