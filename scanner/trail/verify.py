"""Reads a stored trail from its first byte to its last, naming whatever is not as it was signed.

One pass over the entries makes the tree anew. Each signed checkpoint says which root it must have there, and where it has
another one the stored tiles tell which entry is at fault: if the tiles lead to the signed root, the entry; if the entries do,
the tile; if neither does, somebody changed both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.trail import checkpoint, leaves, note, tiles
from scanner.trail.cosignature import cosigned_at
from scanner.trail.merkle import EMPTY_ROOT, HASH_BYTES, Frontier, perfect_root
from scanner.trail.note import NoteError
from scanner.trail.tampering import FoundTampering, Tampering
from scanner.trail.tiles import TilePath

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.store.trail_rows import TrailRows
    from scanner.trail.checkpoint import Checkpoint
    from scanner.trail.note import Note, Verifier

MAX_NAMED = 20
"""Findings of one kind that are listed: a cut of a thousand rows is one thought."""


@dataclass(slots=True)
class Verified:
    """What was read: the head (size 0 without any), how many checkpoints hold, what was found."""

    size: int = 0
    root: bytes = EMPTY_ROOT
    checkpoints: int = 0
    found: list[FoundTampering] = field(default_factory=list)
    roots: dict[int, bytes] = field(default_factory=dict)
    notes: dict[int, Note] = field(default_factory=dict)
    witnesses: set[Verifier] = field(default_factory=set)

    def add(self, kind: Tampering, at: int, detail: str) -> None:
        """Take down one more."""
        self.found.append(FoundTampering(kind, at, detail))


def verify(rows: TrailRows, log: Verifier, witnesses: Sequence[Verifier] = (), wanted: Sequence[int] = ()) -> Verified:
    """Everything that is stored, held against the log's key; ``wanted`` are sizes whose roots are asked for."""
    made = Verified(witnesses=set(witnesses))
    signed = _signed(rows, log, made)
    read = leaves.read(rows)
    if not read.count and not signed:
        made.add(Tampering.EMPTIED, 0, "no entry, no checkpoint")
        return made
    made.size = max(signed, default=0)
    stored = _stored(rows, made)
    walk = _Walk(made, signed, read, stored, set(wanted))
    walk.run()
    made.found.extend(leaves.differences(read, stored.leaves, made.size))
    walk.call_the_roll()
    _upper_tiles(made, stored)
    _cosignatures(made)
    made.found.sort(key=lambda one: one.at)
    return made


# ---------------------------------------------------------------- checkpoints


def _signed(rows: TrailRows, log: Verifier, made: Verified) -> dict[int, Checkpoint]:
    """The checkpoints that the log's key has signed, by size."""
    signed: dict[int, Checkpoint] = {}
    for size, text in rows.checkpoints():
        try:
            head, signed_note = checkpoint.opened(text, log)
        except NoteError as error:
            made.add(_kind_of(text, log), size, f"the checkpoint of size {size}: {error}")
            continue
        if head.origin != log.name:
            made.add(Tampering.ANOTHER_LOG, size, f"the checkpoint of size {size} is of the log {head.origin}")
        elif head.size != size or str(signed_note) != text:
            made.add(Tampering.CHECKPOINT_EDITED, size, f"the checkpoint of size {head.size} stands at {size}")
        elif size in signed:
            made.add(Tampering.CHECKPOINT_EXTRA, size, f"the checkpoint of size {size} stands there twice")
        else:
            signed[size] = head
            made.notes[size] = signed_note
    made.checkpoints = len(signed)
    return signed


def _kind_of(text: str, log: Verifier) -> Tampering:
    """Whether a checkpoint that does not hold was signed as a whole by another key."""
    try:
        whole = note.parse(text)
        head = checkpoint.parse(whole.text)
    except NoteError:
        return Tampering.CHECKPOINT_EDITED
    own = any(one.is_by(log) for one in whole.signatures)
    others = any(one.name == head.origin for one in whole.signatures)
    return Tampering.ANOTHER_LOG if others and not own else Tampering.CHECKPOINT_EDITED


def _cosignatures(made: Verified) -> None:
    """Every further signature must be of a witness that the configuration or the trail itself names, and hold."""
    for size, whole in made.notes.items():
        for signature in whole.signatures[1:]:
            known = [one for one in made.witnesses if signature.is_by(one)]
            if not known or cosigned_at(signature, whole.text, known[0]) is None:
                what = "does not hold" if known else "is of a key that neither the trail nor the settings name"
                detail = f"the signature of {signature.name} on the checkpoint of size {size} {what}"
                made.add(Tampering.COSIGNATURE_FORGED, size, detail)


# ---------------------------------------------------------------- tiles


@dataclass(slots=True)
class _Tiles:
    """The stored tree: level 0 in one piece, 32 zero bytes where a hash is missing, the rest by level and number.

    ``blamed`` are tiles of level 0 that are known to be wrong.
    """

    leaves: bytearray
    upper: dict[tuple[int, int], bytes] = field(default_factory=dict)
    blamed: set[int] = field(default_factory=set)


