"""Turns the domain's frozen values into JSON, then into equal values again."""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from json.encoder import encode_basestring_ascii
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from scanner.domain import facts, plan
from scanner.domain.failure import Failure
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


_OF_A_FLEET: frozenset[type] = frozenset({
    verdict.Verdict, facts.LocalImage, facts.Process, facts.Kernel, facts.Engine, reference.ImageReference, facts.Workload,
})  # fmt: skip
"""What hosts of one kind have in common: a fleet runs the same images on the same CPUs; what a host and a finding both hold."""

_NUMBERS = json.JSONEncoder()

_MAX_REMEMBERED = 10_000
"""Texts kept by one writer: a fleet shares some thousand verdicts and images, other parts are of one workload alone."""


def dumps(value: object) -> str:
    """Compact JSON, keys in order; a field that has its default, or that a value makes of its others, is left out."""
    return Writer().dumps(value)


@dataclass(slots=True)
class Writer:
    """Writes many values that have parts in common: the text of a part of a ``shared`` class is made once."""

    shared: frozenset[type] = frozenset()
    _known: dict[int, tuple[object, str]] = field(default_factory=dict)
    _workloads: dict[int, tuple[object, str]] = field(default_factory=dict)

    def forget_workloads(self) -> None:
        """Whatever holds those that were written is written."""
        self._workloads.clear()

    def dumps(self, value: object) -> str:
        """The same as ``dumps`` of the module."""
        return self.text(value)

    def text(self, value: object) -> str:
        """A value, or a part of one."""
        kind: Any = type(value)
        if kind not in self.shared:
            return _writer(kind)(value, self)
        kept = self._workloads if kind is facts.Workload else self._known
        known = kept.get(id(value))
        if known is None:
            if len(kept) >= _MAX_REMEMBERED:
                kept.clear()
            # with the value, so that no other one gets its id
            known = kept[id(value)] = value, _writer(kind)(value, self)
        return known[1]


def of_a_fleet() -> Writer:
    """A writer for the reports of a fleet."""
    return Writer(_OF_A_FLEET)


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


Write = Callable[[Any, Writer], str]
"""Makes the text of a value of one class."""


@cache
def _writer(kind: type[Any]) -> Write:
    """How to write a class; found out once, for a fleet has millions of values."""
    if kind is NoneType:
        return lambda _value, _writer: "null"
    if issubclass(kind, int) and kind is not bool:
        return lambda value, _writer: int.__repr__(value)
    if issubclass(kind, (bool, float)):
        return lambda value, _writer: _NUMBERS.encode(value)
    if issubclass(kind, str):
        return lambda value, _writer: encode_basestring_ascii(str(value))
    if kind is bytes:
        return lambda value, _writer: f'"{value.hex()}"'
    if issubclass(kind, tuple):
        return lambda value, writer: f"[{','.join(map(writer.text, value))}]"
    if issubclass(kind, Mapping):
        return _write_mapping
    if is_dataclass(kind):
        return _record_writer(kind)
    raise TypeError(f"cannot store a {kind.__name__}")


def _write_mapping(value: Mapping[Any, Any], writer: Writer) -> str:
    named = {str(key): item for key, item in value.items()}
    return f"{{{','.join(f'{encode_basestring_ascii(key)}:{writer.text(named[key])}' for key in sorted(named))}}}"


def _record_writer(kind: type[Any]) -> Write:
    told = {one.name: _default(one) for one in fields(kind) if one.init}
    names = sorted(told)
    get: Callable[[Any], tuple[Any, ...]] = attrgetter(*names)
    if len(names) == 1:
        get = lambda value: (getattr(value, names[0]),)  # noqa: E731 -- as the other is
    said = get
    keyed = [(f'"{name}":', told[name], told[name] not in (None, MISSING)) for name in names]
    if issubclass(kind, Failure):
        at = bisect(names, _FAILURE)
        keyed.insert(at, (f'"{_FAILURE}":', MISSING, False))
        said = lambda value: (*get(value)[:at], True, *get(value)[at:])  # noqa: E731 -- the same

    def write(value: Any, writer: Writer) -> str:
        made = []
        for item, (key, default, has_equals) in zip(said(value), keyed, strict=True):
            if item is default or (has_equals and item == default):
                continue
            text = (
                encode_basestring_ascii(item) if type(item) is str else writer.text(item)
            )  # most fields are plain text
            made.append(key + text)
        return f"{{{','.join(made)}}}"

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
