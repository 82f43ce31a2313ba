"""The probe itself, as it is sent to hosts."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def script() -> bytes:
    """The text of ``probe.sh``, for ``sh -s`` or to be installed on a host."""
    return files("scanner.probe").joinpath("probe.sh").read_bytes()
