"""Whether one tree is the beginning of another, step by step as RFC 9162 (2.1.4.2) has it: the witness of our proofs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

NOTHING = hashlib.sha256(b"").digest()
"""The root of a tree without leaves (2.1.1)."""


def consistent(first: int, first_hash: bytes, second: int, second_hash: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof leads from the first ``first`` leaves to all ``second`` of them.

    The RFC leaves out trees of equal size, and the empty one: they need no proof.
    """
    if not 0 <= first <= second:
        return False
    if first in {0, second}:
        return not proof and first_hash == (second_hash if first == second else NOTHING)
    path = [first_hash, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = _node(c, fr), _node(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = _node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return fr == first_hash and sr == second_hash and sn == 0


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
