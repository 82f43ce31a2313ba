"""Runs as a parsing process: one call after another from standard input, each answered on standard output.

Started with an empty environment and no descriptor but its three; before it reads anything of a stranger's it bounds
itself and, where the kernel can, has itself shut in (``confinement``): no socket, no program, no file but Python's own.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import pickle
import resource
import sys
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable

LENGTH_BYTES = 8

MAX_DESCRIPTORS = 16
"""Its own three; the rest are for modules that a reader imports late."""

NICENESS = 10
"""Strangers' documents wait for the event loop, never the other way round."""

CPU_SPARE_S = 2
"""The kernel counts whole seconds, and the parent's clock is to be the first to end a call."""

DONE, RAISED, TOO_BIG = b"d", b"r", b"m"
"""How an answer begins: a result, an exception of the function, memory beyond the budget."""


def frozen_mapping(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """A read-only mapping, as it comes out of a message."""
    return MappingProxyType(mapping)


def shared_value(kind: type, *said: Any) -> Any:
    """A value of which whoever unpacks the message may keep one for all that are equal."""
    return kind(*said)


def value_again(kind: Any, *said: Any) -> Any:
    """One of our values with all its fields, those too that it works out for itself."""
    value = object.__new__(kind)
    for name, each in zip(_names(kind), said, strict=True):
        object.__setattr__(value, name, each)
    return value


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


def qualified(kind: type) -> str:
    """A class as messages name it."""
    return f"{kind.__module__}.{kind.__qualname__}"


def _said(names: tuple[str, ...]) -> Callable[[object], tuple[Any, ...]]:
    """Gives the fields of these names."""
    if not names:
        return lambda _value: ()
    found = attrgetter(*names)
    return found if len(names) > 1 else lambda value: (found(value),)


def _is_plain(kind: Any) -> bool:
    """Whether its values are their fields and nothing more: a dataclass with slots that says nothing else of messages."""
    is_ours = kind.__module__.startswith("scanner.") and "." not in kind.__qualname__
    return is_dataclass(kind) and is_ours and "__slots__" in vars(kind) and kind.__reduce__ is object.__reduce__


@cache
def _way(kind: Any, shared: frozenset[str]) -> Callable[[Any], Any]:
    """How values of a class are made again where they arrive."""
    if issubclass(kind, Enum):
        return lambda value: (kind, (value.value,))
    if qualified(kind) in shared:
        made = _said(tuple(each.name for each in fields(kind) if each.init))
        return lambda value: (shared_value, (kind, *made(value)))
    if _is_plain(kind):
        every = _said(_names(kind))
        return lambda value: (value_again, (kind, *every(value)))
    return lambda _value: NotImplemented


class Pickler(pickle.Pickler):
    """Knows read-only mappings, which the domain's values hold; a word of a closed list goes by its class and value.

    Enumerations of Python 3.11.0 to 3.11.3, Debian 12's among them, would go by ``getattr``, which could be anything.
    Values of the classes ``shared`` go by their fields, so that equal ones can become one where they arrive. So do
    all others with slots, whose own way would look the fields of their class up anew for each of them.
    """

    def __init__(self, stream: BinaryIO, protocol: int, shared: frozenset[str] = frozenset()) -> None:
        super().__init__(stream, protocol)
        self._shared = shared
        self._ways: dict[Any, Callable[[Any], Any]] = {}

    def reducer_override(self, value: object) -> Any:
        """How an enumeration's member or one of our values is made again, everything else as it says itself."""
        kind: Any = type(value)
        way = self._ways.get(kind) or self._ways.setdefault(kind, _way(kind, self._shared))
        return way(value)

    dispatch_table = {MappingProxyType: lambda mapping: (frozen_mapping, (dict(mapping),))}  # noqa: RUF012 -- so the library wants it


def message(payload: bytes) -> bytes:
    """One message, its length before it."""
    return len(payload).to_bytes(LENGTH_BYTES, "big") + payload


def write(stream: BinaryIO, payload: bytes) -> None:
    """Send one message."""
    stream.write(message(payload))
    stream.flush()


def main() -> None:
    """Answer calls until the parent closes the pipe."""
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    with contextlib.suppress(OSError):  # where that is not permitted, they are only less polite
        os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_DESCRIPTORS, MAX_DESCRIPTORS))
    sys.stdout = sys.stderr  # what a library prints must not become part of an answer
    gc.freeze()
    shared = frozenset(json.loads(sys.argv[2]))
    is_confined = False
    while length := stdin.read(LENGTH_BYTES):
        module, name, seconds, max_bytes, arguments = pickle.loads(stdin.read(int.from_bytes(length, "big")))  # noqa: S301 -- of the parent
        if not is_confined:
            _found(module, name)  # what it imports is ours, wherever that lies
            _confine()
            is_confined = True
        _bound(seconds, max_bytes)
        write(stdout, _answer(module, name, arguments, shared))
        del arguments


def _confine() -> None:
    """Before the first call, whose arguments are bytes as yet."""
    with contextlib.suppress(ImportError):  # a Python without ctypes goes without
        confinement = importlib.import_module("scanner.formats.parsing.confinement")
        confinement.confine(confinement.libraries(sys.path))


def _found(module: str, name: str) -> Callable[..., Any]:
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]  # the parent names a function


def _answer(module: str, name: str, arguments: tuple[Any, ...], shared: frozenset[str]) -> bytes:
    try:
        return DONE + pickled(_found(module, name)(*arguments), shared)
    except MemoryError:
        return TOO_BIG
    except Exception as error:  # noqa: BLE001 -- whatever it is, the parent is told its kind and goes on
        return RAISED + f"{type(error).__name__}: {str(error)[:300]}".encode(errors="replace")


def pickled(value: Any, shared: frozenset[str] = frozenset()) -> bytes:
    """A value as a message holds it."""
    buffer = io.BytesIO()
    Pickler(buffer, pickle.HIGHEST_PROTOCOL, shared).dump(value)
    return buffer.getvalue()


def _bound(seconds: float, max_bytes: int) -> None:
    """The next call's share of the processor's time and of memory; the kernel ends who takes more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    end = int(used.ru_utime + used.ru_stime + seconds) + CPU_SPARE_S
    with contextlib.suppress(ValueError, OSError):  # a lower limit of our own user stands already
        resource.setrlimit(resource.RLIMIT_CPU, (end, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        resource.setrlimit(resource.RLIMIT_AS, (max_bytes, resource.getrlimit(resource.RLIMIT_AS)[1]))
