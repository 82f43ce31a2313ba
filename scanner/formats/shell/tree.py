"""The syntax tree of a script as tree-sitter's grammar makes it, within a bounded time."""

from __future__ import annotations

import threading
import time
from functools import cache
from typing import TYPE_CHECKING

from scanner.formats.parsing.patience import spend

if TYPE_CHECKING:
    from tree_sitter import Language, Tree

PARSE_S = 0.5
"""Seconds of one processor for the grammar; of a thousand scripts of a distribution the slowest takes 25 ms."""

DAMAGED_PARSE_S = 0.1
"""The same from the first place on that is no shell: the grammar then tries repairs, at a price that grows with their square."""

PIECE_BYTES = 4096


class _Piece(threading.local):
    """What the library is given to read, in one place for each thread: it never lets go of a piece that is an object of its own."""

    def __init__(self) -> None:
        self.text = bytearray()


_piece = _Piece()


def tree_of(raw: bytes) -> Tree | None:
    """The syntax tree; ``None`` where the grammar takes too long, as for a here-document of ten thousand variables.

    The library asks for the text in pieces and tells how far it is: only so does it let other threads run.
    """
    from tree_sitter import Parser  # noqa: PLC0415 - loaded where a script is met, most scans meet none

    began, piece = time.thread_time(), _piece.text
    end, is_damaged, is_late = began + PARSE_S, False, False

    def late(_offset: int, has_error: bool) -> bool:  # noqa: FBT001 - the library's own signature
        nonlocal end, is_damaged, is_late
        now = time.thread_time()
        if has_error and not is_damaged:
            end, is_damaged = min(end, now + DAMAGED_PARSE_S), True
        is_late = now > end
        return is_late

    def read(at: int, _point: object) -> bytearray:
        piece[:] = raw[at : at + PIECE_BYTES]
        return piece

    try:
        return Parser(_language()).parse(read, progress_callback=late)
    except ValueError:
        if is_late:
            return None
        raise
    finally:
        spend(int((time.thread_time() - began) * 1e6))


@cache
def _language() -> Language:
    import tree_sitter_bash  # noqa: PLC0415 - as the parser
    from tree_sitter import Language  # noqa: PLC0415 - as the parser

    return Language(tree_sitter_bash.language())
