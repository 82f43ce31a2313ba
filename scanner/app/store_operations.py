"""Answers the commands of the store: has it copied to where it is to be from now on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from scanner.app.store import store_url
from scanner.app.trail_wiring import key_path
from scanner.errors import UsageError
from scanner.formats import files
from scanner.formats.files import FileError
from scanner.store.database import sqlite_file
from scanner.store.transfer import transfer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scanner.settings.schema import Settings
    from scanner.store.transfer import Transferred


class StoreOperations:
    """Over the store that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def migrate(self, to: str | None, to_file: Path | None) -> Iterator[str]:
        """Copy the store; what was copied, then what is left to do, in lines.

        Raises:
            UsageError: no target, no store, or a file that cannot be read.
            StoreError: nothing was copied, in one line with why.
        """
        target, source = _target(to, to_file), store_url(self._settings)
        if source is None:
            raise UsageError("there is nothing to copy: the configuration names no store.url")
        return self._told(asyncio.run(transfer(source, target)), source, target)

    def _told(self, done: Transferred, source: str, target: str) -> Iterator[str]:
        for table, count in done.rows.items():
            yield f"{table}\t{count}"
        yield f"trail\t{'none' if done.head is None else f'{done.head[0]} entries, the same head'}"
        yield f"Copied to {done.to}; the store it came from is as it was. Set store.url to the new one, then start archscan."
        key = key_path(self._settings, source)
        if done.head is not None and key is not None and self._settings.trail.key_file is None:
            yield f"The trail goes on with the same key only: {_key_advice(key, target)}"


def _key_advice(key: Path, target: str) -> str:
    file = sqlite_file(target)
    return f"set trail.key_file to {key.absolute()}" if file is None else f"copy {key} to {file}.key, mode 0600"


def _target(to: str | None, to_file: Path | None) -> str:
    if (to is None) == (to_file is None):
        raise UsageError("name where the store is to be with --to URL, or with --to-file FILE")
    if to_file is None:
        return to or ""
    try:
        return files.read_secret(to_file).strip()
    except FileError as error:
        raise UsageError(f"--to-file {error}") from None
