"""From a file plus the environment to validated settings, or to every problem at once."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from scanner.formats.wrong_values import words
from scanner.settings.environment import override, overrides
from scanner.settings.json_schema import kind_of, node_at, schema_of, sections, step
from scanner.settings.problem import Problem, SettingsError
from scanner.settings.rules import broken
from scanner.settings.schema import Settings
from scanner.settings.units import format_duration, format_size, parse_duration, parse_size
from scanner.settings.yaml_source import Place, SettingsDocument, parse, read_bytes, render, veiled
from scanner.settings.yaml_words import colon_without_space, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

MAX_SHOWN_CHARS = 40
"""A wrong value is shown to this length: enough to find it, too short to fill a log."""

QUOTE = "'"

_SECRET_WORDS = ("password", "token", "secret", "url", "passphrase")
"""Values under these keys are never shown."""

Model = TypeVar("Model", bound=BaseModel)


def load(path: Path | None, environ: Mapping[str, str] | None = None, *, need_hosts: bool = True) -> Settings:
    """The settings of a file, overridden by ``environ``; without a file, the defaults so overridden.

    ``need_hosts`` is false for commands that name no host: they run without an inventory.

    Raises:
        SettingsError: with every problem that was found.
    """
    if path is None:
        return _settings(SettingsDocument("settings", {}), environ or {}, need_hosts=need_hosts)
    content = read_bytes(path)
    try:
        return _settings(parse(content, str(path)), environ or {}, need_hosts=need_hosts)
    except SettingsError as error:
        raise veiled(path, error) from None


def _settings(document: SettingsDocument, environ: Mapping[str, str], *, need_hosts: bool) -> Settings:
    document = override(document, environ, Settings)
    settings = interpret(document, Settings, environ or {})
    if problems := [
        _problem(document, place, message, environ or {}) for place, message in broken(settings, need_hosts=need_hosts)
    ]:
        raise SettingsError(problems)
    return settings


def interpret(document: SettingsDocument, schema: type[Model], environ: Mapping[str, str] | None = None) -> Model:
    """The document as a value of ``schema``; paths in it start from the document's folder.

    Raises:
        SettingsError: with every problem that was found.
    """
    value = {} if document.value is None else document.value
    try:
        return schema.model_validate(value, context={"folder": Path(document.file).absolute().parent})
    except ValidationError as error:
        found = _roots(error.errors(include_url=False))
        raise SettingsError([_explained(document, schema, one, environ or {}) for one in found]) from None


def _problem(
    document: SettingsDocument, place: Place, message: str, environ: Mapping[str, str], nearest: str = ""
) -> Problem:
    variable = next((name for name, at in overrides(environ).items() if at == place), "")
    if variable:
        return Problem(variable, 0, render(place), message, nearest)
    return Problem(document.file, document.line(place), render(place), message, nearest)


def _roots(found: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without the complaints that a list is empty because its items were refused."""
    return [
        one
        for one in found
        if one["type"] != "too_short"
        or not any(other["loc"][: len(one["loc"])] == one["loc"] for other in found if other is not one)
    ]


def _explained(
    document: SettingsDocument, schema: type[BaseModel], error: ErrorDetails, environ: Mapping[str, str]
) -> Problem:
    place = _place(error["loc"], document.value)
    if error["type"] == "extra_forbidden":
        key = key_of(place[-1])
        if key and _nearest(schema, (*place[:-1], key), document.value) == key:
            return _problem(document, place[:-1], colon_without_space(key), environ)
        return _problem(document, place, "unknown key", environ, _nearest(schema, place, document.value))
    written = document.value
    for part in place:
        written = step(written, part)
    key = key_of(written) if error["type"] in _NO_MAPPING else ""
    if key and _nearest(schema, (*place, key), document.value) == key:
        return _problem(document, place, colon_without_space(key), environ)
    return _problem(document, place, _message(error, written), environ)


def _place(loc: Place, value: Any) -> Place:
    """Pydantic's location without the tags of unions, which the file does not have."""
    place: list[str | int] = []
    for position, part in enumerate(loc):
        is_member = isinstance(value, dict) and part in value
        is_item = isinstance(value, tuple) and isinstance(part, int)
        if not (is_member or is_item or position == len(loc) - 1):
            continue
        place.append(part)
        value = step(value, part)
    return tuple(place)


def _nearest(schema: type[BaseModel], place: Place, value: Any) -> str:
    """The key that was probably meant instead of the last one of ``place``."""
    around = value
    for part in place[:-1]:
        around = step(around, part)
    root = schema_of(schema)
    found = sections(root, node_at(root, place[:-1], value))
    known = [
        name for section in found if kind_of(section) in ("", step(around, "kind")) for name in section["properties"]
    ]
    return next(iter(difflib.get_close_matches(str(place[-1]), known, n=1)), "")


_NO_MAPPING = {"model_type", "model_attributes_type", "dict_type"}

_MESSAGES = {
    "string_type": "must be text; write it in quotes",
    "tuple_type": "must be a list: write each item behind a dash",
    "dict_type": "must be a mapping: write NAME: VALUE, one a line",
    "model_type": "must be a mapping: write NAME: VALUE, one a line",
    "model_attributes_type": "must be a mapping: write NAME: VALUE, one a line",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must be 64 hexadecimal digits",
    "union_tag_not_found": "needs a kind",
}
"""What a file of YAML calls otherwise than a document of JSON does."""


def _message(error: ErrorDetails, written: Any) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "value_error":
            return str(context["error"])
        case "literal_error":
            return f"must be one of {context['expected'].replace(QUOTE, '')}{_shown(error)}"
        case "union_tag_invalid":
            kinds = context["expected_tags"].replace(QUOTE, "")
            nearest = difflib.get_close_matches(str(context["tag"]), kinds.split(", "), n=1)
            return f"kind must be one of {kinds}{f'; did you mean {nearest[0]}?' if nearest else ''}"
        case "greater_than_equal" | "less_than_equal":
            return _out_of_range(context, written)
        case kind if kind in _NO_MAPPING and written is None:
            return "has nothing behind it: write {} where nothing is to be set"
        case "dict_type" if isinstance(written, tuple) and written and isinstance(written[0], str):
            return f"must be a mapping, not a list: write {_shorten(written[0])}: {{}} for each"
    return _MESSAGES.get(error["type"]) or words(error)


def _out_of_range(context: Mapping[str, Any], written: object) -> str:
    """Shows the limit in the unit that the value was written in."""
    bound, limit = ("at least", context["ge"]) if "ge" in context else ("at most", context["le"])
    for read, write in ((parse_duration, format_duration), (parse_size, format_size)):
        try:
            read(written)
        except ValueError:
            continue
        return f"{_shorten(written)} is out of range: must be {bound} {write(limit)}"
    return f"{_shorten(written)} is out of range: must be {bound} {limit}"


def _shown(error: ErrorDetails) -> str:
    if any(word in str(error["loc"][-1]) for word in _SECRET_WORDS):
        return ""
    return f", not {_shorten(error['input'])}"


def _shorten(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = text if len(text) <= MAX_SHOWN_CHARS else text[:MAX_SHOWN_CHARS] + "…"
    return "".join(char if char.isprintable() else "?" for char in text)
