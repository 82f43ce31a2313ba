"""The state that a program which starts another one hands on to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.services.found import Changes
from scanner.binary.program.shell.following import Ended, Reached
from scanner.binary.program.shell.making import Makes, makes
from scanner.binary.program.shell.placing import Placement
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.program.argv import Command
    from scanner.binary.program.content import Content
    from scanner.binary.program.launch.launch import AtRunTime
    from scanner.binary.program.shell.following import Ending
    from scanner.binary.program.shell.writes import Write
    from scanner.domain.image.offers import Executable

MADE_GOOD = frozenset({Reason.ENTRYPOINT_MISSING, Reason.ENTRYPOINT_NOT_EXECUTABLE, Reason.INTERPRETER_MISSING})
"""What a script before may have mended."""


@dataclass(frozen=True, slots=True)
class Next:
    """What is started next.

    ``falls_back`` tells that a shell reads a text that execve refuses, ``by_loader`` that a loader maps the file, whose
    execute bit does not count, ``scripted`` that a script has run before, which may have changed owners, modes, accounts.
    ``missing`` tells that the shell surely does not find it, whatever its script ran before, ``also`` what that was.
    ``needs`` are the programs that had to succeed before, ``decides`` that the script's status is that of the command,
    ``replaced`` that it does something else with success where the command fails. ``busybox`` is its shell where
    that is busybox', of which some builds start their applets without any file, or whatever file is called so. ``early`` tells that ``needs`` holds unless a loop
    ends before its lines do. ``left`` are the paths that its script may have changed when it has ended.
    """

    command: Command
    falls_back: bool = True
    by_loader: bool = False
    for_loader: tuple[tuple[str, str], ...] = ()
    written: tuple[Write, ...] = ()
    also: tuple[Command, ...] = ()
    asked: bool = False
    scripted: bool = False
    needs: tuple[Command, ...] = ()
    decides: bool = True
    replaced: bool = False
    missing: bool = False
    busybox: Content | None = None
    early: bool = False
    left: tuple[Write, ...] = ()

    @property
    def made_before(self) -> Makes:
        """What the programs that ran before may have made."""
        return _made(self.also, asked=self.asked)

    @property
    def start(self) -> object:
        """What two steps have in common that start the same."""
        command = self.command
        return command.argv, command.cwd, command.path, command.user, command.input, self.written, not self.also

    @property
    def undecided(self) -> str:
        """Why the script's own status is not that of the command."""
        return f"what follows {self.command.argv[0]} in its script tells whether that succeeds"

    def meeting(self, other: Next) -> Next:
        """One step for two ways to the same: it needs what both need."""
        if self.early is not other.early:
            return replace(other if self.early else self, early=True)
        needs = tuple(each for each in self.needs if each in other.needs)
        missing = self.missing and other.missing
        left = tuple(dict.fromkeys((*self.left, *other.left)))
        return replace(self, needs=needs, replaced=self.replaced or other.replaced, missing=missing, left=left)


def within(ending: Ending, container: Command) -> Ending:
    """What a script comes to, with what holds of everything that its container starts."""

    def kept(command: Command) -> Command:
        return replace(command, privileges=container.privileges, read_only=container.read_only)

    match ending:
        case Reached():
            also, needs = tuple(map(kept, ending.also)), tuple(map(kept, ending.needs))
            return replace(ending, command=kept(ending.command), also=also, needs=needs)
        case Ended():
            asked, needs = tuple(map(kept, ending.asked)), tuple(map(kept, ending.needs))
            return replace(ending, asked=asked, needs=needs, lacks=kept(ending.lacks) if ending.lacks else None)
    return ending


def _made(also: tuple[Command, ...], *, asked: bool) -> Makes:
    return Makes.ANYTHING if asked else max(map(makes, also), default=Makes.NAMED)


