"""A name as it stands in the path of an address of the service."""

from __future__ import annotations

from urllib.parse import quote

from scanner.errors import NO_TEXT, UsageError


def segment(text: str, safe: str = "") -> str:
    """The name, with all but letters, digits and what is ``safe`` written as their numbers.

    Raises:
        UsageError: it holds bytes that are no text.
    """
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError:
        raise UsageError(NO_TEXT) from None
