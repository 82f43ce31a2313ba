"""A table where the terminal has room for one, else each row as lines of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

LEAST = 16
"""Characters of a column that is folded: a name in pieces shorter than that cannot be read."""

GAP = 3
"""Characters between two columns, counted once for each."""


def has_room(
    out: Console, names: Sequence[str], rows: Iterable[Sequence[Text | str]], unfolded: Iterable[str] = ()
) -> bool:
    """Whether the terminal takes these columns, those ``unfolded`` whole, each other one in ``LEAST`` characters or all it needs."""
    widths = [len(name) for name in names]
    for row in rows:
        widths = [max(width, *map(len, str(cell).split("\n"))) for width, cell in zip(widths, row, strict=True)]
    whole = set(unfolded)
    return (
        sum(width if name in whole else min(width, LEAST) for name, width in zip(names, widths, strict=True))
        + GAP * len(widths)
        <= out.width
    )


def show(out: Console, names: Sequence[str], rows: Sequence[Sequence[Text | str]]) -> None:
    """The rows below the names of their columns; on a narrow terminal each cell behind its name, whole, for it to wrap."""
    if not has_room(out, names, rows):
        for row in rows:
            for name, cell in zip(names, row, strict=True):
                _line(out, name, cell)
            out.print()
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    out.print(table)


def _line(out: Console, name: str, cell: Text | str) -> None:
    said = Text(cell) if isinstance(cell, str) else cell
    if said:
        out.print(Text.assemble((f"{name:<12}", "bold"), Text("\n" + " " * 12).join(said.split("\n"))), soft_wrap=True)
