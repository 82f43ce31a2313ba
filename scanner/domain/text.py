"""Untrusted text made bounded, printable, one line."""

from __future__ import annotations

import re
import unicodedata

MAX_TEXT_CHARS = 1000
"""Longer than any runtime's error message, short enough for an alert, a log line or a table cell."""

ELLIPSIS = "…"

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])"
)
_CSI = re.compile(r"\x9b[0-?]*[ -/]*[@-~]")
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str | bytes, limit: int = MAX_TEXT_CHARS) -> str:
    """The text as one line of at most ``limit`` characters; what was cut off is marked with an ellipsis.

    Terminal escapes, control and format characters (among them the bidirectional ones, CVE-2021-42574) and surrogates
    are removed; each run of white space becomes one space; bytes that are not UTF-8 become U+FFFD.
    """
    if isinstance(text, str) and len(text) <= limit and text.isascii() and text.isprintable() and _is_tight(text):
        return text
    raw = text[: 4 * limit + 4 * MAX_TEXT_CHARS]  # no more work than the result is worth
    decoded = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    if not (decoded.isascii() and decoded.isprintable()):
        decoded = _visible(decoded)
    line = " ".join(decoded.split())
    cut = len(raw) < len(text) or len(line) > limit
    return line[: max(limit - 1, 0)] + ELLIPSIS[:limit] if cut else line


def _is_tight(text: str) -> bool:
    """Whether white space stands only between words, one at a time."""
    return "  " not in text and text[:1] != " " and text[-1:] != " "


def _visible(text: str) -> str:
    bare = _CSI.sub("", _ESCAPES.sub("", text))
    return "".join(
        " " if char.isspace() else char
        for char in bare
        if char.isspace() or unicodedata.category(char) not in _UNPRINTABLE
    )
