"""The log itself: takes entries in, signs its new head, refuses to go on from a past that is not its own."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.errors import ServiceError
from scanner.trail import checkpoint, leaf
from scanner.trail.checkpoint import Checkpoint
from scanner.trail.merkle import EMPTY_ROOT, Frontier, leaf_hash
from scanner.trail.note import NoteError
from scanner.trail.tiles import Edge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.store.trail_rows import TrailRows
    from scanner.trail.leaf import Entry
    from scanner.trail.note import Signer, Verifier

_ADVICE = "run archscan trail verify, which names what was changed"


class TrailError(ServiceError):
    """The trail cannot be continued, in one line."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the log last signed; ``note`` is the checkpoint as it is published, empty for a log without entries."""

    size: int = 0
    root: bytes = EMPTY_ROOT
    note: str = ""

    @property
    def root_text(self) -> str:
        """The root as checkpoints write it."""
        return base64.b64encode(self.root).decode()


@dataclass(frozen=True, slots=True)
class Appended:
    """What one transaction added: the first entry's index, how many, the head over them, the tree's edge."""

    first: int
    count: int
    head: Head
    edge: Edge


class MerkleLog:
    """Lives in the store's thread; what it holds changes only by ``adopt``, after the database has committed."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self.head, self._edge = Head(), Edge()

    @property
    def verifier(self) -> Verifier:
        """The key that everybody may know."""
        return self._signer.verifier

    def open(self, rows: TrailRows) -> None:
        """Take up where the log ended.

        Raises:
            TrailError: what is stored is not what was last signed.
        """
        last = rows.last_checkpoint()
        size, root, note = 0, EMPTY_ROOT, ""
        if last is not None:
            head = self._opened(last[1])
            size, root, note = head.size, head.root, last[1]
        edge = Edge(size, [rows.tile(level, number)[:width] for level, number, width in Edge.places(size)])
        whole = rows.count() == size and rows.last_position() == size - 1 and (last is None or last[0] == size)
        if not whole or Frontier(size, edge.frontier()).root() != root:
            raise TrailError(f"the store does not hold what the trail's last checkpoint signed: {_ADVICE}")
        self.head, self._edge = Head(size, root, note), edge

    def append(self, rows: TrailRows, entries: Sequence[Entry]) -> Appended:
        """Write entries, the tiles that they change, a signed head.

        Raises:
            TrailError: somebody else wrote to the log, or an entry cannot be written.
        """
        before = self.head
        if rows.ends() != (before.size - 1, before.size):
            raise TrailError(f"somebody else wrote to the trail: {_ADVICE}")
        try:
            bodies = [leaf.encode(entry, before.size) for entry in entries]
        except ValueError as error:
            raise TrailError(f"an entry cannot be written: {error}") from error
        edge, tiles = self._edge.grown([leaf_hash(body) for body in bodies])
        root = Frontier(edge.size, edge.frontier()).root()
        note = str(Checkpoint(self._signer.name, edge.size, root).signed(self._signer))
        rows.append(before.size, bodies, tiles, (edge.size, note))
        return Appended(before.size, len(bodies), Head(edge.size, root, note), edge)

    def adopt(self, appended: Appended) -> None:
        """Go on from what is durable now."""
        self.head, self._edge = appended.head, appended.edge

    def _opened(self, text: str) -> Checkpoint:
        try:
            head, _ = checkpoint.opened(text, self.verifier)
        except NoteError as error:
            raise TrailError(f"the trail's last checkpoint: {error}: {_ADVICE}") from None
        if head.origin != self._signer.name:
            raise TrailError(f"the trail is of another log, {head.origin}: {_ADVICE}")
        return head
