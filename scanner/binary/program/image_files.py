"""The files of an image as a script that runs in it sees them."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.binary.layers.layers import NodeKind
from scanner.binary.layers.view import Absence, Found
from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.content import architecture_of
from scanner.binary.program.shell.image_paths import PathKind, Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scanner.binary.layers.view import View
    from scanner.binary.program.argv import Command
    from scanner.binary.program.content import Content

_RUN_TIME = ("/proc", "/sys", "/dev")
"""What the runtime mounts over in every container."""

_OF_THE_ENGINE = (
    "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab", "/.dockerenv", "/.dockerinit",
)  # fmt: skip
"""What engines put into a container, whatever the image holds there; which of them, each decides by itself."""

_FILLED_AT_RUN_TIME = ("/run", "/tmp", "/var/run", "/var/tmp")  # noqa: S108 - paths of an image, not of this machine
"""What is there is there, but what is not may be there at run time, unless nothing can be written."""

_PATHS_OF_NOBODY = frozenset({"distutils-precedence.pth", "_virtualenv.pth"})
"""What tells Python of no directory, though it is called as if it did."""

_KINDS = {NodeKind.FILE: PathKind.FILE, NodeKind.DIRECTORY: PathKind.DIRECTORY}
_NOT_KNOWN = Standing(PathKind.UNKNOWN)


def is_below(path: str, directory: str) -> bool:
    """Whether a path is a directory or lies in it."""
    return path == directory or path.startswith(f"{directory.rstrip('/')}/")


def is_mounted(path: str, mounts: tuple[str, ...]) -> bool:
    """Whether something else than the image stands over a path."""
    path = posixpath.normpath(path)
    return any(is_below(path, posixpath.normpath(mount)) for mount in mounts)


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """A view of the layers below ``mounts``; raises what the view raises. On ``volumes`` there may be more.

    ``unwritable`` tells of what stands in the image whether the script's user surely may not write it, ``unowned``
    whether that user surely may not change its owner or mode; ``guarded`` that bits hold for root too.
    """

    view: View
    mounts: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    unwritable: Callable[[str], bool] = lambda _: False
    unowned: Callable[[str], bool] = lambda _: False
    read_only: bool = False
    guarded: bool = False

    @classmethod
    def of(cls, view: View, command: Command) -> ImageFiles:
        """As a command finds them."""
        guarded = command.privileges.lacks_override
        return cls(view, command.mounts, command.volumes, read_only=command.read_only, guarded=guarded)

    def stands(self, path: str) -> Standing:
        """What stands at an absolute path."""
        if UNKNOWN in path or self._is_covered(path):
            return _NOT_KNOWN
        found = self.view.lookup(path)
        if isinstance(found, Absence):
            if found is Absence.MISSING and self._mounted_in(path) and self.view.missed(path) == path:
                return Standing(PathKind.DIRECTORY, executable=True, path=path)  # engines make what a mount needs
            is_open = self._may_be_filled(found, path) or self._mounted_in(path)
            return _NOT_KNOWN if is_open else Standing(PathKind.MISSING)
        if self._is_covered(found.path):
            return _NOT_KNOWN
        kind = _KINDS.get(found.node.kind, PathKind.OTHER)
        return Standing(kind, found.node.executable, found.node.size, found.path, self.guarded)

    def text(self, path: str) -> bytes | None:
        """All of a file, ``None`` where it was not kept."""
        found = None if self._is_covered(path) else self.view.lookup(path)
        if found is None or isinstance(found, Absence) or self._is_covered(found.path):
            return None
        return self.view.text(found)

    def module_text(self, path: str, packages: Iterable[str]) -> bytes | None:
        """The text of a module, for which its layer may be read again, with the modules of these packages."""
        found = None if self._is_covered(path) else self.view.lookup(path)
        if not isinstance(found, Found) or self._is_covered(found.path):
            return None
        return self.view.module(found, (found.path.lstrip("/"), *packages))

    def content(self, path: str) -> Content | None:
        """What a program or library holds, ``None`` where it was not read or is not the image's."""
        found = None if self._is_covered(path) else self.view.lookup(path)
        if not isinstance(found, Found) or self._is_covered(found.path):
            return None
        return self.view.content(found)

    def called(self, module: str) -> frozenset[str]:
        """The names in whatever directory that a module may be found by: its own, with an ending of any kind."""
        return frozenset(each for each in self.view.names_with(module) if each.partition(".")[0] == module)

    def is_called_so_far(self, module: str) -> bool:
        """Whether there is one in the layers as far as they were read."""
        return any(True for _ in self.view.named_so_far(lambda name: name.partition(".")[0] == module))

    def maps_modules(self) -> bool:
        """Whether something installed may say that modules of Python's stand under other names."""
        packed = any(name.endswith(".egg") for name in self.view.names_with(".egg"))
        zipped = any(name.endswith(".zip") for name in self.view.names_with("python"))
        paths = {name for name in self.view.names_with(".pth") if name.endswith(".pth")} - _PATHS_OF_NOBODY
        is_led = bool(paths and (self.mounts or self.volumes))  # to what stands there
        return packed or zipped or is_led or bool(self.view.names_with("__editable__"))

    def names(self, path: str) -> tuple[str, ...] | None:
        """The names in a directory, sorted; ``None`` where they are not known."""
        found = None if self._is_covered(path) else self.view.lookup(path)
        if isinstance(found, Absence):
            return None if self._may_fill(path) else self._mounted_in(path)
        if found is None or self._is_covered(found.path) or self._may_fill(found.path):
            return None
        if self.view.is_placed_in(found.path):
            return None
        return tuple(sorted({*(self.view.names(path) or ()), *self._mounted_in(path)}))

    def _mounted_in(self, path: str) -> tuple[str, ...]:
        """The names in a directory over or below which something is mounted: engines make what is missing of them."""
        lead = f"{posixpath.normpath(path).rstrip('/')}/"
        places = map(posixpath.normpath, (*self.mounts, *self.volumes))
        return tuple(sorted({each[len(lead) :].partition("/")[0] for each in places if each.startswith(lead)} - {""}))

    def is_link(self, path: str) -> bool | None:
        """Whether the path itself is a symbolic link, ``None`` where that is not known."""
        return None if self._is_covered(path) else self.view.is_symlink(path)

    def architecture(self, path: str) -> str:
        """The CPU that a binary is for, in Go's word; empty where it is none, or none that is known."""
        return architecture_of(self.content(path))

    def lacks_applet(self, path: str) -> bool:
        """Whether a path leads to a busybox that surely was built without an applet of the path's name."""
        found, name = None if self._is_covered(path) else self.view.lookup(path), posixpath.basename(path)
        if (
            not isinstance(found, Found)
            or self._is_covered(found.path)
            or not posixpath.basename(found.path).startswith("busybox")
            or name.startswith("busybox")
        ):
            return False
        content = self.view.content(found)
        return content is not None and content.applets is not None and name not in content.applets

    def is_called(self, name: str) -> bool:
        """Whether something of the image may have this name, in whatever directory."""
        return bool(self.volumes) or bool(self.view.called(name))

    def called_below(self, place: str, name: str) -> tuple[str, ...] | None:
        """The absolute paths of all that has this name below a directory; ``None`` where they are not known.

        One look at all names of the image, which a walk over its directories would take for each of them.
        """
        if self.names(place) is None or self.stands(place).path != place or self._mounted_in(place):
            return None
        by_others = any(is_below(each, place) for each in (*_FILLED_AT_RUN_TIME, *_RUN_TIME, *_OF_THE_ENGINE))
        if by_others or self.view.is_placed_in(place, deeply=True):
            return None
        found = set[str]()
        for each in self.view.called(name):
            directory = self.view.lookup(f"/{posixpath.dirname(each)}")
            if isinstance(directory, Absence):
                continue
            path = posixpath.join(directory.path, name)
            if path.startswith(f"{place.rstrip('/')}/") and self._is_there(path):
                found.add(path)
        return tuple(sorted(found))

    def _is_there(self, path: str) -> bool:
        """Whether a name stands in its directory, were it a link that leads to nothing."""
        return isinstance(self.view.lookup(path), Found) or self.view.is_symlink(path)

    def lacks(self, path: str, root: str) -> bool:
        """Whether surely nothing stands at a path below another root directory, where links lead elsewhere than in the image."""
        at = self.stands(root)
        parts = [part for part in path.split("/") if part not in {"", "."}]
        while at.kind is PathKind.DIRECTORY and parts:
            here = f"{at.path.rstrip('/')}/{parts.pop(0)}"
            if here.endswith("/..") or self.is_link(here) is not False:
                return False
            at = self.stands(here)
        return at.kind is PathKind.MISSING or (bool(parts) and at.kind is PathKind.FILE)

    def forbids(self, path: str) -> bool:
        """Whether the script's user surely may not write at a path, nor make it where nothing stands."""
        path = posixpath.normpath(path)
        while not self._is_covered(path) and not self._may_fill(path):
            found = self.view.lookup(path)
            if isinstance(found, Found):
                return not self._is_covered(found.path) and not self._may_fill(found.path) and self.unwritable(path)
            if found is not Absence.MISSING or path == "/" or self.view.is_symlink(path):
                return False
            path = posixpath.dirname(path)
        return False

    def is_others(self, path: str) -> bool:
        """Whether what stands at a path in the image surely is another user's than the script's, who is not root."""
        path = posixpath.normpath(path)
        found = None if self._is_covered(path) or self._may_fill(path) else self.view.lookup(path)
        if not isinstance(found, Found) or self._is_covered(found.path) or self._may_fill(found.path):
            return False
        return self.unowned(path)

    def _may_be_filled(self, found: Absence, path: str) -> bool:
        """Whether something may stand at run time where the image has nothing, or where its links lead to nothing."""
        if self._may_fill(path):
            return True
        end = self.view.missed(path) if found is Absence.MISSING else path
        return end != path and (self._may_fill(end) or self._is_covered(end))

    def _may_fill(self, path: str) -> bool:
        return is_mounted(path, self.volumes if self.read_only else (*self.volumes, *_FILLED_AT_RUN_TIME))

    def _is_covered(self, path: str) -> bool:
        return is_mounted(path, (*self.mounts, *_RUN_TIME, *_OF_THE_ENGINE))
