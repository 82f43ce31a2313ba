"""Where the files of a project lie that the labels of its containers name, by whichever Compose wrote them."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def rooted(names: Sequence[str], directory: str) -> tuple[str, ...]:
    """The paths of files, in which the first one lies in ``directory``, the project's.

    Docker's Compose writes whole paths; docker-compose 1 and podman-compose what they were given, from the directory on
    that they were started in. Of a name that leads through folders which nobody can tell the name stays as it is.
    """
    begin, known = _begin(names[0], directory) if names else ("", 0)
    return tuple(_rooted(name, begin, known) for name in names)


def _begin(first: str, directory: str) -> tuple[str, int]:
    """The folder, some steps above where Compose was started, that is known; empty where none is."""
    path, known = _climbed(first)
    folder = path[: path.rfind("/") + 1]
    is_there = directory.startswith("/") and f"{directory}/".endswith(f"/{folder}")
    return (f"{directory}/"[: -len(folder) - 1] + "/" if is_there else ""), known


def _rooted(name: str, begin: str, known: int) -> str:
    path, steps = _climbed(name)
    if name.startswith("/"):
        return posixpath.normpath(f"/{name.lstrip('/')}")
    if name == "-" or not begin or steps < known:
        return name
    return posixpath.normpath(f"{begin}{'../' * (steps - known)}{path}")


def _climbed(path: str) -> tuple[str, int]:
    """What is left of a path behind what leads upwards, with how many steps that does."""
    steps = 0
    while path.startswith(("./", "../")):
        steps += path.startswith("../")
        path = path.partition("/")[2]
    return path, steps
