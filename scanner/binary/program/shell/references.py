"""Variables of bash that stand for others (``declare -n``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LED = 8
"""Variables that name each other."""


class Reference(tuple[str, ...]):  # noqa: SLOT001 - a tuple may have no slots
    """A variable that stands for another one (``declare -n``), kept where arrays are."""

    target: str

    def __new__(cls, target: str) -> Self:
        """To the variable of this name."""
        made = super().__new__(cls, (target,))
        made.target = target
        return made

    def __eq__(self, other: object) -> bool:
        """Whether both stand for the same."""
        return isinstance(other, Reference) and self.target == other.target

    __hash__ = tuple.__hash__


def led(arrays: Mapping[str, tuple[str, ...]], name: str) -> str | None:
    """The variable for which a name stands, itself where it names no other; ``None`` for a circle."""
    for _ in range(MAX_LED):
        found = arrays.get(name)
        if not isinstance(found, Reference):
            return name
        name = found.target
    return None
