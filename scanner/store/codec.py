"""Turns the domain's frozen values into JSON, then into equal values again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from scanner.domain import facts, plan
from scanner.domain.facts import Failure
from scanner.domain.image import image_survey, offers, reference
from scanner.domain.platform import platform
from scanner.domain.verdict import reason, verdict

T = TypeVar("T")

Make = Callable[[type[Any], dict[str, Any]], Any]
"""Makes a value of a class from its fields."""

_FAILURE = "failed"
"""Marks a Failure, the one type that stands beside others in a union."""

_NAMES = (
    {"Mapping": Mapping}
    | vars(facts)
    | vars(offers)
    | vars(reference)
    | vars(platform)
    | vars(reason)
    | vars(verdict)
    | vars(image_survey)
    | vars(plan)
)
"""What the domain's modules may import for type checkers only."""


_ENCODER = json.JSONEncoder(separators=(",", ":"), sort_keys=True)


def dumps(value: object) -> str:
    """Compact JSON; a field that has its default, or that a value makes of its others, is left out."""
    return _ENCODER.encode(_plain(value))


def made(kind: type[Any], said: dict[str, Any]) -> Any:
    """A value of its own for each that is read."""
    return kind(**said)


def loads(kind: type[T], text: str, make: Make = made) -> T:
    """The value that ``dumps`` was given; ``make`` may give equal ones the same value, for as long as the process lasts.

    Raises:
        ValueError: the text is of another type, or of another version of it.
    """
    try:
        return cast("T", _reader(cast("Any", kind), make)(json.loads(text)))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a stored {kind.__name__}: {error}") from error


def _plain(value: Any) -> Any:
    """The value in JSON's own types; how its class is written is found out once, for a fleet has millions of values."""
    return _writer(cast("Any", type(value)))(value)


@cache
def _writer(kind: type[Any]) -> Callable[[Any], Any]:
    if kind in (NoneType, bool, int, float, str):
        return _itself
    if issubclass(kind, (int, float)):
        return _itself
    if issubclass(kind, str):
        return str
    if kind is bytes:
        return bytes.hex
    if issubclass(kind, tuple):
        return lambda value: [_plain(item) for item in value]
    if issubclass(kind, Mapping):
        return lambda value: {str(key): _plain(item) for key, item in value.items()}
    if is_dataclass(kind):
        return _record_writer(kind)
    raise TypeError(f"cannot store a {kind.__name__}")


def _itself(value: Any) -> Any:
    return value


def _record_writer(kind: type[Any]) -> Callable[[Any], dict[str, Any]]:
    told = [(field.name, _default(field)) for field in fields(kind) if field.init]
    marks = {_FAILURE: True} if issubclass(kind, Failure) else {}

    def write(value: Any) -> dict[str, Any]:
        made = dict(marks)
        for name, default in told:
            item = getattr(value, name)
            if item is not default and item != default:
                made[name] = _plain(item)
        return made

    return write


def _default(field: Field[Any]) -> object:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


@cache
def _reader(kind: Any, make: Make = made) -> Callable[[Any], Any]:
    """How to read a type; made once per type, because a fleet has hundreds of thousands of values."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _union_reader(arguments, make)
    if origin is tuple:
        return _tuple_reader(arguments, make)
    if origin is Mapping:
        item = _reader(arguments[1], make)
        return lambda raw: {key: item(value) for key, value in raw.items()}
    if is_dataclass(kind):
        return _record_reader(cast("type", kind), make)
    if issubclass(kind, StrEnum):
        return cast("Callable[[Any], Any]", kind)
    if issubclass(kind, str) and kind is not str:
        return lambda raw: kind(_expect(raw, str))  # a digest is checked again: the store is no border of ours
    if kind is bytes:
        return bytes.fromhex
    if kind is float:
        return lambda raw: float(_expect(raw, (int, float)))
    return lambda raw: _expect(raw, kind)


def _tuple_reader(members: tuple[Any, ...], make: Make) -> Callable[[Any], Any]:
    if members[-1] is not Ellipsis:
        items = [_reader(member, make) for member in members]
        return lambda raw: tuple(item(one) for item, one in zip(items, _expect(raw, list), strict=True))
    item = _reader(members[0], make)
    return lambda raw: tuple(map(item, _expect(raw, list)))


def _union_reader(members: tuple[Any, ...], make: Make) -> Callable[[Any], Any]:
    values = [member for member in members if member not in (NoneType, Failure)]
    failure = _reader(Failure, make)
    value = _reader(values[0], make) if values else failure

    def read(raw: Any) -> Any:
        if raw is None and NoneType in members:
            return None
        if Failure in members and isinstance(raw, dict) and _FAILURE in raw:
            return failure(raw)
        return value(raw)

    return read


@cache
def hints_of(kind: type) -> Mapping[str, Any]:
    """The declared types of a class of the domain, by field."""
    return get_type_hints(kind, localns=_NAMES)


def _record_reader(kind: type, make: Make) -> Callable[[Any], Any]:
    hints = hints_of(kind)
    # A process refers to itself through its image, so the readers of fields are made when first needed.
    readers: dict[str, Callable[[Any], Any]] = {}

    def read(raw: Any) -> Any:
        if not readers:
            readers.update({field.name: _reader(hints[field.name], make) for field in fields(kind) if field.init})
        return make(kind, {name: readers[name](value) for name, value in raw.items() if name != _FAILURE})

    return read


def _expect(raw: Any, kind: Any) -> Any:
    if not isinstance(raw, kind):
        raise TypeError(f"{raw!r:.40} is not {kind}")
    return raw
