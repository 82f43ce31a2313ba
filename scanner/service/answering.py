"""Counts who waits for an answer, so that a scan can let them go first."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Answering:
    """Questions that were let in, until their answer is made."""

    def __init__(self) -> None:
        self._waiting = 0

    def is_awaited(self) -> bool:
        """Whether anybody waits now."""
        return self._waiting > 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Somebody waits within this."""
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
