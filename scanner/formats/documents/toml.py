"""TOML read within bounds."""

from __future__ import annotations

import tomllib
from typing import Any

MAX_CHARS = 256 * 1024
"""A registries.conf with a thousand registries has some 100 KiB."""

MAX_KEY_DOTS = 1000
"""Dots in one line: tomllib walks all parts of a dotted key again for each part, in quadratic time."""


class TomlError(ValueError):
    """A text that is refused; the text says why, never what stands there at length."""


def loads(text: str, max_chars: int = MAX_CHARS) -> dict[str, Any]:
    """The table that a text is.

    Raises:
        TomlError: longer than ``max_chars``, or no TOML.
    """
    if len(text) > max_chars:
        raise TomlError(f"is longer than {max_chars} characters")
    if any(line.count(".") > MAX_KEY_DOTS for line in text.splitlines()):
        raise TomlError(f"has a line with more than {MAX_KEY_DOTS} dots")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise TomlError("is not TOML: nested too deeply") from None
    except ValueError as error:  # tomllib's own error is one, too
        raise TomlError(f"is not TOML: {str(error)[:120]}") from None
