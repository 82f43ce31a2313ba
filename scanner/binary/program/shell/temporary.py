"""What ``mktemp`` makes, under names of ours in the place of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.shell.image_paths import PathKind
from scanner.binary.program.shell.state import is_known
from scanner.binary.program.shell.writes import Write

if TYPE_CHECKING:
    from scanner.binary.program.shell.image_paths import Files
    from scanner.binary.program.shell.state import State

_DIRECTORY = "/tmp"  # noqa: S108 - a path of the image
_NAME = f"{_DIRECTORY}/tmp."  # noqa: S108 - what the program prints


def name(files: Files, state: State, words: tuple[str, ...]) -> str:
    """The path that ``mktemp`` prints; empty for uncommon words."""
    if not set(words[1:]) <= {"-d", "-q"} or state.value("TMPDIR") is not None:
        return ""
    is_roots = (state.user or "").partition(":")[0] in {"", "0", "root"}
    if files.stands(_DIRECTORY).kind is not PathKind.DIRECTORY or not is_roots:
        return f"{_NAME}{UNKNOWN}"
    number = sum(each.path.startswith(f"{_NAME}XX") for each in state.written)
    return f"{_NAME}XXXXXXXXXX{number or ''}"


def made(state: State, words: tuple[str, ...], printed: str) -> State:
    """The state in which a file or a directory of that name was made."""
    path = printed.rstrip("\n")
    if words[0].rpartition("/")[2] != "mktemp" or not is_known(path):
        return state
    return state.wrote(Write(path, folder=True, makes=True) if "-d" in words else Write(path, text=""))
