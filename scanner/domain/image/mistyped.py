"""Guesses what somebody meant who typed what is no image reference."""

from __future__ import annotations

import re

_DIGEST = re.compile(r"@(?:(?P<algorithm>[a-z0-9]+):)?(?P<digits>[^@]*)$", re.ASCII)
_ANY = "write registry/repository:tag, such as nginx:1.27"


def meant(text: str) -> str:
    """How to write it instead, in one clause."""
    scheme, separator, rest = text.partition("://")
    if separator:
        return f"leave out {scheme}://" + (f": {rest}" if rest.isascii() and rest.isprintable() and rest else "")
    if not text.strip():
        return _ANY
    if any(char.isspace() for char in text):
        return "there is a space in it: several images are several words"
    if (digest := _DIGEST.search(text)) is not None:
        said = len(digest["digits"])
        return f"a digest is @sha256: with 64 hexadecimal digits, not {said}"
    if text.endswith(":"):
        return "there is no tag behind the colon"
    return "" if text != text.lower() else _ANY
