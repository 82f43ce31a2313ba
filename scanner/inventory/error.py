"""The problems of an inventory, one a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable


class InventoryError(UsageError, ValueError):
    """An inventory that is refused; each problem starts with its place, as far as it is known."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(*self.problems)
