"""Parses what strangers wrote about hosts in a process that can be ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from scanner.formats.parsing.offload import BudgetExceeded, CallBudget
from scanner.inventory.error import InventoryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.formats.parsing.offload import Parsers

BUDGET = CallBudget(seconds=60, max_steps=20_000_000)
"""Ten thousand hosts take some two seconds; a busy machine may need ten times as long.

The most that an inventory may have (``merge.MAX_HOSTS``) take as many steps with some forty labels each."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why an inventory is refused, on its way out of the process."""

    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offload:
    """Calls functions of this room in ``parsers``; without them in the thread that calls, which is for tests."""

    parsers: Parsers | None = None

    def __call__(self, place: str, function: Callable[_P, _T], *args: _P.args, **_: _P.kwargs) -> _T:
        """What ``function`` returns; ``place`` is the source that it reads.

        Raises:
            InventoryError: it refuses the source, or reading it costs more than any inventory does.
        """
        if self.parsers is None:
            return function(*args)  # type: ignore[call-arg]  # positional only
        found = self.parsers.call(_caught, BUDGET, function, args)
        if isinstance(found, BudgetExceeded):
            raise InventoryError([f"{place}: cannot be read: {found.detail}"])
        if isinstance(found, _Refused):
            raise InventoryError(found.problems)
        return cast("_T", found)


def _caught(function: Callable[..., object], args: tuple[object, ...]) -> object:
    try:
        return function(*args)
    except InventoryError as error:
        return _Refused(error.problems)


INLINE = Offload()
"""Reads in the calling thread."""
