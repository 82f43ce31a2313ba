"""The hashes of an append-only Merkle tree with its proofs, after RFC 6962 (verified as RFC 9162 spells it out).

A node is named by its level, 0 for leaves, with its number from the left: it stands for the ``2**level`` leaves that
begin at ``number << level``. Only nodes whose leaves are all there have a hash of their own.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

HASH_BYTES = 32
"""SHA-256."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of the tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of one entry."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees beside each other."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The perfect subtrees of a growing tree, from the left: all that its root depends on."""

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size, self._hashes = size, list(hashes)

    def copy(self) -> Frontier:
        """One that may grow on its own."""
        return Frontier(self.size, self._hashes)

    def append(self, leaf: bytes) -> None:
        """Take in the next leaf, by its hash."""
        ended = self.size
        while ended & 1:  # a subtree of this height is complete on the left
            leaf = node_hash(self._hashes.pop(), leaf)
            ended >>= 1
        self._hashes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree as it is."""
        return _folded(self._hashes)


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


# ---------------------------------------------------------------- proofs are made


def root(size: int, node: Callable[[int, int], bytes]) -> bytes:
    """The root of the first ``size`` leaves."""
    return _range_root(0, size, node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: Callable[[int, int], bytes]) -> list[bytes]:
    """From the leaf's sibling up to the root's child (RFC 6962, 2.1.1); ``index`` is below ``size``."""
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(middle, end, node))
            end = middle
        else:
            path.append(_range_root(start, middle, node))
            start = middle
    return path[::-1]


def consistency_proof(old: int, size: int, node: Callable[[int, int], bytes]) -> list[bytes]:
    """That the first ``old`` of ``size`` leaves are the whole older tree (RFC 6962, 2.1.2)."""
    if old in {0, size}:
        return []
    path: list[bytes] = []
    start, end = 0, size
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_root(middle, end, node))
            end = middle
        else:
            path.append(_range_root(start, middle, node))
            start = middle
    if start:
        path.append(_range_root(start, end, node))
    return path[::-1]


def _split(size: int) -> int:
    """The greatest power of two below ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_root(start: int, end: int, node: Callable[[int, int], bytes]) -> bytes:
    """The root over a range that begins where a subtree of its size would."""
    parts: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append(node(level, start >> level))
        start += 1 << level
    return _folded(parts)


def _folded(parts: Sequence[bytes]) -> bytes:
    if not parts:
        return EMPTY_ROOT
    made = parts[-1]
    for left in reversed(parts[:-1]):
        made = node_hash(left, made)
    return made


# ---------------------------------------------------------------- proofs are verified


def includes(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof leads from the leaf's hash to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or len(leaf) != HASH_BYTES or (steps := _steps(index, size - 1, proof)) is None:
        return False
    made = leaf
    for sibling, is_left in steps:
        made = node_hash(sibling, made) if is_left else node_hash(made, sibling)
    return made == root


def _steps(at: int, last: int, proof: Sequence[bytes]) -> list[tuple[bytes, bool]] | None:
    """Each hash of a proof with whether it stands on the left; ``None`` if the way up has not that many steps.

    ``at`` is the node that the way begins at, ``last`` the last one of its level.
    """
    steps: list[tuple[bytes, bool]] = []
    for sibling in proof:
        if not last:
            return None
        is_left = bool(at & 1) or at == last
        steps.append((sibling, is_left))
        while is_left and at and not at & 1:
            at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    return None if last else steps
