"""The stored entries as they lie there, compared with the hashes that the tree holds of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.trail import leaf
from scanner.trail.leaf import Event
from scanner.trail.merkle import HASH_BYTES, leaf_hash
from scanner.trail.note import NoteError, Verifier, parse_verifier
from scanner.trail.tampering import FoundTampering, Tampering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.store.trail_rows import TrailRows

DAMAGED = {
    Tampering.HEAD_CUT,
    Tampering.TAIL_CUT,
    Tampering.LEAF_DELETED,
    Tampering.LEAF_INSERTED,
    Tampering.LEAF_EDITED,
    Tampering.LEAVES_REORDERED,
}
"""What is found here."""

MAX_SHIFT = 10_000
"""So far is looked for where entries that were moved belong; a longer run of strangers is called edited."""

MAX_SHOWN = 20
"""Edited entries that are named one by one."""

_GONE = bytes(HASH_BYTES)
"""Stands where there is no entry: no entry hashes to it."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What one entry tells of checkpoints and witnesses."""

    after: int
    witnesses: tuple[Verifier, ...] = ()


@dataclass(slots=True)
class Leaves:
    """All entries by position: their hashes in one piece, what they tell, how many, which positions are wrong."""

    hashes: bytearray = field(default_factory=bytearray)
    told: dict[int, Announced] = field(default_factory=dict)
    count: int = 0
    misplaced: list[int] = field(default_factory=list)

    @property
    def end(self) -> int:
        """The position behind the last entry."""
        return len(self.hashes) // HASH_BYTES

    def at(self, index: int) -> bytes:
        """The hash at a position."""
        return bytes(self.hashes[index * HASH_BYTES : (index + 1) * HASH_BYTES])

    def right(self, index: int, signed: bytearray) -> bool:
        """Whether the entry at this position is the one that was signed."""
        return self.at(index) == bytes(signed[index * HASH_BYTES : (index + 1) * HASH_BYTES])


def read(rows: TrailRows) -> Leaves:
    """Every entry that is stored."""
    found, likely = Leaves(), rows.count()
    for position, body in rows.leaves():
        found.count += 1
        if not found.end <= position <= found.end + likely:  # a position far out would ask for as much memory
            found.misplaced.append(position)
            continue
        found.hashes.extend(_GONE * (position - found.end))
        found.hashes.extend(leaf_hash(body))
        made = leaf.decode(body)
        if made is not None:
            found.told[position] = Announced(
                made.after, _witnesses(made) if made.event == Event.SERVICE_STARTED else ()
            )
    return found


def _witnesses(made: leaf.Leaf) -> tuple[Verifier, ...]:
    """The witnesses that a start of the service names."""
    named = made.about.get("witnesses")
    found = []
    for text in named if isinstance(named, list) else ():
        try:
            found.append(parse_verifier(str(text)))
        except NoteError:
            continue
    return tuple(found)


def differences(read: Leaves, signed: bytearray, size: int) -> Iterator[FoundTampering]:
    """What became of the entries of a log of this size, whose hashes were these."""
    for position in read.misplaced:
        yield FoundTampering(Tampering.LEAF_INSERTED, position, f"an entry stands at {position}")
    here, there = bytes(read.hashes[: size * HASH_BYTES]), bytes(signed)
    wrong = [index for index in range(size) if _at(here, index) != _at(there, index)] if here != there else []
    if wrong and (story := _moved(read, there, wrong[0], size)):
        yield story
        return
    gone = [index for index in wrong if _at(here, index) in {_GONE, b""}]
    yield from _gaps(gone, size)
    missing = set(gone)
    yield from _changed(read, there, [index for index in wrong if index not in missing])
    if read.end > size:
        yield FoundTampering(Tampering.LEAVES_UNSIGNED, size, f"entries {size} to {read.end - 1}")


def _gaps(gone: list[int], size: int) -> Iterator[FoundTampering]:
    """Runs of positions without an entry."""
    runs: list[list[int]] = []
    for index in gone:
        if runs and runs[-1][1] == index - 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    for first, last in runs:
        kind = Tampering.LEAF_DELETED
        if first == 0:
            kind = Tampering.HEAD_CUT
        elif last == size - 1:
            kind = Tampering.TAIL_CUT
        yield FoundTampering(kind, first, f"entries {first} to {last} are not there")


def _moved(read: Leaves, there: bytes, first: int, size: int) -> FoundTampering | None:
    """Whether everything from a position on stands too early or too late, with the positions made to fit."""
    if up := _shift(there, first, read.at(first), size):
        left = there[(first + up) * HASH_BYTES : size * HASH_BYTES]
        if bytes(read.hashes[first * HASH_BYTES :]) == left:
            kind = Tampering.HEAD_CUT if first == 0 else Tampering.LEAF_DELETED
            return FoundTampering(
                kind, first, f"entries {first} to {first + up - 1} were taken out, those behind moved up"
            )
    down = read.end - size
    if down > 0 and bytes(read.hashes[(first + down) * HASH_BYTES :]) == there[first * HASH_BYTES :]:
        return FoundTampering(Tampering.LEAF_INSERTED, first, f"{down} entries were put in before entry {first}")
    return None


def _changed(read: Leaves, there: bytes, wrong: list[int]) -> Iterator[FoundTampering]:
    """Entries that stand where others stood."""
    if not wrong:
        return
    if sorted(read.at(index) for index in wrong) == sorted(_at(there, index) for index in wrong):
        detail = f"{len(wrong)} entries from {wrong[0]} to {wrong[-1]}"
        yield FoundTampering(Tampering.LEAVES_REORDERED, wrong[0], detail)
        return
    for index in wrong[:MAX_SHOWN]:
        yield FoundTampering(Tampering.LEAF_EDITED, index, f"entry {index}")


def _shift(there: bytes, first: int, wanted: bytes, size: int) -> int:
    """How much further on the tree has the hash that stands at a position."""
    for index in range(first + 1, min(size, first + MAX_SHIFT)):
        if _at(there, index) == wanted:
            return index - first
    return 0


def _at(hashes: bytes, index: int) -> bytes:
    return hashes[index * HASH_BYTES : (index + 1) * HASH_BYTES]
