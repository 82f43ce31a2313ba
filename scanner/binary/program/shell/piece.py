"""A piece of a word that a shell expands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of a word; ``split`` where blanks in it part words, ``active`` where ``*`` is a pattern."""

    text: str
    quoted: bool = True
    split: bool = False
    parts_words: bool = False


BREAK = Piece("", parts_words=True)
