"""What a model of pydantic finds wrong with a value, in words of ours: its own speak of Python to whoever wrote JSON."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOMENT = "2027-01-31T23:59:59Z"

_CHOICE = re.compile(r"'([^']*)'|(-?\d+)", re.ASCII)

MAX_CHOICES = 12
"""More words than that are a page of their own."""

_PHRASES = (
    ("Value error, ", ""),
    (", unable to parse string as an integer", ""),
    (", unable to parse string as a number", ""),
    ("Input should be", "must be"),
    ("should ", "must "),
    ("a valid integer", "a whole number"),
    ("a valid number", "a number"),
    ("greater than or equal to", "at least"),
    ("less than or equal to", "at most"),
)
"""Of pydantic's messages, in the order in which they are exchanged."""

_NUMBER = "must be a number"
_WHOLE = "must be a whole number"
_TRUTH = "must be true or false"
_LIST = "must be a list"
_OBJECT = "must be an object of JSON"
_MOMENT = f"must be a moment such as {MOMENT}"

_WORDS: Mapping[str, str] = {
    "missing": "is required",
    "string_type": "must be text",
    "string_unicode": "must be text",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "tuple_type": _LIST,
    "list_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "timezone_aware": f"needs a time zone: write it as {MOMENT}",
    "date_type": "must be a day such as 2027-01-31",
    "date_parsing": "must be a day such as 2027-01-31",
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "extra_forbidden": "is not known here",
    "none_required": "must be null",
    "value_error": "{error}",
    "assertion_error": "{error}",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "string_pattern_mismatch": "must be of the form {pattern}",
}


def words(error: Mapping[str, Any]) -> str:
    """What is wrong, one of the errors that a ``ValidationError`` lists; the value itself is not shown, it may be secret."""
    kind, context = str(error["type"]), error.get("ctx", {})
    if kind in {"enum", "literal_error"}:
        return choice(error.get("input"), ["".join(found) for found in _CHOICE.findall(str(context["expected"]))])
    if context.get("min_length") == 1:
        return "must not be empty"
    if said := _WORDS.get(kind, _MOMENT if kind.startswith("datetime_") else ""):
        return said.format_map(context)
    return in_words(str(error["msg"]))


def in_words(message: str) -> str:
    """A message of pydantic's, where nothing else of the error is known."""
    for its, ours in _PHRASES:
        message = message.replace(its, ours)
    return message


def choice(value: object, known: Sequence[str]) -> str:
    """What may stand there; of many words the one that was meant."""
    nearest = difflib.get_close_matches(value if isinstance(value, str) else "", known, 1)
    meant = f"did you mean {nearest[0]}?" if nearest else ""
    if len(known) > MAX_CHOICES:
        return (
            f"is none of {len(known)} words; {meant}" if meant else f"is none of {len(known)} words, such as {known[0]}"
        )
    return f"must be one of {', '.join(known)}" + (f"; {meant}" if meant else "")
