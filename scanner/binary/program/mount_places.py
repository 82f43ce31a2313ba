"""Where mounts end up in an image whose links lead their destinations elsewhere, as runtimes follow these (securejoin)."""

from __future__ import annotations

import posixpath
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.layers.layers import MAX_SYMLINKS, NodeKind

if TYPE_CHECKING:
    from scanner.binary.layers.view import View
    from scanner.binary.program.argv import Command

_USUAL_LINKS = {
    **{name: f"/usr/{name}" for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32")},
    "var/run": "/run",
    "var/lock": "/run/lock",
}
"""What stands at these in most images, where the layer that would tell was not read: no layer is read for a mount alone."""


def placed(view: View, command: Command) -> Command:
    """The command with its mounts and volumes also where the image's links lead them, as far as layers were read."""
    return replace(command, mounts=_with_ends(view, command.mounts), volumes=_with_ends(view, command.volumes))


def _with_ends(view: View, destinations: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*destinations, *(_end(view, each) for each in destinations)]))


def _end(view: View, destination: str) -> str:
    """Engines clean a destination by its words before any link is followed."""
    todo, at, links = deque(posixpath.normpath(destination).split("/")), list[str](), 0
    while todo:
        part = todo.popleft()
        if part in {"", ".", ".."}:
            at = at[:-1] if part == ".." else at
            continue
        here = "/".join([*at, part])
        node = view.node_so_far(here)
        target = _USUAL_LINKS.get(here) if node is None else node.target if node.kind is NodeKind.SYMLINK else None
        if target is None:
            at.append(part)
            continue
        links += 1
        if links > MAX_SYMLINKS:
            return destination
        at = [] if target.startswith("/") else at
        todo.extendleft(reversed(target.split("/")))
    return "/" + "/".join(at)
