"""Where a command's program may stand, in the order in which it is looked up."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.binary.program.argv import Command
    from scanner.binary.program.execve import Run


def places_of(command: Command) -> tuple[str, ...]:
    """Where a command's program may stand."""
    name = command.argv[0]
    if "/" in name:
        return (_plain(command.absolute(name)),)
    return tuple(_plain(command.absolute(f"{directory}/{name}")) for directory in command.path)


def _plain(path: str) -> str:
    """A path as scripts' writes have it; ``normpath`` alone leaves two slashes at its beginning."""
    path = posixpath.normpath(path)
    return f"/{path.lstrip('/')}" if path.startswith("//") else path


def earlier_places(command: Command, run: Run) -> tuple[str, ...]:
    """The places in PATH that come before the one in which a program was found."""
    places = places_of(command)
    if "/" in command.argv[0]:
        return ()
    stop = next(
        (at for at, path in enumerate(places) if path == run.named or (run.found and path == run.found.path)), 0
    )
    return places[:stop]


def path_behind(command: Command, run: Run) -> tuple[str, ...]:
    """The directories of PATH behind the one in which a program was found; none where it was named by a path."""
    places = places_of(command)
    named = _plain(run.named)
    if "/" in command.argv[0] or named not in places:
        return ()
    return command.path[places.index(named) + 1 :]
