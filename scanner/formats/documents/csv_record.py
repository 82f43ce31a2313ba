"""The first record of comma-separated values, as the reader of Go's library takes it that engines use."""

from __future__ import annotations

import re

_FIELD = re.compile(r'(?:"((?:[^"]++|"")*+)"|([^",\n]*+))(?=[,\n]|\Z)')


def first_record(text: str) -> tuple[str, ...] | None:
    """The fields of the first line that is not empty; ``None`` where Go's ``encoding/csv`` refuses it, or there is none.

    A field in quotes may hold commas, ends of lines, quotes written twice; a quote elsewhere is refused.
    """
    record = text.replace("\r\n", "\n").removesuffix("\r").lstrip("\n")
    found: list[str] = []
    at = 0
    while record and (field := _FIELD.match(record, at)):
        found.append(field[2] if field[1] is None else field[1].replace('""', '"'))
        at = field.end() + 1
        if record[field.end() : at] != ",":
            return tuple(found)
    return None
