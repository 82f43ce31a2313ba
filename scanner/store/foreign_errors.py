"""Errors that a database library raises, as the store's own in one line that says what to do."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from scanner.descriptors import shortage
from scanner.errors import EXHAUSTED, in_words
from scanner.store.error import StoreError
from scanner.store.lease import OversleptError

if TYPE_CHECKING:
    from collections.abc import Iterator

_OVERSLEPT = "25P03"
"""idle_in_transaction_session_timeout: only a member of several has one."""

_SHORT = tuple(map(os.strerror, sorted(EXHAUSTED)))

_NOT_OPENED = "unable to open database file"

_UNWRITTEN = "archscan serve, which writes here as it starts, has not yet"

_FULL = ("database or disk is full", "No space left on device")


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Every foreign error of the block becomes a StoreError; ``where`` is the store's address without a password."""
    try:
        yield
    except (SQLAlchemyError, CommandError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        if getattr(cause, "sqlstate", "") == _OVERSLEPT:
            raise OversleptError(where) from error
        text = (cause.strerror if isinstance(cause, OSError) else None) or in_words(cause)  # where it is, is said
        if _NOT_OPENED in text and (short := shortage()):
            text = os.strerror(
                short.errno or 0
            )  # SQLite sorts in files of its own: those can be what it has not opened
        passes = any(words in text for words in (*_FULL, *_SHORT))
        raise StoreError(f"store {where}: {text}: {_advice(text)}", fatal=not passes) from error


def _advice(text: str) -> str:
    for words, advice in _ADVICE:
        if words in text:
            return advice
    return "nothing more is written; look at the database or its disk, then restart archscan"


_ADVICE = (
    *((words, "free space on its disk; archscan writes again by itself") for words in _FULL),
    ("database is locked", "another process holds it: stop that one first"),
    *(
        (words, "let archscan open more files (LimitNOFILE) or use less memory; it writes again by itself")
        for words in _SHORT
    ),
    (_NOT_OPENED, "create its directory, writable for the user that runs archscan"),
    ("readonly database", "make the file, its directory too, writable for the user that runs archscan"),
    ("Permission denied", "make the file, its directory too, writable for the user that runs archscan"),
    ("No such file or directory", "create its directory, writable for the user that runs archscan"),
    ("Is a directory", "point store.url at a file in it, such as archscan.db"),
    ("Not a directory", "a part of its path is a file: point store.url at a file in a folder"),
    ("Too many levels of symbolic links", "the file or its .lock is a link: point store.url at what it leads to"),
    ("Read-only file system", "put store.url on a writable disk"),
    ("not a database", "it is left as it is: point store.url at another file"),
    ("malformed", "it is left as it is: restore a backup, or point store.url at a new file"),
    ("already exists", "it belongs to another program: point store.url at a database of its own"),
    *((words, f"{_UNWRITTEN}, else store.url is another program's") for words in ("no such table", 'relation "')),
)
