"""A request that the models of its endpoint refuse, as a problem in words of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.domain.text import printable
from scanner.formats.wrong_values import words
from scanner.web.http.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_ERRORS = 20

MAX_CHARS = 200


def malformed(errors: Sequence[Mapping[str, Any]], body: object, content_type: str) -> Problem:
    """What is wrong where; the values themselves are left out, one may be a secret that went astray."""
    found: dict[str, dict[str, None]] = {}
    for error in errors[:MAX_ERRORS]:
        found.setdefault(_place(error, body), {})[_said(error, content_type)] = None
    wrong = [
        {"at": printable(place, MAX_CHARS), "detail": printable(" or ".join(said), MAX_CHARS)}
        for place, said in found.items()
        if not any(other.startswith(f"{place}.") for other in found)  # of several kinds the one that was written
    ]
    detail = "; ".join(f"{one['at']}: {one['detail']}" for one in wrong)
    return Problem(400, "malformed", printable(detail), None, errors=wrong)


def _place(error: Mapping[str, Any], body: object) -> str:
    """Where it stands in what was sent, without the names of the kinds that might stand there."""
    first, *parts = error["loc"]
    if first != "body":
        return ".".join(map(str, (first, *parts)))
    kept, value = [first], body
    for position, part in enumerate(parts):
        is_member = isinstance(value, dict) and part in value
        is_item = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if is_member or is_item:
            value = value[part]  # type: ignore[index] # which of the two it is was just looked at
        elif error["type"] != "missing" or position < len(parts) - 1:
            continue
        kept.append(part)
    return ".".join(map(str, kept))


def _said(error: Mapping[str, Any], content_type: str) -> str:
    is_whole = tuple(error["loc"]) == ("body",)
    if is_whole and error["type"] == "missing":
        return "is empty: send an object of JSON"
    if is_whole and isinstance(error.get("input"), bytes) and not _is_json(content_type):
        return "is read as JSON only with the header Content-Type: application/json"
    if error["type"] == "json_invalid":
        at = error["loc"][-1]
        return f"is no JSON: {error['ctx']['error']}" + (f" (character {at})" if at else "")
    return words(error)


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
