"""JSON of strangers, read so that it has one meaning or none."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NoReturn

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_VALUES = 100_000
"""Opening brackets and commas in one document: 4 MiB of ``[],`` would become 90 MiB of lists."""

MAX_INTEGER_CHARS = 19
"""Digits of the greatest signed 64-bit integer; Go's readers refuse longer ones, Python's cost quadratic time."""

_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


class AmbiguousError(ValueError):
    """Two readers could take the document for two things (CVE-2021-41190)."""


def read_object(body: bytes) -> dict[str, Any] | Failure:
    """Read one JSON object: UTF-8, no key twice, finite numbers, no half characters, bounded nesting."""
    if refused := _oversized(body):
        return refused
    try:
        document = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
        if _SURROGATE_ESCAPE.search(body):
            json.dumps(document, ensure_ascii=False).encode()
    except AmbiguousError as ambiguity:
        return Failure(Reason.IMAGE_AMBIGUOUS, str(ambiguity))
    except RecursionError:
        return Failure(Reason.IMAGE_MALFORMED, "the document is nested too deeply")
    except ValueError as error:
        return Failure(Reason.IMAGE_MALFORMED, f"not JSON: {_cause(error)}")
    if not isinstance(document, dict):
        return Failure(Reason.IMAGE_MALFORMED, "the document is not a JSON object")
    return document


def decoded(body: bytes) -> Any:
    """The same as ``json.loads`` for whoever expects its errors; what is no object is for the caller to refuse.

    Raises:
        json.JSONDecodeError: it is no JSON, or an object of two meanings; the text holds nothing of the document.
    """
    read = read_object(body)
    if not isinstance(read, Failure):
        return read
    try:
        value = json.loads(body)  # which says where it is no JSON
    except RecursionError:
        value = {}
    if not isinstance(value, dict):
        return value
    raise json.JSONDecodeError(read.detail, "", 0)


def refuse_twins(fields: Collection[str], known: Collection[str]) -> None:
    """Refuse a key that only a case-insensitive reader, such as Go's, takes for a known one.

    Raises:
        AmbiguousError: there is such a key.
    """
    folded = {name.casefold() for name in known}
    for key in fields:
        if key not in known and key.casefold() in folded:
            raise AmbiguousError(f"the key {key[:40]!a} differs only in case from one that counts")


def _oversized(body: bytes) -> Failure | None:
    """Judge by brackets and commas alone, before anything is built of them."""
    openings, commas = body.count(b"[") + body.count(b"{"), body.count(b",")
    if openings + commas <= MAX_VALUES:
        return None
    if openings > 2 * commas:
        return Failure(Reason.IMAGE_MALFORMED, "the document is nested too deeply")
    return Failure(Reason.IMAGE_TOO_COMPLEX, f"the document has more than {MAX_VALUES} values")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise AmbiguousError("a key stands twice in one object")
    return found


def _integer(text: str) -> int:
    if len(text) > MAX_INTEGER_CHARS + 1:
        raise ValueError("an integer is too long")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is not finite")
    return number


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _cause(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    if isinstance(error, UnicodeError):
        return "a character is not UTF-8"
    return str(error)
