"""Values out of the answers of parsing processes, which have read what strangers wrote."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from scanner.formats.parsing import offload_worker, pickled_shape
from scanner.formats.parsing.kept_once import KeptOnce
from scanner.formats.parsing.offload_worker import qualified
from scanner.formats.parsing.pickled_shape import MAX_SIZE, MAX_STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from io import BytesIO


class Shared:
    """Values of some classes, each kept once, however many answers have an equal one."""

    def __init__(self, kinds: Collection[type]) -> None:
        self.names = frozenset(map(qualified, kinds))
        self._kept = KeptOnce(kinds)

    def value(self, kind: type, *said: Any) -> Any:
        """The value with these fields."""
        if qualified(kind) not in self.names:
            raise pickle.UnpicklingError("what is not to be shared")
        return self._kept.value((kind, *said), lambda: kind(*said))


@dataclass(frozen=True, slots=True)
class _Named:
    """A frozen dataclass that an answer names: to make its values again by, not to be called, for some act as they are made."""

    kind: type


class _Unpickler(pickle.Unpickler):
    """Takes our own values and read-only mappings, nothing that could act: the sender has read hostile bytes."""

    def __init__(self, stream: BytesIO, shared: Shared) -> None:
        super().__init__(stream)
        self._makers: dict[str, Callable[..., Any]] = {
            "frozen_mapping": offload_worker.frozen_mapping,
            "value_again": lambda named, *said: offload_worker.value_again(named.kind, *said),
            "shared_value": lambda named, *said: shared.value(named.kind, *said),
        }

    def find_class(self, module: str, name: str) -> Any:
        if module == offload_worker.__name__ and (ours := self._makers.get(name)):
            return ours
        found = super().find_class(module, name) if module.startswith("scanner.") and "." not in name else None
        if isinstance(found, type) and found.__module__ == module:
            if issubclass(found, Enum | str):
                return found
            if is_dataclass(found) and found.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # of dataclasses
                return _Named(found)
        raise pickle.UnpicklingError("something else than a value")


def value_of(payload: bytes | memoryview, shared: Shared, max_steps: int = MAX_STEPS, max_size: int = MAX_SIZE) -> Any:
    """The value in a message (``offload_worker.pickled``) of a process that has read what strangers wrote.

    Raises:
        UnpicklingError: it is too large, or holds something else than values.
    """
    pickled_shape.check(payload, max_steps, max_size)
    return _Unpickler(io.BytesIO(payload), shared).load()
