"""One text file which proves offline that an entry stands in the log (C2SP tlog-proof)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.trail import checkpoint, merkle, note
from scanner.trail.cosignature import witnessed
from scanner.trail.note import NoteError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.trail.checkpoint import Checkpoint
    from scanner.trail.note import Verifier

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PROOF_BYTES = 256 << 10
"""An entry of 64 KiB in base64, 63 hashes, a checkpoint with many signatures."""

MAX_HASHES = 63
"""The height of a tree of 2**63 leaves."""

_INDEX = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry's index, the hashes up to the root, the signed checkpoint.

    ``entry`` stands in the line for extra data: what the log's hash of it proves, it need not be trusted to be.
    """

    index: int
    hashes: tuple[bytes, ...]
    note: str
    entry: bytes | None = None

    def __str__(self) -> str:
        """The file."""
        extra = () if self.entry is None else (f"extra {base64.b64encode(self.entry).decode()}",)
        hashes = (base64.b64encode(one).decode() for one in self.hashes)
        return "".join(f"{line}\n" for line in (HEADER, *extra, f"index {self.index}", *hashes, "")) + self.note

    def verified(self, log: Verifier, witnesses: Sequence[Verifier] = (), entry: bytes | None = None) -> Checkpoint:
        """The checkpoint under which the log proves its entry, or the one that is given.

        Raises:
            NoteError: it does not, or a witness of these has not cosigned.
        """
        data = self.entry if entry is None else entry
        if data is None:
            raise NoteError("the proof holds no entry: name the one that it is to prove")
        head, signed = checkpoint.opened(self.note, log)
        if head.origin != log.name:
            raise NoteError(f"it is of the log {head.origin}, not of {log.name}")
        for witness in witnesses:
            if witnessed(signed, witness) is None:
                raise NoteError(f"the witness {witness.name} has not cosigned it")
        if not merkle.includes(self.index, head.size, merkle.leaf_hash(data), self.hashes, head.root):
            raise NoteError("the entry does not stand at this place of the log")
        return head


def parse(text: str) -> Proof:
    """The proof, nothing of it verified.

    Raises:
        NoteError: it is none.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_PROOF_BYTES:
        raise NoteError(f"the proof is longer than {MAX_PROOF_BYTES} bytes")
    head, empty_line, signed = text.partition("\n\n")
    lines = head.split("\n")
    if not empty_line or lines.pop(0) != HEADER:
        raise NoteError(f"it is no proof: it begins with {HEADER}, an empty line stands before its checkpoint")
    entry = _decoded(lines.pop(0).removeprefix("extra ")) if lines and lines[0].startswith("extra ") else None
    index = lines.pop(0).removeprefix("index ") if lines and lines[0].startswith("index ") else ""
    if not _INDEX.fullmatch(index) or len(lines) > MAX_HASHES:
        raise NoteError("it is no proof: an index, then at most 63 hashes")
    hashes = tuple(map(_decoded, lines))
    if any(len(one) != merkle.HASH_BYTES for one in hashes):
        raise NoteError("it is no proof: a hash has 32 bytes")
    note.parse(signed)
    return Proof(int(index), hashes, signed, entry)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("it is no proof: it holds something else than base64") from None
