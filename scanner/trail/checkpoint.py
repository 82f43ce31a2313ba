"""A log's signed word of itself: whose it is, how many entries it has, the root over them (C2SP tlog-checkpoint)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.trail import note
from scanner.trail.merkle import HASH_BYTES
from scanner.trail.note import Note, NoteError

if TYPE_CHECKING:
    from scanner.trail.note import Signer, Verifier

MAX_SIZE_DIGITS = 19
"""Digits of the greatest signed 64-bit integer."""

_SIZE = re.compile(rf"0|[1-9]\d{{0,{MAX_SIZE_DIGITS - 1}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree's head. ``origin`` names the log; ``extensions`` are further lines, of which none means anything to us."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The text that is signed."""
        root = base64.b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, str(self.size), root, *self.extensions))

    def signed(self, signer: Signer) -> Note:
        """The note that the log publishes."""
        return note.signed(str(self), signer)


def parse(text: str) -> Checkpoint:
    """The text of a note as a checkpoint.

    Raises:
        NoteError: it is none.
    """
    lines = text.removesuffix("\n").split("\n")
    if not text.endswith("\n") or len(lines) < len(("origin", "size", "root")) or not all(lines):
        raise NoteError("it is no checkpoint: origin, size, root, each on a line")
    origin, size, encoded, *extensions = lines
    try:
        root = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        root = b""
    if not _SIZE.fullmatch(size) or len(root) != HASH_BYTES:
        raise NoteError("it is no checkpoint: its second line is the size, its third the root in base64")
    found = Checkpoint(origin, int(size), root, tuple(extensions))
    if str(found) != text:
        raise NoteError("it is no checkpoint: it is not written in the one right way")
    return found


def opened(text: str, log: Verifier) -> tuple[Checkpoint, Note]:
    """A signed checkpoint of this log.

    Raises:
        NoteError: it is none, or not signed by the log's key; a signature in its name that does not hold spoils it.
    """
    signed = note.parse(text)
    own = [signature for signature in signed.signatures if signature.is_by(log)]
    if not own:
        raise NoteError(f"it is not signed by {log.name} with the key {log.id.hex()}")
    if not all(log.verifies(signature.value, signed.text.encode()) for signature in own):
        raise NoteError(f"its signature by {log.name} does not hold")
    return parse(signed.text), signed
