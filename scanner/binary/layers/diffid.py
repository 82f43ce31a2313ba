"""What a layer unpacks to, held to the digest that the image's config lists for it."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from scanner.binary.layers.limits import unreadable
from scanner.domain.verdict.condition import Condition

if TYPE_CHECKING:
    from collections.abc import Callable

_DIFF_ID = re.compile(r"(sha256|sha512):([0-9a-f]{64,128})", re.ASCII)


class DiffId:
    """Hands unpacked bytes on; ``check`` raises ``LayerError`` where they are not those of ``expected``.

    Docker, containerd and newer Podman refuse such a layer.
    """

    def __init__(self, expected: str | None, take: Callable[[bytes], None]) -> None:
        self._expected = expected
        self._take = take
        match = _DIFF_ID.fullmatch(expected or "")
        self._hash = hashlib.new(match[1]) if match else None

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
