"""What scripts have surely put into an image, what they may have changed in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.layers.view import Absence
from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.shell.placing import Placement

if TYPE_CHECKING:
    from scanner.binary.layers.view import View
    from scanner.binary.program.shell.writes import Write


def placed(view: View, written: tuple[Write, ...]) -> View:
    """The image with what scripts have surely put in place."""
    placement = Placement.by(written)
    return placement.on(view) if placement.writes else view


def is_changed(view: View, path: str, written: tuple[Write, ...]) -> bool:
    """Whether a file may be other than the image's, by its path or by another that leads to it."""
    names, sure = path.split("/"), Placement.by(written).writes
    for each in written:
        if each in sure or each.stops:
            continue
        if each.changes(path):
            return True
        head, _, last = each.path.rpartition("/")
        if last in names and UNKNOWN not in each.path:
            found = view.lookup(head or "/")
            real = "" if isinstance(found, Absence) else f"{found.path.rstrip('/')}/{last}"
            if real not in {"", each.path} and replace(each, path=real).changes(path):
                return True
    return False
