"""Host ranges such as ``web[01:20].example.com``."""

from __future__ import annotations

import re
from itertools import product

MAX_NAMES = 100_000
"""A range counts, it does not allocate: ``[0:999999999]`` is refused before it is written out."""

_RANGE = re.compile(r"\[([0-9]{1,9}|[A-Za-z]):([0-9]{1,9}|[A-Za-z])(?::([1-9][0-9]{0,8}))?\]", re.ASCII)


def expand(pattern: str) -> list[str]:
    """The names of a pattern: numbers keep their leading zeros, both ends belong to the range.

    Raises:
        ValueError: a range that ends before it starts, mixes letters with digits, or has too many names.
    """
    pieces = _RANGE.split(pattern)
    choices: list[list[str]] = []
    total = 1
    for position in range(0, len(pieces), 4):
        choices.append([pieces[position]])
        if position + 1 < len(pieces):
            first, last, step = pieces[position + 1 : position + 4]
            numbers, total = _count(pattern, first, last, int(step or 1), total)
            choices.append(numbers)
    return ["".join(parts) for parts in product(*choices)]


def _count(pattern: str, first: str, last: str, step: int, total: int) -> tuple[list[str], int]:
    if first.isdecimal() != last.isdecimal():
        raise ValueError(f"range {pattern!r} mixes letters with digits")
    start, end = (int(first), int(last)) if first.isdecimal() else (ord(first), ord(last))
    if end < start:
        raise ValueError(f"range {pattern!r} ends before it starts")
    if first.startswith("0") and len(first) > 1 and len(first) != len(last):
        raise ValueError(f"range {pattern!r} has ends of different lengths")
    count = (end - start) // step + 1
    if total * count > MAX_NAMES:
        raise ValueError(f"range {pattern!r} has more than {MAX_NAMES} names")
    width = len(first) if first.startswith("0") else 0
    written = range(start, end + 1, step)
    return [str(n).zfill(width) if first.isdecimal() else chr(n) for n in written], total * count
