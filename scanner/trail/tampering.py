"""The list of what can be wrong with a trail, closed, so that each has one name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tampering(StrEnum):
    """How the stored trail differs from what was signed, or from what others saw of it."""

    HEAD_CUT = "head_cut"
    TAIL_CUT = "tail_cut"
    LEAF_DELETED = "leaf_deleted"
    LEAF_INSERTED = "leaf_inserted"
    LEAF_EDITED = "leaf_edited"
    LEAVES_REORDERED = "leaves_reordered"
    LEAVES_UNSIGNED = "leaves_unsigned"
    LEAF_UNREADABLE = "leaf_unreadable"
    RECHAINED = "rechained"
    TILE_EDITED = "tile_edited"
    TILE_MISSING = "tile_missing"
    TILE_EXTRA = "tile_extra"
    CHECKPOINT_EDITED = "checkpoint_edited"
    CHECKPOINT_MISSING = "checkpoint_missing"
    CHECKPOINT_EXTRA = "checkpoint_extra"
    COSIGNATURE_FORGED = "cosignature_forged"
    ANOTHER_LOG = "another_log"
    EMPTIED = "emptied"
    ROLLED_BACK = "rolled_back"
    REWRITTEN = "rewritten"
    NOT_WITNESSED = "not_witnessed"


MEANING = {
    Tampering.HEAD_CUT: "the first entries are gone",
    Tampering.TAIL_CUT: "the last entries are gone, although their checkpoint is there",
    Tampering.LEAF_DELETED: "entries were taken out",
    Tampering.LEAF_INSERTED: "entries were put in that were never signed",
    Tampering.LEAF_EDITED: "an entry is not what was signed",
    Tampering.LEAVES_REORDERED: "entries stand in another order than was signed",
    Tampering.LEAVES_UNSIGNED: "entries stand behind the last checkpoint: no start or stop leaves any there",
    Tampering.LEAF_UNREADABLE: "an entry that was signed is not of this version's kind",
    Tampering.RECHAINED: "entries were changed with the tree above them: the signed root is another",
    Tampering.TILE_EDITED: "a tile of the tree is not what its entries make",
    Tampering.TILE_MISSING: "a tile of the tree is gone",
    Tampering.TILE_EXTRA: "there is a tile that the tree has not",
    Tampering.CHECKPOINT_EDITED: "a checkpoint is not what the log's key signed",
    Tampering.CHECKPOINT_MISSING: "a checkpoint is gone of which the entries tell",
    Tampering.CHECKPOINT_EXTRA: "there is a checkpoint of which the entries do not tell",
    Tampering.COSIGNATURE_FORGED: "a cosignature does not hold, or is of no witness that was ever asked",
    Tampering.ANOTHER_LOG: "it is signed by another key, or is of another origin",
    Tampering.EMPTIED: "there is a key, but not one entry: a log begins with the start of its service",
    Tampering.ROLLED_BACK: "it ends before what was seen of it: an older copy, or its end was cut with its checkpoints",
    Tampering.REWRITTEN: "it is not the log that was seen before: its past is another",
    Tampering.NOT_WITNESSED: "the witness has cosigned none of its checkpoints",
}
"""One clause each, for people."""


@dataclass(frozen=True, slots=True)
class FoundTampering:
    """One tampering: where it begins (an entry's index, or a checkpoint's size), what is seen there."""

    kind: Tampering
    at: int
    detail: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.kind} at {self.at}: {self.detail}; {MEANING[self.kind]}"
