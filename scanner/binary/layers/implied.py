"""What the layers below have in place of a directory that a layer only implies by what lies in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.binary.layers.layers import NodeKind, ancestors_and_self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.binary.layers.layers import LayerIndex, Node


def through_no_directory(path: str, below: Sequence[LayerIndex]) -> bool | None:
    """Whether an overlay's own directory of a layer below ends the way to a path, where a parent's rights are looked for.

    The rule is mkparent of containerd's archive/tar.go: the first layer that has the directory, or something else in its
    place, is the answer; a whiteout or a file above it is an error. ``None`` where a layer was not read that may be it.
    """
    *above, _ = ancestors_and_self(path)
    for index in below:
        if any(each in index.whiteouts or _is_no_directory(index.get(each)) for each in above):
            return True
        if path in index.whiteouts or index.get(path) is not None:
            return False
        if not index.complete and above:
            return None
    return False


def _is_no_directory(node: Node | None) -> bool:
    return node is not None and node.kind not in {NodeKind.DIRECTORY, NodeKind.SYMLINK}
