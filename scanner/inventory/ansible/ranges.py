"""Host patterns such as ``web[01:20].example.com:2222``."""

from __future__ import annotations

import ipaddress
import re
import string

MAX_NAMES = 100_000
"""A range counts, it does not allocate: ``[0:999999999]`` is refused before it is written out."""

MAX_CHARS = 16 << 20
"""Of all names of one pattern: those hundred thousand of 160 characters each. Behind a long name a short range is many bytes."""

MAX_RANGES = 16
"""Ranges in one pattern; nobody names hosts by more."""

MAX_SHOWN = 80
"""Of a pattern that is mostly one long name."""

_BRACKETED = re.compile(r"\[(.+)\]:([0-9]+)")
_WITH_PORT = re.compile(r"((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)")
_RANGE = r"\[(?:[A-Za-z]:[A-Za-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]"
_LABEL = re.compile(rf"(?:\w|{_RANGE})(?:[\w-]|{_RANGE})*(?<![_-])")
_ONE_RANGE = re.compile(_RANGE)
_HEX_RANGE = re.compile(r"\[[0-9A-Fa-f]+:[0-9A-Fa-f]+(?::[0-9]+)?\]")
_BOUNDS = frozenset({2, 3})


def hosts_of(pattern: str) -> tuple[list[str], int | None]:
    """The names of a pattern, with the port that stands behind it (Ansible's parse_address).

    Raises:
        ValueError: a range without its ends, or with too many names.
    """
    found = _BRACKETED.fullmatch(pattern) or _WITH_PORT.fullmatch(pattern)
    if found is not None and _is_host(found[1]):
        return expand(found[1]), int(found[2][:9])
    return expand(pattern), None


def _is_host(text: str) -> bool:
    """Whether it is a name or an address, ranges included; of anything else the port is a part."""
    if ":" in _ONE_RANGE.sub("", text):
        try:
            ipaddress.IPv6Address(_HEX_RANGE.sub("1", text))
        except ValueError:
            return False
        return True
    shortened = _ONE_RANGE.sub("[1:1]", text)  # so that a dot within no range separates labels
    return all(_LABEL.fullmatch(label) for label in shortened.split("."))


def expand(pattern: str) -> list[str]:
    """The names of a pattern: numbers keep their leading zeros, both ends belong to the range.

    Raises:
        ValueError: a range without two ends, whose ends do not fit each other, or with too many names.
    """
    names = [""]
    rest, ranges = pattern, 0
    while "[" in rest:
        ranges += 1
        head, _, behind = rest.partition("[")
        inside, closing, rest = behind.partition("]")
        if not closing or ranges > MAX_RANGES:
            raise ValueError(f"range {pattern!r} must read [begin:end] or [begin:end:step]")
        written = _written(pattern, inside, len(names))
        names = [f"{name}{head}{one}" for name in names for one in written]
    return [f"{name}{rest}" for name in names]


def _written(pattern: str, inside: str, known: int) -> list[str]:
    bounds = inside.split(":")
    if len(bounds) not in _BOUNDS or not bounds[1]:
        raise ValueError(f"range {pattern!r} must read [begin:end] or [begin:end:step]")
    first, last, step = bounds[0] or "0", bounds[1], bounds[2] if bounds[2:] else "1"
    if not (step.isascii() and step.isdecimal() and int(step[:10]) > 0):
        raise ValueError(f"range {pattern!r} has no step that counts")
    if len(first) > 1 and first.startswith("0") and len(first) != len(last):
        raise ValueError(f"range {pattern!r} has ends of different lengths")
    numbers = (
        _letters(pattern, first, last) if _is_letter(first) and _is_letter(last) else _numbers(pattern, first, last)
    )
    counted = numbers[:: int(step[:10])]
    if len(counted) * known > MAX_NAMES:
        raise ValueError(f"range {pattern!r} has more than {MAX_NAMES} names")
    if len(counted) * known * len(pattern) > MAX_CHARS:
        raise ValueError(f"range {pattern[:MAX_SHOWN]!r}... has names of more than {MAX_CHARS} characters together")
    if isinstance(counted, str):
        return list(counted)
    width = len(first) if len(first) > 1 and first.startswith("0") else 0
    return [str(number).zfill(width) for number in counted]


def _is_letter(text: str) -> bool:
    return len(text) == 1 and text in string.ascii_letters


def _letters(pattern: str, first: str, last: str) -> str:
    start, end = string.ascii_letters.index(first), string.ascii_letters.index(last)
    if start > end:
        raise ValueError(f"range {pattern!r} ends before it starts")
    return string.ascii_letters[start : end + 1]


def _numbers(pattern: str, first: str, last: str) -> range:
    if not all(end.isascii() and end.isdecimal() and len(end) <= 9 for end in (first, last)):  # noqa: PLR2004 -- no fleet is larger
        raise ValueError(f"range {pattern!r} mixes letters with digits")
    if int(last) < int(first):
        raise ValueError(f"range {pattern!r} ends before it starts")
    return range(int(first), int(last) + 1)