def _stored(rows: TrailRows, made: Verified) -> _Tiles:
    stored = _Tiles(bytearray(made.size * HASH_BYTES))
    seen: set[tuple[int, int]] = set()
    for row in rows.tiles():
        width = tiles.width_of(row.level, row.number, made.size) if min(row.level, row.number) >= 0 else 0
        first = row.number << (tiles.HEIGHT * (row.level + 1)) if width else made.size  # a level may be any number
        name = TilePath(row.level, row.number)
        if not width or (row.level, row.number) in seen:
            made.add(Tampering.TILE_EXTRA, first, f"tile {name}" if not width else f"tile {name} stands there twice")
            continue
        seen.add((row.level, row.number))
        if len(row.hashes) != width * HASH_BYTES:
            detail = f"tile {name} has {len(row.hashes)} bytes instead of {width * HASH_BYTES}"
            made.add(Tampering.TILE_EDITED, first, detail)
            if not row.level:
                stored.blamed.add(row.number)
        hashes = row.hashes[: width * HASH_BYTES].ljust(width * HASH_BYTES, b"\0")
        if row.level:
            stored.upper[row.level, row.number] = hashes
        else:
            start = row.number * tiles.TILE_BYTES
            stored.leaves[start : start + len(hashes)] = hashes
    missing = [place for place in tiles.tiles_of(made.size) if place not in seen]
    stored.blamed.update(number for level, number in missing if not level)
    for level, number in missing[:MAX_NAMED]:
        made.add(Tampering.TILE_MISSING, number << (tiles.HEIGHT * (level + 1)), f"tile {TilePath(level, number)}")
    return stored


def _upper_tiles(made: Verified, stored: _Tiles) -> None:
    """Each tile above the leaves is made of full tiles below; one that is damaged is told once, where it is."""
    below = bytes(stored.leaves)
    level = 1
    while made.size >> (tiles.HEIGHT * level):
        count = made.size >> (tiles.HEIGHT * level)
        true = b"".join(
            perfect_root(tiles.hashes_in(below[at * tiles.TILE_BYTES : (at + 1) * tiles.TILE_BYTES]))
            for at in range(count)
        )
        for number in range(-(-count // tiles.WIDTH)):
            hashes = stored.upper.get((level, number))
            right = true[number * tiles.TILE_BYTES : (number + 1) * tiles.TILE_BYTES]
            if hashes is not None and hashes != right:
                first = number << (tiles.HEIGHT * (level + 1))
                made.add(Tampering.TILE_EDITED, first, f"tile {TilePath(level, number)} is not what lies below it")
        below, level = true, level + 1


# ---------------------------------------------------------------- leaves


class _Walk:
    """From checkpoint to checkpoint: which of entries or tiles lead to what was signed."""

    def __init__(
        self, made: Verified, signed: dict[int, Checkpoint], read: leaves.Leaves, stored: _Tiles, wanted: set[int]
    ) -> None:
        self._made, self._signed, self._read, self._stored, self._wanted = made, signed, read, stored, wanted
        self._frontier = Frontier()
        self._told: set[int] = set()
        self._lost = False

    def run(self) -> None:
        """Up to the last checkpoint."""
        before = 0
        for size in sorted(self._signed):
            self._batch(before, size)
            before = size
        made = self._made
        made.root = self._signed[made.size].root if made.size else EMPTY_ROOT

    def _batch(self, start: int, end: int) -> None:
        """The entries between two checkpoints that hold."""
        if self._leads(self._read.hashes, start, end):
            self._mend(start, end)
        elif not self._leads(self._stored.leaves, start, end) and not self._lost:
            self._lost = True
            where = f"entries {start} to {end - 1} do not lead to the root that was signed for {end} entries"
            self._made.add(Tampering.RECHAINED, start, where)
        if not self._lost:
            self._heed(start, end)

    def _mend(self, start: int, end: int) -> None:
        """The entries are right: whatever the tile says otherwise is the tile's fault."""
        right = self._read.hashes[start * HASH_BYTES : end * HASH_BYTES]
        if self._stored.leaves[start * HASH_BYTES : end * HASH_BYTES] == right:
            return
        for index in range(start, end):
            place, number = slice(index * HASH_BYTES, (index + 1) * HASH_BYTES), index // tiles.WIDTH
            if self._stored.leaves[place] != self._read.hashes[place] and number not in self._stored.blamed:
                self._stored.blamed.add(number)
                self._made.add(Tampering.TILE_EDITED, index, f"tile {TilePath(0, number)}")
        self._stored.leaves[start * HASH_BYTES : end * HASH_BYTES] = right

    def _leads(self, hashes: bytearray, start: int, end: int) -> bool:
        """Whether these hashes make the root that was signed; then the tree has grown by them."""
        if len(hashes) < end * HASH_BYTES:
            return False
        frontier = self._frontier.copy()
        for index in range(start, end):
            frontier.append(bytes(hashes[index * HASH_BYTES : (index + 1) * HASH_BYTES]))
            if index + 1 in self._wanted:
                self._made.roots[index + 1] = frontier.root()
        if frontier.root() != self._signed[end].root:
            return False
        self._frontier = frontier
        return True

    def _heed(self, start: int, end: int) -> None:
        """What the entries tell of checkpoints and witnesses; only those count that the signed root stands for."""
        for index in range(start, end):
            if not self._read.right(index, self._stored.leaves):
                continue
            told = self._read.told.get(index)
            if told is None:
                self._made.add(Tampering.LEAF_UNREADABLE, index, f"entry {index} is signed, but is no entry of ours")
                continue
            self._told.add(told.after)
            self._made.witnesses.update(told.witnesses)

    def call_the_roll(self) -> None:
        """There are as many checkpoints as the entries tell of: each names the size of the one before it."""
        if self._lost:
            return
        made, there = self._made, {*self._signed, 0}
        damaged = {one.at for one in made.found if one.kind in {Tampering.CHECKPOINT_EDITED, Tampering.ANOTHER_LOG}}
        for size in sorted(self._told - there - damaged)[:MAX_NAMED]:
            made.add(Tampering.CHECKPOINT_MISSING, size, f"the checkpoint of size {size}")
        if not any(one.kind in leaves.DAMAGED for one in made.found):
            for size in sorted(there - self._told - {made.size, 0})[:MAX_NAMED]:
                made.add(Tampering.CHECKPOINT_EXTRA, size, f"the checkpoint of size {size}")
