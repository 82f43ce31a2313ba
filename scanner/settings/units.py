"""Durations written as ``30s`` or ``1h30m``, sizes written as ``4MiB``."""

from __future__ import annotations

import re

SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
BYTES = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10, "B": 1}

MAX_DIGITS = 9
"""More digits than any sensible amount has; keeps the integers small."""

_DURATION = re.compile(r"(?=\d)" + "".join(rf"(?:(\d{{1,{MAX_DIGITS}}}){unit})?" for unit in SECONDS), re.ASCII)
_SIZE = re.compile(rf"(\d{{1,{MAX_DIGITS}}})({'|'.join(BYTES)})", re.ASCII)

DURATION_PATTERN = "^(?=[0-9])" + "".join(f"(?:[0-9]{{1,{MAX_DIGITS}}}{unit})?" for unit in SECONDS) + "$"
SIZE_PATTERN = f"^[0-9]{{1,{MAX_DIGITS}}}(?:{'|'.join(BYTES)})$"
"""The same in the dialect that JSON schema and JavaScript share."""


def parse_duration(text: object) -> float:
    """Seconds of ``500ms``, ``30s``, ``5m``, ``4h``, ``90d`` or, largest unit first, ``1h30m``.

    Raises:
        ValueError: anything else, a bare number too: its unit would be a guess.
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("must be a duration such as 30s, 5m, 4h or 90d")
    return sum(int(count) * unit for count, unit in zip(match.groups(), SECONDS.values(), strict=True) if count)


def parse_size(text: object) -> int:
    """Bytes of ``512B``, ``64KiB``, ``4MiB`` or ``1GiB``.

    Raises:
        ValueError: anything else.
    """
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("must be a size such as 64KiB, 4MiB or 1GiB")
    return int(match[1]) * BYTES[match[2]]


def format_duration(seconds: float) -> str:
    """The shortest spelling that parses back, to the millisecond: 5400 becomes ``1h30m``."""
    left, parts = round(seconds * 1000), []
    for unit, worth in SECONDS.items():
        count, left = divmod(left, round(worth * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def format_size(count: int) -> str:
    """The largest unit that divides evenly: 4194304 becomes ``4MiB``."""
    unit = next((unit for unit, worth in BYTES.items() if count and count % worth == 0), "B")
    return f"{count // BYTES[unit]}{unit}"
