"""What argv leads to: the files on the way to the program that does the work, or where the way breaks off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.binary.program.control import Control
from scanner.binary.program.execve import Search
from scanner.domain.facts import Failure, Program
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.layers.view import View
    from scanner.binary.program.argv import Command


def program(view: View, command: Command) -> Program:
    """What ``command`` resolves to; raises what the view raises where the layers do not tell."""
    if not command.argv or not command.argv[0]:
        return Program(command.argv, problem=Failure(Reason.NO_COMMAND, "neither Entrypoint nor Cmd names a program"))
    search = Search(view)
    way = Control(search).follow(command, search.start(command, "entrypoint"))
    return way.program(command.argv)
