"""A table whose rows one test looks at, each fault told with its row.

A test of its own costs some ten milliseconds of a processor in a run with several workers: each of them collects it, one
sets it up, another writes it down. That is nothing for a test that does something, yet most of what a row of a large table
of pure values costs. ``each_row`` takes what ``pytest.mark.parametrize`` takes, for such tables alone: rows that need a
fixture of their own, that wait, or that somebody wants to run by name stay tests.
"""

from __future__ import annotations

import functools
import inspect
import traceback
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Check = Callable[..., None]

FAULTS = (Exception, pytest.fail.Exception)
"""How a row fails: by what it raises, or by pytest's own word that it raised nothing."""
WITH_ID = type(pytest.param(0))
"""A row that brings its name along."""
SHOWN = 20
"""Faults told with where they arose: enough to see what they have in common. Of the others their rows are named."""


def each_row(
    names: str, rows: Iterable[Any], ids: Callable[[Any], object] | None = None
) -> Callable[[Check], Callable[..., None]]:
    """Call a test with each row; all rows are looked at, then it fails with every fault, each named by its row.

    ``names`` are those of the test's parameters that a row fills, ``"a"`` or ``"a, b"``; what ``ids`` makes of a value
    names it. The other parameters are fixtures, the same for all rows.
    """
    filled = tuple(name.strip() for name in names.split(","))
    table = tuple(_row(row, len(filled), ids or repr) for row in rows)
    assert table, "a table without rows tests nothing"

    def over(check: Check) -> Callable[..., None]:
        assert not inspect.iscoroutinefunction(check), "rows that wait are tests of their own"

        @functools.wraps(check)
        def whole_table(**fixtures: object) -> None:
            faults = []
            for number, (name, values) in enumerate(table):
                named = f"row {number}: {name}"
                try:
                    check(**fixtures, **dict(zip(filled, values, strict=True)))
                except pytest.skip.Exception:
                    faults.append(f"{named}\nit skips, and with it would all others")
                except FAULTS as fault:
                    faults.append(_told(named, fault, is_whole=len(faults) < SHOWN))
            if faults:
                pytest.fail("\n".join((f"{len(faults)} of {len(table)} rows", *faults)), pytrace=False)

        own = inspect.signature(check)
        kept = [parameter for name, parameter in own.parameters.items() if name not in filled]
        assert len(kept) + len(filled) == len(own.parameters), f"{check.__name__} does not take {names}"
        del whole_table.__wrapped__  # else pytest would ask for the rows as fixtures
        whole_table.__signature__ = own.replace(parameters=kept)
        return whole_table

    return over


def _row(row: Any, width: int, ids: Callable[[Any], object]) -> tuple[str, tuple[Any, ...]]:
    """The name of a row, its values."""
    if isinstance(row, WITH_ID):
        assert not row.marks, "a row with marks is a test of its own"
        return str(row.id), tuple(row.values)
    values = tuple(row) if width > 1 else (row,)
    return " - ".join(str(ids(value)) for value in values), values


def _told(named: str, fault: BaseException, *, is_whole: bool) -> str:
    if not is_whole:
        return named
    below = fault.__traceback__.tb_next if fault.__traceback__ else None
    return (
        f"{named}\n{''.join(traceback.format_exception(fault.with_traceback(below or fault.__traceback__))).rstrip()}"
    )
