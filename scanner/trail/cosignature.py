"""A witness's word of a checkpoint: that it saw the log grow to it without a change (C2SP tlog-cosignature)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from scanner.trail.note import COSIGNATURE, SIGNATURE_BYTES, Signature, Verifier

if TYPE_CHECKING:
    from scanner.trail.note import Note, Signer

_TIME_BYTES = 8
MAX_TIME = (1 << 63) - 1
"""The latest moment that a cosignature may name (Unix seconds)."""


def verifier_of(signer: Signer) -> Verifier:
    """The key under which a witness cosigns with this secret."""
    return Verifier(signer.name, signer.verifier.public, COSIGNATURE)


def cosigned(text: str, signer: Signer, at: int) -> Signature:
    """The cosignature of a checkpoint's text at a moment (Unix seconds), as a witness makes it."""
    verifier = verifier_of(signer)
    return Signature(signer.name, verifier.id, struct.pack(">Q", at) + signer.sign(_message(text, at)))


def cosigned_at(signature: Signature, text: str, witness: Verifier) -> int | None:
    """When this witness cosigned the checkpoint (Unix seconds); ``None`` if the signature does not hold."""
    if len(signature.value) != _TIME_BYTES + SIGNATURE_BYTES or not signature.is_by(witness):
        return None
    (at,) = struct.unpack(">Q", signature.value[:_TIME_BYTES])
    holds = 0 < at <= MAX_TIME and witness.verifies(signature.value[_TIME_BYTES:], _message(text, at))
    return at if holds else None


def witnessed(note: Note, witness: Verifier) -> int | None:
    """When this witness cosigned the note (Unix seconds); ``None`` if it did not."""
    found = (cosigned_at(signature, note.text, witness) for signature in note.signatures if signature.is_by(witness))
    return next((at for at in found if at is not None), None)


def _message(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()
