"""Users with bcrypt hashes, as the exporter toolkit's web.yml lists them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import TYPE_CHECKING

import bcrypt

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_REMEMBERED = 100
"""Logins that were right lately; a bcrypt takes 60 ms and more, which no scrape should pay each time."""

MAX_PASSWORD_BYTES = 72
"""bcrypt ignores what follows, so that a longer password would be no longer password."""

_NOBODY = b"$2b$10$uZj/QRN5HrWXdAQa6LXK9OnbG7ACTe9htGz5Fu/dKdYhSNjB8ZfDm"
"""Compared for unknown users, so that they take as long as known ones."""


class BasicUsers:
    """Verifies passwords, one at a time: guessing costs the guesser's time, not the machine's."""

    def __init__(self, hashes: Mapping[str, str]) -> None:
        self._hashes = {user: hashed.encode() for user, hashed in hashes.items()}
        self._right: dict[tuple[str, bytes, bytes], None] = {}
        self._turn = asyncio.Lock()

    def __bool__(self) -> bool:
        """Whether there are users at all."""
        return bool(self._hashes)

    async def verify(self, user: str, password: str) -> bool:
        """Whether the password is this user's."""
        secret = password.encode()
        hashed = self._hashes.get(user, _NOBODY)
        # A tuple, because a joined text could be made ambiguous (CVE-2022-46146).
        key = (user, hashed, hashlib.sha256(secret).digest())
        if any(hmac.compare_digest(key[2], known[2]) and key[:2] == known[:2] for known in self._right):
            return True
        async with self._turn:
            right = await asyncio.to_thread(_matches, secret, hashed)
        if not right or user not in self._hashes:
            return False
        while len(self._right) >= MAX_REMEMBERED:
            del self._right[next(iter(self._right))]
        self._right[key] = None
        return True


def _matches(secret: bytes, hashed: bytes) -> bool:
    if len(secret) > MAX_PASSWORD_BYTES or b"\0" in secret:
        return False
    try:
        return bcrypt.checkpw(secret, hashed)
    except ValueError:
        return False
