"""The files on the way from argv to the program that does the work, or where that way breaks off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program import surroundings
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
    around = surroundings.weigh(view, command)
    if around.problem is not None:
        return Program(command.argv, problem=around.problem, objections=around.objections)
    search = Search(view)
    control = Control(search, command.user)
    if command.init:
        return replace(control.by_init(command).program(command.argv), objections=around.objections)
    run, objections = surroundings.after_start(search, command, search.start(command, "entrypoint"))
    way = control.follow(command, run)
    return replace(way.program(command.argv), objections=around.objections + objections)
