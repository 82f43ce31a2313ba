"""How far a scan is: a bar on a terminal, nothing where nobody looks."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from scanner.domain.facts import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.domain.report import HostReading
    from scanner.scan.ports import Listener


@contextmanager
def shown(*, quiet: bool = False) -> Iterator[Listener]:
    """A listener that draws on stderr for as long as the context lasts."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _done, _total, _reading: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("scanning", total=None)

        def listen(done: int, total: int, reading: HostReading) -> None:
            if isinstance(reading.reading, Failure):
                bar.console.print(f"[magenta]{reading.name}[/]: {reading.reading.reason}", highlight=False)
            bar.update(task, completed=done, total=total)

        yield listen
