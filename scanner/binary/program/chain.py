"""The files on the way from argv to the program that does the work, or where that way breaks off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program import capabilities, mount_places, surroundings
from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.control import Control
from scanner.binary.program.execve import Search
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Program
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.layers.view import View
    from scanner.binary.program.argv import Command


def program(view: View, command: Command) -> Program:
    """What ``command`` resolves to; raises what the view raises where the layers do not tell."""
    if not command.argv or not command.argv[0]:
        return Program(command.argv, problem=Failure(Reason.NO_COMMAND, "neither Entrypoint nor Cmd names a program"))
    if any(UNKNOWN in word for word in command.argv):
        return surroundings.with_zero_byte(command)
    command = mount_places.placed(view, command)
    around = surroundings.weigh(view, command)
    if around.problem is not None:
        return Program(command.argv, problem=around.problem, objections=around.objections)
    search = Search(view)
    control = Control(search, command.user)
    if command.init:
        way, objections = control.by_init(command), around.objections
    else:
        run, more = surroundings.after_start(search, command, search.start(command, "entrypoint"))
        way, objections = control.follow(command, run), around.objections + more
    objections += capabilities.objections(view, way.all_files, command.privileges)
    return replace(way.program(command.argv), objections=objections)
