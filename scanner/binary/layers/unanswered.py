"""The questions about an image's files that more of its layers has to be read for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.binary.layers.layers import Extent


class Unread(Exception):  # noqa: N818 - a question, not an error
    """The answer needs more of this layer."""

    def __init__(self, layer: int) -> None:
        super().__init__(f"layer {layer} has not been read far enough")
        self.layer = layer


class Unfetched(Exception):  # noqa: N818 - a question, not an error
    """The answer needs the bytes of one file, which the layer's table of contents tells how to fetch."""

    def __init__(self, layer: int, extent: Extent) -> None:
        super().__init__(f"a file of layer {layer} has not been fetched")
        self.layer = layer
        self.extent = extent


class Unkept(Exception):  # noqa: N818 - a question, not an error
    """The answer needs the text of a file, or what it is as a program, that passed by before anybody asked for it."""

    def __init__(self, layer: int, path: str, *, runs: bool = False, below: tuple[str, ...] = ()) -> None:
        super().__init__(f"{path} of layer {layer} was not kept")
        self.layer = layer
        self.path = path
        self.runs = runs
        self.below = below
