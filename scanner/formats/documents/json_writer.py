"""JSON documents written row by row, so that the longest list costs no more memory than its longest row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROWS_A_PIECE = 64
"""Rows that are handed on together; a call of write costs more than a row."""

_LONE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def pieces(head: Mapping[str, Any], rows: Mapping[str, Iterable[Any]]) -> Iterator[str]:
    """One object: the fields of ``head``, behind them each list of ``rows``, indented by two spaces a level.

    Halves of surrogate pairs, which no UTF-8 can hold, become U+FFFD. The values are of JSON's own types.
    """
    begun = _dumped(head, "")
    is_first = begun == "{}"
    yield "{" if is_first else begun.removesuffix("\n}")
    for name, items in rows.items():
        yield ("" if is_first else ",") + f"\n  {_dumped(name, '')}: ["
        is_first = False
        is_empty = True
        for group in _grouped(items):
            yield ("\n    " if is_empty else ",\n    ") + ",\n    ".join(group)
            is_empty = False
        yield "]" if is_empty else "\n  ]"
    yield "}" if is_first else "\n}"


def dumped(value: Any) -> bytes:
    """One value in as few bytes as it takes, halves of surrogate pairs as U+FFFD."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(_whole(value))


def _grouped(items: Iterable[Any]) -> Iterator[list[str]]:
    group: list[str] = []
    for item in items:
        group.append(_dumped(item, "    "))
        if len(group) == ROWS_A_PIECE:
            yield group
            group = []
    if group:
        yield group


def _dumped(value: Any, indent: str) -> str:
    try:
        written = orjson.dumps(value, option=orjson.OPT_INDENT_2)
    except TypeError:
        written = orjson.dumps(_whole(value), option=orjson.OPT_INDENT_2)
    text = written.decode()
    return text.replace("\n", f"\n{indent}") if indent else text  # within strings a line end is written as \n


def _whole(value: Any) -> Any:
    """The same without what cannot be written; rare, so that only those who have it pay for it."""
    match value:
        case str():
            return _LONE.sub(_REPLACEMENT, value)
        case int() if not -(1 << 63) <= value < 1 << 64:
            return str(value)  # most readers of JSON would make another number of it
        case dict():
            return {_whole(key): _whole(item) for key, item in value.items()}
        case list() | tuple():
            return [_whole(item) for item in value]
        case _:
            return value
