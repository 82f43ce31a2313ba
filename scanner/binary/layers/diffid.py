"""Holds what a layer unpacks to against the digest that the image's config lists for it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from scanner.binary.layers.limits import unreadable
from scanner.domain.failure import Failure
from scanner.domain.verdict.condition import Condition

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.domain.image.reference import Digest


class DiffId:
    """Hands unpacked bytes on; ``check`` raises ``LayerError`` where they are not those of ``expected``.

    Docker, containerd and newer Podman refuse such a layer, as they do one of which the config says no digest (a failure).
    Nothing is expected (``None``) where the config lists another number of layers.
    """

    def __init__(self, expected: Digest | Failure | None, take: Callable[[bytes], None]) -> None:
        self._expected = expected
        self._take = take
        self._hash = None if expected is None or isinstance(expected, Failure) else hashlib.new(expected.algorithm)

    def take(self, piece: bytes) -> None:
        """Take the next unpacked bytes."""
        if self._hash is not None:
            self._hash.update(piece)
        self._take(piece)

    def check(self) -> None:
        """The layer is over."""
        if self._expected is None:
            return
        found = f"{self._hash.name}:{self._hash.hexdigest()}" if self._hash is not None else ""
        if found != self._expected:
            raise unreadable("the layer unpacks to other bytes than the image's config says", Condition.DIFF_ID_WRONG)
