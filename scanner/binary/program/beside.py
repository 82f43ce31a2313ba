"""The programs that scripts run before the one that does the work: what becomes of the script if they cannot start.

A script that goes on only behind the success of a program (``set -e``, ``&&``, ``if``) needs that program as it needs the
one that does the work. What it starts besides and does not wait for, or whose failure it forgives, may be for another CPU
without harm, so that nobody can tell before it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from scanner.binary.program.argv import UNKNOWN, Command
from scanner.binary.program.emulators import cpus_of
from scanner.binary.program.path_search import places_of
from scanner.binary.program.shell.making import Makes, makes
from scanner.binary.program.shell.placing import Placement
from scanner.binary.program.shell.shell_programs import PREPARING
from scanner.binary.program.steps import Before, faulty
from scanner.binary.program.way import Way, is_unknown
from scanner.domain.failure import Failure
from scanner.domain.image.offers import FileKind
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.program.execve import Run
    from scanner.binary.program.makers import Made
    from scanner.binary.program.services.services import Services
    from scanner.binary.program.steps import Next
    from scanner.domain.image.offers import Executable, Program

MAX_BESIDE = 48
"""Programs of one way that are followed beside it; the longest official entrypoints start some ten."""

MAX_WALKS = 256
"""Programs beside ways that are followed in one image, with their words, those that their own scripts start among them;
each costs some look-ups."""

_NOT_THERE = frozenset({Reason.ENTRYPOINT_MISSING, Reason.ENTRYPOINT_NOT_EXECUTABLE, Reason.INTERPRETER_MISSING})

OF_LIBRARIES = frozenset({Reason.LIBRARY_MISSING, Reason.LIBRARY_TOO_OLD, Reason.WRONG_LIBRARY})
"""What no longer holds where a script changes files (ldconfig among them) or a loader is told to look elsewhere."""

READ_BY_SHELLS = frozenset({
    Reason.NO_SHEBANG, Reason.BOM_SHEBANG, Reason.UTF16_SHEBANG, Reason.ENTRYPOINT_EMPTY,
})  # fmt: skip
"""What execvp(3) hands to /bin/sh when execve refuses it; runc's execve does not."""

_NO_CONCERN_OF_LOADERS = frozenset({
    Reason.ENTRYPOINT_NOT_EXECUTABLE, Reason.LOADER_MISSING, Reason.LOADER_INVALID, Reason.WRONG_LOADER,
})  # fmt: skip
"""What a loader that is started as a program does not ask of the file that it maps."""

Walk: TypeAlias = Callable[[Command, Before], Way]
"""Follows one program with the hops that are left."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why nobody can tell what a way comes to, empty where they can; ``foreign`` for a program for another CPU."""

    why: str = ""
    foreign: bool = False

    def on(self, files: tuple[Executable, ...]) -> Way:
        """The way through these files."""
        return Way(files, at_run_time=self.why, foreign=self.foreign)


@dataclass(slots=True)
class Walks:
    """What was found for one image, each program followed once; ``made`` is what those before a step may have changed."""

    found: dict[object, Way] = field(default_factory=dict)
    made: dict[object, Made] = field(default_factory=dict)

    def follow(self, walk: Walk, command: Command, before: Before) -> Way | None:
        """The way of one program that a script runs beside another; ``None`` where too many were followed."""
        key = command.identity, before.asked
        if key not in self.found:
            if len(self.found) >= MAX_WALKS:
                return None
            self.found[key] = Way(at_run_time=f"{command.argv[0]} starts itself")
            self.found[key] = walk(command, before)
        return self.found[key]


def awaited(walks: Walks, walk: Walk, needs: tuple[Command, ...], files: tuple[Executable, ...], before: Before) -> Way:
    """The files of a way with those that it needs for another CPU; it has ended where they surely do not start."""
    own, why = cpus_of((*before.files, *files)), ""
    for at, command in enumerate(needs[:MAX_BESIDE]):
        others = (*needs[:at], *(each for each in before.also if each not in needs))
        asked = before.asked or any(makes(each) > Makes.NAMED for each in others)
        way = walks.follow(walk, command, _aside(before, asked=asked))
        if way is None:
            return Way(files, faulty(_TOO_MANY).problem)
        is_abroad = _leads_abroad(way, own)
        if why and (way.problem is not None or is_abroad):
            lacks = _also(command) if way.problem is None else way.problem.detail
            return Way(files, faulty(f"{why}; {lacks}").problem)
        if way.problem is not None:
            return Way(files if is_unknown(way.problem) else (*files, *way.files), way.problem)
        if is_abroad and (way.at_run_time or way.branches):
            return Doubt(_also(command), foreign=True).on(files)
        files = (*files, *way.files) if is_abroad else files
        if not (why or is_abroad) and way.at_run_time and _is_told_at_run_time(command):
            why = _open(command, way)
    if len(needs) > MAX_BESIDE:
        return Way(files, faulty(f"scripts wait for more than {MAX_BESIDE} programs").problem)
    return Way(files, at_run_time=why)


