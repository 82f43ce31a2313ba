"""Values of Compose files, which know where they stand."""

from __future__ import annotations

import math
from typing import Any, Self

from scanner.probe.planned.plans import UnclearError

_TRUE = frozenset({"true", "y", "yes", "on"})
_FALSE = frozenset({"false", "n", "no", "off"})
_SHORTEST_EXPONENT = -4
_LONGEST_DIGITS = 6
"""Where Go's ``%v`` changes from plain digits to an exponent: below 1e-4, from 1e+06 on."""


class Text(str):
    """A text of a Compose file: ``at`` tells where it stands, ``unset`` which variables in it nothing sets.

    ``required`` says what a variable in it must be set for (``${X:?}``), where Compose would refuse the whole project.
    ``marked`` is the text with ``UNKNOWN`` for all that rests on them.
    """

    __slots__ = ("at", "marked", "required", "unset")

    at: str
    unset: tuple[str, ...]
    required: str
    marked: str

    def __new__(
        cls, text: str, at: str = "", unset: tuple[str, ...] = (), required: str = "", marked: str = ""
    ) -> Self:
        """A text with what is known of it."""
        made = super().__new__(cls, text)
        made.at, made.unset, made.required, made.marked = at, unset, required, marked or text
        return made

    def __bool__(self) -> bool:
        """Whether it says anything; what is open may."""
        return len(self) > 0 or self.is_open

    def like(self, text: str) -> Text:
        """Another text made of this one."""
        return Text(text, self.at, self.unset, self.required)

    @property
    def is_open(self) -> bool:
        """Whether variables that nothing sets leave open what it is."""
        return bool(self.unset or self.required)


class WholePath(Text):
    """A path that is written as the texts of a project name it, wherever the file is that has it."""

    __slots__ = ()


def at_of(value: object) -> str:
    """Where a value stands; empty where nobody knows."""
    return value.at if isinstance(value, Text) else ""


def closed(value: Any, what: str) -> str:
    """A text without open variables.

    Raises:
        UnclearError: it rests on variables that nothing sets.
    """
    if isinstance(value, Text) and value.required:
        raise UnclearError(f"{what}: {value.required}")
    if isinstance(value, Text) and value.unset:
        raise UnclearError(f"nothing sets the variable {value.unset[0]} of {what}")
    return str(value)


def shown(value: Any) -> str:
    """A scalar as Go prints it (``%v``)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    return str(value)


def _float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    digits, _, exponent = f"{value:.17e}".partition("e")
    for precision in range(17):
        digits, _, exponent = f"{value:.{precision}e}".partition("e")
        if float(f"{digits}e{exponent}") == value:
            break
    if _SHORTEST_EXPONENT <= int(exponent) < _LONGEST_DIGITS:
        return f"{value:.{max(0, len(digits.lstrip('-').replace('.', '')) - 1 - int(exponent))}f}"
    return f"{digits}e{exponent}"


def with_value(name: str, value: Any) -> Any:
    """``name=value`` of a mapping's entry, the name alone where it has no value."""
    if value is None:
        return name
    text = f"{name}={shown(value)}"
    return value.like(text) if isinstance(value, Text) else text


def boolean(value: Any, what: str) -> bool | None:
    """A boolean, also one written as text; none where nothing is said.

    Raises:
        UnclearError: it is none.
    """
    if value is None or isinstance(value, bool):
        return value
    word = closed(value, what).lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise UnclearError(f"{what} is neither true nor false")


def integer(value: Any, what: str) -> int | None:
    """A whole number, also one written as text; none where nothing is said.

    Raises:
        UnclearError: it is none.
    """
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    try:
        return int(closed(value, what), 10)
    except ValueError as error:
        if isinstance(error, UnclearError):
            raise
        raise UnclearError(f"{what} is no whole number") from error
