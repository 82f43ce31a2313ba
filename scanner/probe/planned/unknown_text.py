"""Text of which a part is known only when it is used."""

from __future__ import annotations

from scanner.formats.shell import unknown

UNKNOWN = unknown.UNKNOWN
"""Stands for any text: no argument, path or variable of a process can hold it."""

HIDDEN = "@hidden"
"""What the probe writes for a value that stays on the host."""


def is_known(text: str) -> bool:
    """Whether all of a text is known."""
    return UNKNOWN not in text and HIDDEN not in text


def shown(text: str) -> str:
    """The text for people."""
    return text.replace(UNKNOWN, "…")


def opened(text: str) -> str:
    """The text, what stays on the host as unknown as the rest."""
    return text.replace(HIDDEN, UNKNOWN)
