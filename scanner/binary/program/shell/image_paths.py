"""What a script sees of the image that it runs in: what stands at its paths."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class PathKind(Enum):
    """What stands at a path of the image, all links followed."""

    FILE = "file"
    DIRECTORY = "directory"
    OTHER = "other"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands at a path; ``size`` is in bytes, ``path`` where the links lead, ``guarded`` where its bits hold for root too."""

    kind: PathKind
    executable: bool = False
    size: int = 0
    path: str = ""
    guarded: bool = False


class Files(Protocol):
    """The image's files as a script of it sees them; ``UNKNOWN`` where they are not the image's."""

    def stands(self, path: str) -> Standing:
        """What stands at an absolute path."""

    def text(self, path: str) -> bytes | None:
        """All of a file, ``None`` where it was not kept."""

    def names(self, path: str) -> tuple[str, ...] | None:
        """The names in a directory, sorted; ``None`` where they are not known."""

    def is_link(self, path: str) -> bool | None:
        """Whether the path itself is a symbolic link, ``None`` where that is not known."""

    def forbids(self, path: str) -> bool:
        """Whether the script's user surely may not write at a path, nor make it where nothing stands."""

    def is_called(self, name: str) -> bool:
        """Whether something of the image may have this name, in whatever directory."""

    def called_below(self, place: str, name: str) -> tuple[str, ...] | None:
        """The absolute paths of all that has this name below a directory; ``None`` where they are not known."""

    def is_others(self, path: str) -> bool:
        """Whether what stands at a path in the image surely is another user's than the script's, who is not root."""

    def lacks_applet(self, path: str) -> bool:
        """Whether a path leads to a busybox that surely was built without an applet of the path's name."""

    def architecture(self, path: str) -> str:
        """The CPU that a binary is for, in Go's word; empty where it is none, or none that is known."""