def scripted(ending: Reached, busybox: Content | None) -> Next:
    """The step to what a script comes to."""
    return Next(
        ending.command,
        written=ending.written,
        also=ending.also,
        asked=ending.asked,
        scripted=True,
        needs=ending.needs,
        decides=ending.decides,
        replaced=ending.replaced,
        missing=ending.missing,
        early=ending.early,
        busybox=busybox,
        left=ending.left,
    )


@dataclass(frozen=True, slots=True)
class Before:
    """What the scripts on the way so far may have written, what they started; ``files`` are those before a fork.

    ``beside`` tells that what is followed is a step of a script, of which only the status counts, ``served`` are the words
    of the supervisor whose services were looked at.
    """

    written: tuple[Write, ...] = ()
    also: tuple[Command, ...] = ()
    asked: bool = False
    files: tuple[Executable, ...] = ()
    scripted: bool = False
    beside: bool = False
    served: tuple[str, ...] = ()

    @property
    def made(self) -> Makes:
        """What the programs that ran so far may have made."""
        return _made(self.also, asked=self.asked)

    @property
    def has_put(self) -> bool:
        """Whether a script on the way has put anything where there was nothing, or something else."""
        return not all(each.makes for each in self.written)

    @property
    def has_done(self) -> bool:
        """Whether scripts on the way have written, or started, anything."""
        return bool(self.written or self.also or self.asked)

    @property
    def changes(self) -> Changes:
        """What they may have changed that nobody is sure of."""
        sure = Placement.by(self.written).writes
        return Changes(tuple(each for each in self.written if each not in sure), self.made > Makes.NAMED)

    def then(self, step: Next) -> Next:
        """A step with what was before it."""
        written = tuple(dict.fromkeys((*self.written, *step.written)))
        also = (*self.also, *(each for each in step.also if each not in self.also))
        return replace(
            step,
            written=written,
            also=also,
            asked=self.asked or step.asked,
            scripted=self.scripted or step.scripted,
            missing=step.missing and self.made < Makes.ANYTHING,
        )

    def behind(self, step: Next) -> Before:
        """What is known behind a step that was made from this by ``then``."""
        return replace(self, written=step.written, also=step.also, asked=step.asked, scripted=step.scripted)


@dataclass(frozen=True, slots=True)
class Stopped:
    """Control goes no further: the program of before does the work, or nobody knows."""

    at_run_time: str = ""
    problem: Failure | None = None

    @staticmethod
    def by(launch: AtRunTime | None) -> Stopped:
        """At a launcher that does not tell what it starts, or refuses its words."""
        return faulty(launch.why) if launch is not None and launch.is_refusal else Stopped(launch.why if launch else "")


def faulty(why: str) -> Stopped:
    """What may well start nothing, so that no other file of the image speaks for it."""
    return Stopped(problem=Failure(Reason.BINARY_UNKNOWN, why))


@dataclass(frozen=True, slots=True)
class Done:
    """The last script does the work by itself, besides starting these, of which ``needs`` had to succeed.

    ``written`` are the paths that it may have changed.
    """

    also: tuple[Command, ...] = ()
    needs: tuple[Command, ...] = ()
    written: tuple[Write, ...] = ()


def unreadable(command: Command, failure: Failure | Stopped, before: Before) -> Stopped | Done:
    """A script that is not there, unless one before may have made it; one that is empty succeeds as a step of another."""
    if isinstance(failure, Stopped):
        return failure
    if failure.reason is Reason.ENTRYPOINT_EMPTY and before.scripted:
        return Done() if before.beside else faulty(f"{failure.detail}, with which a step of a script succeeds")
    if UNKNOWN in failure.path:
        return Stopped(failure.detail) if before.has_put else faulty(failure.detail)
    made = before.made > Makes.NAMED or any(each.fills(failure.path) for each in before.written)
    if made and failure.reason in MADE_GOOD:
        why = f"{failure.path}, which {command.argv[0]} reads, may be made by the script that starts it"
        return faulty(why)
    return Stopped(problem=failure)
