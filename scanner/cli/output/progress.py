"""How far a scan is: a bar on a terminal, nothing where nobody looks."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as LeftColumn
from rich.text import Text

from scanner import ending
from scanner.domain.failure import Failure
from scanner.domain.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.domain.report import HostReading
    from scanner.scan.ports import ScanListener


class _Pace(ProgressColumn):
    """How many hosts are read in a second, of late."""

    def render(self, task: Task) -> Text:
        """One task's pace; nothing before there is one."""
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:.0f} hosts/s" if speed >= SLOW else f"{speed:.1f} hosts/s", style="progress.data.speed")


SLOW = 10
"""Below it a digit behind the point tells something."""


WIDE = 80
"""Columns of a terminal from which the whole bar has one line; the eraser counts on that."""

TAKEN_BACK = b"\r\x1b[2K\x1b[?25h"
"""The line of the bar away, the cursor there again (ECMA-48, DEC private mode 25): whoever ends at once leaves no context."""


@contextmanager
def shown(*, quiet: bool = False) -> Iterator[ScanListener]:
    """A listener that draws on stderr for as long as the context lasts."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _done, _total, _reading: None
        return
    left = LeftColumn(compact=True)
    more = (_Pace(), TimeElapsedColumn(), TextColumn("[dim]left[/]"), left) if console.width >= WIDE else ()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *more)
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("scanning", total=None)

        def listen(done: int, total: int, reading: HostReading) -> None:
            if isinstance(reading.reading, Failure):
                said = Text(printable(reading.name), style="magenta") + Text(
                    f": {reading.reading.reason}", style="none"
                )
                bar.console.print(said)
            bar.update(task, completed=done, total=total)

        ending.draws(TAKEN_BACK)
        try:
            yield listen
        finally:
            ending.draws(b"")
