"""Whether values of Compose files have the shapes that they must have."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scanner.probe.planned.compose.values import Text, boolean, integer
from scanner.probe.planned.plans import UnclearError

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXTENSION = "x-"
_FORMS = {
    "duration": re.compile(r"[-+]?(?:0|(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h|d|w))+)"),
    "go_duration": re.compile(r"[-+]?(?:0|(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)"),
    "size": re.compile(r"[0-9.]*[0-9] *(?:[kmgtp]?b?|[kmgtp]ib)", re.IGNORECASE),
}
_PORTS = re.compile(r"[0-9]{1,5}(?:-[0-9]{1,5})?", re.ASCII)
_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar of some kinds: ``text``, ``number``, ``whole``, ``bool``, ``null``.

    ``cast`` is what Compose makes of a text here (``whole``, ``number``, ``bool``, ``duration``, ``size``, ``port``; ``go_duration`` knows no days),
    which must be one; ``pattern`` must be found in a text, ``words`` are all that it may be.
    """

    kinds: frozenset[str]
    cast: str = ""
    pattern: re.Pattern[str] | None = None
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Listing:
    """A sequence of values of a shape; ``is_set`` allows each of them once."""

    items: Shape
    is_set: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with fields of known names; ``required`` ones must be there, ``x-`` ones may unless it is ``closed``."""

    fields: Mapping[str, Shape]
    required: tuple[str, ...] = ()
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """A mapping whose keys are names that an author chose, after a pattern."""

    values: Shape
    pattern: re.Pattern[str] = field(default_factory=lambda: re.compile(r"."))


@dataclass(frozen=True, slots=True)
class Anything:
    """A value that nobody looks at."""


Shape = Scalar | Listing | Record | Names | Anything | tuple["Shape", ...]
"""A tuple is a choice: the first shape that the value's kind has is held against it."""


def check(value: Any, shape: Shape, where: tuple[str, ...], at: str) -> None:
    """Whether a value has a shape, to its end; its depth is the shape's.

    Raises:
        UnclearError: it has not; the text names the line as far as it is known, then the keys.
    """
    if isinstance(value, Text) and value.at:
        at = value.at
    match shape:
        case Scalar():
            _scalar(value, shape, where, at)
        case Listing():
            _listing(value, shape, where, at)
        case Record():
            _record(value, shape, where, at)
        case Names():
            _names(value, shape, where, at)
        case Anything():
            return
        case _:
            _choice(value, shape, where, at)


def refused(where: tuple[str, ...], at: str, why: str) -> UnclearError:
    """A refusal with its place."""
    return UnclearError(f"{at}: {'.'.join(where) or 'it'} {why}")


def _kinds(value: Any) -> frozenset[str]:
    if value is None:
        return frozenset({"null"})
    if isinstance(value, bool):
        return frozenset({"bool"})
    if isinstance(value, int | float):
        is_whole = isinstance(value, int) or value.is_integer()
        return frozenset({"number", "whole"} if is_whole else {"number"})
    return frozenset({"text"} if isinstance(value, str) else {"list" if isinstance(value, list) else "mapping"})


def _takes(value: Any, shape: Shape) -> bool:
    """Whether a value is of the kind that a shape is for."""
    match shape:
        case Scalar():
            return bool(_kinds(value) & shape.kinds)
        case Listing():
            return isinstance(value, list)
        case Record() | Names():
            return isinstance(value, dict)
        case Anything():
            return True
        case _:
            return any(_takes(value, one) for one in shape)


def _choice(value: Any, shapes: tuple[Shape, ...], where: tuple[str, ...], at: str) -> None:
    fitting = next((one for one in shapes if _takes(value, one)), None)
    if fitting is None:
        raise refused(where, at, "is of a kind that Compose does not take there")
    check(value, fitting, where, at)


def _scalar(value: Any, shape: Scalar, where: tuple[str, ...], at: str) -> None:
    if not _kinds(value) & shape.kinds:
        raise refused(where, at, "is of a kind that Compose does not take there")
    if not isinstance(value, str) or (isinstance(value, Text) and value.is_open):
        return
    if (shape.words and value not in shape.words) or (shape.pattern and not shape.pattern.search(value)):
        raise refused(where, at, "is none of the words that Compose takes there")
    if shape.cast:
        _cast(value, shape.cast, where, at)


def _cast(value: str, to: str, where: tuple[str, ...], at: str) -> None:
    if not _stands_for(value, to):
        raise refused(where, at, f"is a text that stands for no {to}")


def _stands_for(value: str, kind: str) -> bool:
    try:
        match kind:
            case "bool":
                boolean(value, "it")
            case "whole":
                integer(value, "it")
            case "number":
                float(value)
            case "port":
                return _is_port(value)
            case _:
                return _FORMS[kind].fullmatch(value) is not None
    except ValueError:
        return False
    return True


def _is_port(text: str) -> bool:
    """``[[IP:]PUBLISHED:]TARGET[/PROTOCOL]``, where both ports may be ranges of the same length (Docker's ``nat``)."""
    ports, slash, protocol = text.partition("/")
    if slash and protocol.lower() not in _PROTOCOLS:
        return False
    *address, published, target = ["", "", *ports.split(":")][-max(2, ports.count(":") + 1) :]
    ranges = [_PORTS.fullmatch(part) for part in (published, target) if part or part is target]
    host = ":".join(address).strip("[]")
    return all(ranges) and (not host or bool(ipaddress.ip_address(host)))


def _listing(value: Any, shape: Listing, where: tuple[str, ...], at: str) -> None:
    if not isinstance(value, list):
        raise refused(where, at, "must be a list")
    for number, one in enumerate(value):
        check(one, shape.items, (*where, str(number)), at)
    if shape.is_set and len({str(one) for one in value}) < len(value):
        raise refused(where, at, "has an entry twice")


def _record(value: Any, shape: Record, where: tuple[str, ...], at: str) -> None:
    if not isinstance(value, dict):
        raise refused(where, at, "must be a mapping")
    for key, one in value.items():
        if key in shape.fields:
            check(one, shape.fields[key], (*where, key), at)
        elif shape.closed or not key.startswith(_EXTENSION):
            raise refused((*where, key), _within(one, at), "is a key that Compose does not know")
    for key in shape.required:
        if key not in value:
            raise refused((*where, key), _within(value, at), "is missing")


def _names(value: Any, shape: Names, where: tuple[str, ...], at: str) -> None:
    if not isinstance(value, dict):
        raise refused(where, at, "must be a mapping")
    for key, one in value.items():
        if not shape.pattern.search(key):
            raise refused((*where, key), _within(one, at), "is a name that Compose does not take")
        check(one, shape.values, (*where, key), at)


def _within(value: Any, at: str) -> str:
    """Where the first text within a value stands, as far as it takes no search."""
    for _ in range(len(("mapping", "list", "mapping"))):
        if isinstance(value, Text):
            return value.at or at
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        value = next(iter(inner), None)
    return value.at if isinstance(value, Text) and value.at else at