def served(walks: Walks, walk: Walk, services: Services, files: tuple[Executable, ...], before: Before) -> Way:
    """The way through a supervisor behind these files, as far as what it starts tells.

    What it does not go on without is needed as what a script waits for. Each other service is looked at: one for another
    CPU, without which it surely goes on, is told apart; else that counts before one that lacks something, that before one of
    which nobody can tell. What runs only where a service has ended is asked for its CPU alone.
    """
    if services.refusal:
        return Way(files, faulty(services.refusal).problem)
    needed = awaited(walks, walk, tuple(services.needed), files, before)
    if needed.has_ended:
        return needed
    own = cpus_of((*before.files, *files))
    lasting: list[Program] = []
    foreign: list[str] = []
    certain: list[str] = []
    open_ones: list[str] = []
    for at, command in enumerate((*services.started, *services.behind)):
        way = walks.follow(walk, command, _aside(before, asked=before.made > Makes.NAMED or at > 0))
        if way is None:
            open_ones.append(_TOO_MANY)
            break
        if _leads_abroad(way, own):
            lasts = services.lasts and command not in services.ending and not (way.problem or way.at_run_time)
            if lasts and at < len(services.started):
                lasting.append(replace(way.program(command.argv), emulators=None))  # no emulator was looked for
            else:
                foreign.append(f"{command.argv[0]} leads to a program for another CPU")
        elif way.problem is not None and at < len(services.started):
            (open_ones if is_unknown(way.problem) else certain).append(way.problem.detail)
    found = next(
        (f"{services.what} does not start: {each}" for each in (*foreign, *certain, *open_ones)), services.bound
    )
    return Way(needed.files, faulty(found).problem if found else None, services=tuple(lasting))


def unsure(ways: tuple[Way, ...], files: tuple[Executable, ...], before: Before) -> Way:
    """What several ways come to where nobody can tell of one: where another surely does not start, no survey tells either."""
    foreign = any(way.foreign for way in ways)
    problem = next((way.problem for way in ways if is_unknown(way.problem)), None)
    why = next((way.at_run_time for way in ways if way.at_run_time), "")
    if problem is not None or not why:
        return Way(files, problem, foreign=foreign)
    own = cpus_of((*before.files, *files))
    lacks = next((way.problem.detail for way in ways if way.problem is not None), "")
    if not (lacks or foreign) and any(own and not cpus_of(way.all_files) <= own for way in ways):
        lacks = "what it starts then is for another CPU"
    return Way(files, faulty(f"{why}; {lacks}").problem) if lacks else Way(files, at_run_time=why, foreign=foreign)


def unless_read(way: Way, files: tuple[Executable, ...], before: Before) -> Way:
    """The way behind a loop over lines, of which a program in it may have read those that lead to the problem."""
    own = cpus_of((*before.files, *files))
    if way.problem is None and own and not cpus_of(way.files) <= own:
        return Doubt("a loop over lines may start a program that is for another CPU", foreign=True).on(files)
    if way.problem is None or is_unknown(way.problem):
        return way
    why = f"{way.problem.detail}, unless a program before it reads the lines of the loop that starts it"
    return replace(way, problem=Failure(Reason.BINARY_UNKNOWN, why, path=way.problem.path))


def unloadable(run: Run, name: str) -> Failure | None:
    """Why a loader that is started as a program may not load what it is given, or surely does not."""
    first = run.files[0] if run.files else None
    if first is not None and first.kind is FileKind.SCRIPT:
        why = f"{first.path} is a script, while a loader loads ELF files alone"
        return Failure(Reason.NOT_A_PROGRAM, why, path=first.path)
    if run.problem is None or run.problem.reason not in _NO_CONCERN_OF_LOADERS | OF_LIBRARIES:
        return None
    return Failure(Reason.BINARY_UNKNOWN, f"{name} is started by a loader, which does without what it lacks")


