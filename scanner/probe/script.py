"""The probe itself, as it is sent to hosts."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files


@cache
def script() -> bytes:
    """The text of ``probe.sh``, for ``sh -s`` or to be installed on a host."""
    return files("scanner.probe").joinpath("probe.sh").read_bytes()


@cache
def digest() -> str:
    """The SHA-256 of that text, in hexadecimal."""
    return sha256(script()).hexdigest()
