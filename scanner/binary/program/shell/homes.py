"""The home directory that an engine tells the image's user."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.binary.program.shell.image_paths import PathKind

if TYPE_CHECKING:
    from scanner.binary.program.shell.image_paths import Files

_ACCOUNTS = "/etc/passwd"
_FIELDS = 7
"""Of a line of passwd(5)."""

_OF_HOME = re.compile(rb"HOME|~")


def home_of(user: str, files: Files) -> str | None:
    """Engines set HOME by the image's accounts; without one of the user's they differ, but for root, who gets ``/``."""
    user, standing = user.partition(":")[0] or "0", files.stands(_ACCOUNTS)
    passwd = files.text(_ACCOUNTS) if standing.kind is PathKind.FILE else b""
    if passwd is None or standing.kind is PathKind.UNKNOWN:
        return None
    entries = [line.split(":") for line in passwd.decode("utf-8", "replace").splitlines()]
    fitting = (entry for entry in entries if len(entry) == _FIELDS and user in {entry[0], entry[2]})
    entry = next(fitting, None)
    return entry[5] if entry else "/" if user == "0" else None


def asks(text: bytes) -> bool:
    """Whether a script may ask for the home of its user, for which the image's accounts are read."""
    return _OF_HOME.search(text) is not None