def unmade(step: Next, run: Run, made: Callable[[], Made]) -> Failure | None:
    """Why a start that fails for what is not there, or not executable, is not known to fail: the scripts before may mend it.

    That the rest of the image is for the right CPU says nothing of it. ``made`` tells what the programs that ran before may
    have changed.
    """
    problem, name = run.problem, step.command.argv[0]
    stopped = [*places_of(step.command), *(file.path for file in run.files)]
    if any(each.stops and each.changes(path) for path in stopped for each in step.written):
        return Failure(Reason.BINARY_UNKNOWN, f"its script takes away the right to execute {name}")
    if problem is not None and problem.reason in OF_LIBRARIES and (step.written or step.made_before):
        why = f"{problem.detail}, unless the script that starts it makes that right"
        return Failure(Reason.BINARY_UNKNOWN, why, path=problem.path)
    if problem is None or problem.reason not in _NOT_THERE or step.missing:
        return None
    if problem.reason is Reason.ENTRYPOINT_NOT_EXECUTABLE:
        why = f"{name} may not be executed, unless the script that starts it changes that"
    elif problem.reason is Reason.INTERPRETER_MISSING:
        why = f"{problem.detail}, unless the script that starts it makes that right"
    elif name.rpartition("/")[2] in PREPARING:
        why = f"{name} is not in the image, unless what its script ran before has made it"
    else:
        why = f"{name} is not in the image, and the script may make it before it starts it"
    is_inner = problem.reason is Reason.INTERPRETER_MISSING and problem.path
    places = (problem.path,) if is_inner else places_of(step.command)
    sure = Placement.by(step.written).writes
    others = made()
    filled = others.anything or any(
        write.may_make(path) for path in places for write in (*step.written, *others.paths) if write not in sure
    )
    return Failure(Reason.BINARY_UNKNOWN, why, path=problem.path) if filled else None


def unawaited(walks: Walks, walk: Walk, files: tuple[Executable, ...], before: Before) -> Doubt:
    """Whether nobody can tell what a way comes to that starts other programs too, which may be for another CPU."""
    own = cpus_of((*before.files, *files))
    others = [each for each in before.also if UNKNOWN not in each.argv[0]]
    doubt = Doubt(next((_some(each) for each in before.also if UNKNOWN in each.argv[0]), ""))
    if len({(each.argv[0], each.path, each.cwd) for each in others}) > MAX_BESIDE:
        return Doubt(f"scripts start more than {MAX_BESIDE} programs beside it")
    for other in others if own else ():
        way = walks.follow(walk, other, _aside(before, asked=True))
        if way is None:
            return Doubt(_TOO_MANY)
        if _leads_abroad(way, own):
            return Doubt(_also(other), foreign=True)
        if not doubt.why and way.at_run_time and _is_told_at_run_time(other):
            doubt = Doubt(_open(other, way))
    return doubt


def named(  # noqa: PLR0913, PLR0917 - a program with its words, beside all that is known of the way to it
    walks: Walks,
    walk: Walk,
    by: Command,
    others: tuple[Command, ...] | None,
    files: tuple[Executable, ...],
    before: Before,
) -> Doubt:
    """Whether nobody can tell what a program comes to whose words name others, which may be for another CPU."""
    if others is None:
        return Doubt(f"{by.argv[0]} is given more paths than are looked up, and may start what is there")
    own = cpus_of((*before.files, *files))
    for other in others if own else ():
        # that the program may have changed what its own words name speaks for nothing
        way = walks.follow(walk, other, _aside(replace(before, written=()), asked=before.asked))
        if way is None:
            return Doubt(_TOO_MANY)
        if _leads_abroad(way, own):
            why = f"{by.argv[0]} may start what its words name: {other.argv[0]} leads to a program for another CPU"
            return Doubt(why, foreign=True)
    return Doubt()


_TOO_MANY = f"scripts start more than {MAX_WALKS} programs beside it"


def _leads_abroad(way: Way, own: frozenset[str]) -> bool:
    """Whether a way beside another comes, or may come, to a program for another CPU than these."""
    return bool(own) and (way.foreign or bool(way.services) or not cpus_of(way.all_files) <= own)


def _aside(before: Before, *, asked: bool) -> Before:
    return replace(before, also=(), files=(), asked=asked, scripted=True, beside=True)


def _some(command: Command) -> str:
    return f"it also starts what is known at run time only: {command.argv[1]}"


def _is_told_at_run_time(command: Command) -> bool:
    """Whether nobody knows the first thing that a program is told, such as the script that a shell is to read."""
    return UNKNOWN in next((word for word in command.argv[1:] if not word.startswith("-")), "")


def _open(command: Command, way: Way) -> str:
    return f"it also starts {command.argv[0]}: {way.at_run_time}"


def _also(command: Command) -> str:
    return f"it also starts {command.argv[0]}, which is for another CPU"


def replaced(step: Next, started: tuple[Executable, ...], files: tuple[Executable, ...]) -> str:
    """Why a program for another CPU than the files before it stops nothing: its script does something else instead."""
    if not step.replaced or cpus_of(started) <= cpus_of(files):
        return ""
    return f"where {step.command.argv[0]}, which is for another CPU, does not start, its script does something else"
