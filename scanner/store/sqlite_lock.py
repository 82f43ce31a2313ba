"""SQLite's own lock beside its file, by which no second archscan writes to it."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from scanner.store.error import StoreError

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE = 0o600
"""The store names hosts, images or log lines: nobody but its owner reads it."""


def refuse_held(database: Path) -> None:
    """Look whether somebody holds the lock, without making its file.

    Raises:
        StoreError: another process does.
    """
    try:
        held = os.open(f"{database}.lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StoreError(f"store {database} is in use by another archscan") from None
    finally:
        os.close(held)


class SqliteLock:
    """An advisory lock beside the database, held until ``release`` or the end of the process."""

    def __init__(self, database: Path) -> None:
        """Take the lock.

        Raises:
            StoreError: another process holds it.
            OSError: the directory is missing or not writable.
        """
        self._fd = os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._fd, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise StoreError(
                f"store {database} is in use by another archscan (process {holder}): stop that one first, "
                "or give this one a store.url of its own"
            ) from None
        os.ftruncate(self._fd, 0)
        os.write(self._fd, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let the next instance in; the file stays, because removing it would race with that instance."""
        os.close(self._fd)
