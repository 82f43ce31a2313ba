"""The key that signs the trail: made once, kept outside the store."""

from __future__ import annotations

import os
import secrets
import socket
from typing import TYPE_CHECKING

from scanner.formats import files
from scanner.formats.files import FileError
from scanner.trail import note
from scanner.trail.note import NoteError, Signer

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE = 0o600
"""Whoever reads the key can write another past."""

MAX_KEY_BYTES = 4096
"""A name, then 33 bytes in base64."""


class KeyFileError(ValueError):
    """Why there is no key, in one line with its path."""


def read(path: Path) -> Signer | None:
    """The key in a file, ``None`` where there is no such file.

    Raises:
        KeyFileError: it cannot be read, others may read it, or it is no key.
    """
    try:
        text = files.read_text(path, MAX_KEY_BYTES, forbidden=files.OPEN_TO_OTHERS).strip()
    except FileError as error:
        if error.missing:
            return None
        raise KeyFileError(str(error)) from None
    try:
        return note.parse_signer(text)
    except NoteError as error:
        raise KeyFileError(f"{path}: {error}") from None


def make(path: Path, origin: str = "") -> Signer:
    """Make a key at a path where there is none, durable when this returns.

    Raises:
        KeyFileError: it cannot be written, or the origin is no name for a log.
    """
    try:
        signer = Signer.made(origin or new_origin())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(f"{signer.encoded}\n".encode())
                file.flush()
                os.fsync(descriptor)
        except OSError:
            path.unlink()  # else the next start finds a file that is no key
            raise
        _sync_folder(path)
    except NoteError as error:
        raise KeyFileError(f"trail.origin: {error}") from None
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be written: {error.strerror}") from None
    return signer


def new_origin() -> str:
    """A name that no other log has: this machine's, then something random."""
    host = "".join(c for c in socket.gethostname() if c.isalnum() or c in ".-") or "localhost"
    return f"{host}/archscan-{secrets.token_hex(4)}"


def _sync_folder(path: Path) -> None:
    """A key whose name is lost with the power would leave a log that nobody can continue."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
