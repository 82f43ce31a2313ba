"""Follows control from what a container execs through launchers, shells, to the program that does the work."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.binary.program import applets, beside, capabilities, changed, makers, mentioned, script_file, surroundings
from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS, Command
from scanner.binary.program.asked import Asked
from scanner.binary.program.content import architecture_of
from scanner.binary.program.execve import Run, Search
from scanner.binary.program.image_files import ImageFiles
from scanner.binary.program.launch import launchers, rights
from scanner.binary.program.path_search import earlier_places, path_behind
from scanner.binary.program.permission import Denial, Permissions, Wish
from scanner.binary.program.services import services
from scanner.binary.program.shell import following, shell_command, uncomputed
from scanner.binary.program.shell.making import Makes
from scanner.binary.program.shell.placing import Placement
from scanner.binary.program.shell.state import ShellKind
from scanner.binary.program.steps import MADE_GOOD, Before, Done, Next, Stopped, faulty, scripted, unreadable, within
from scanner.binary.program.way import Way, is_unknown
from scanner.domain.failure import Failure
from scanner.domain.image.offers import FileKind
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.layers.view import Found, View
    from scanner.binary.program.content import Content
    from scanner.binary.program.shell.writes import Write
    from scanner.domain.image.offers import Executable

MAX_HOPS = 24
"""Programs that start each other on one way; gosu and an entrypoint that calls itself again take six."""

MAX_BRANCHES = 8
"""Programs that one script may come to; each is opened."""


@dataclass(frozen=True, slots=True)
class Control:
    """One walk over one image."""

    search: Search
    user: str | None = None
    walks: beside.Walks = field(default_factory=beside.Walks, compare=False)

    def by_init(self, command: Command) -> Way:
        """From the command that an init of the engine's execs, by execvp(3), as the container's user."""
        return self._follow(command, self._started(Next(command)), MAX_HOPS, Before())

    def follow(self, command: Command, run: Run) -> Way:
        """From the command that the runtime execs, which opened the files of ``run``."""
        return self._follow(command, run, MAX_HOPS, Before())

    def _follow(  # noqa: C901 - one step, with each way in which it may be the last
        self, command: Command, run: Run, hops: int, before: Before
    ) -> Way:
        """One way; it forks only by ``_branches``, which takes half of what is left of the hops."""
        files = run.files
        while run.problem is None:
            following = self._next(command, run, before)
            served = self._served(command, files, before, hops)
            if isinstance(following, Stopped):
                foreign = before.beside and self._named(command, replace(run, files=files), before, hops).foreign
                why = "" if served.problem else served.at_run_time or following.at_run_time
                return replace(served, problem=following.problem or served.problem, at_run_time=why, foreign=foreign)
            if served.has_ended:
                return served
            if served.services:
                way = self._follow(command, run, hops - 1, replace(before, served=command.argv))
                return way.behind(served, len(run.files))
            files = served.files
            if isinstance(following, Done):
                before = replace(before, also=(*before.also, *following.also))
                way = beside.awaited(self.walks, self._beside(hops), following.needs, files, before)
                return way if way.has_ended else self._ended(way.files, before, hops)
            hops -= 1
            if hops <= 0:
                return Way(files, at_run_time=f"more than {MAX_HOPS} programs start each other")
            if len(following) > 1:
                return self._branches(files, tuple(map(before.then, following)), hops // 2, before)
            if not following:
                return self._at_end(command, replace(run, files=files), before, hops)
            step = before.then(following[0])
            way = self._awaited(step, files, before, hops)
            if way.has_ended:
                return self._behind_open(way, step, before, hops)
            files = way.files
            if before.beside and not step.decides:
                return Way((*files, *self._started(step).files), at_run_time=step.undecided)
            before = before.behind(step)
            command = step.command
            run = self._started(step)
            files += run.files
            stopped = self._doubt(step, run) or beside.replaced(step, run.files, files[: len(files) - len(run.files)])
            if stopped:
                return Way(files[: len(files) - len(run.files)], at_run_time=stopped)
        return Way(files, run.problem)

    def _branches(self, files: tuple[Executable, ...], steps: tuple[Next, ...], hops: int, before: Before) -> Way:
        """Several ways: those that agree decide; one that waits for what surely does not start is not taken."""
        names = ", ".join(dict.fromkeys(step.command.argv[0] for step in steps))
        if len(steps) > MAX_BRANCHES or hops < 1:
            return Way(files, at_run_time=f"it may start more than {MAX_BRANCHES} programs: {names}"[:300])
        ways: list[Way] = []
        untaken: list[Way] = []
        for step in steps:
            run = self._started(step)
            doubt = self._doubt(step, run) or beside.replaced(step, run.files, (*before.files, *files))
            if not doubt and before.beside and not step.decides:
                doubt, files = step.undecided, (*files, *run.files)
            if doubt:
                return Way(files, at_run_time=doubt)
            so_far = replace(before, files=(*before.files, *files))
            way = self._awaited(step, (), so_far, hops)
            if way.problem is not None and not is_unknown(way.problem):
                untaken.append(way)
                continue
            if not way.has_ended:
                further = self._follow(step.command, run, hops, so_far.behind(step))
                way = replace(further, files=(*way.files, *further.files))
            ways.append(way)
        ways = ways or untaken
        if any(way.at_run_time or is_unknown(way.problem) for way in ways):
            return beside.unsure(tuple(ways), files, before)
        first, *others = ways = list(dict.fromkeys(ways))
        return Way(files, branches=tuple(ways)) if others else replace(first, files=(*files, *first.files))

    def _behind_open(self, way: Way, step: Next, before: Before, hops: int) -> Way:
        """A way that waits for what only the run decides: what follows is looked at for what speaks against it."""
        run = self._started(step)
        if way.problem is not None or self._doubt(step, run):
            return way
        behind = replace(before.behind(step), files=(*before.files, *way.files))
        return beside.unsure((way, self._follow(step.command, run, hops // 2, behind)), way.files, before)

    def _at_end(self, command: Command, run: Run, before: Before, hops: int) -> Way:
        """Control stays in a program, whose words or script may name others."""
        if lacks := mentioned.lacking(self.search.view, command, run):
            return Way(run.files, faulty(f"{command.argv[0]} is to exec {lacks}, which is not in the image").problem)
        doubt = self._named(command, run, before, hops)
        return doubt.on(run.files) if doubt.why else self._ended(run.files, before, hops)

    def _ended(self, files: tuple[Executable, ...], before: Before, hops: int) -> Way:
        """Control stays in the last file, unless scripts on the way started a program for another CPU beside it."""
        return beside.unawaited(self.walks, self._beside(hops), files, before).on(files)

    def _named(self, command: Command, run: Run, before: Before, hops: int) -> beside.Doubt:
        """What the words of a program lead to, behind the files of ``run``, that may start others by its own rules."""
        others = mentioned.programs(self.search.view, command, run)
        return beside.named(self.walks, self._beside(hops), command, others, run.files, before)

    def _beside(self, hops: int) -> beside.Walk:
        """What follows a program that a script runs before another."""

        def walk(command: Command, before: Before) -> Way:
            step = Next(command, written=before.written, asked=before.asked, scripted=True)
            run = self._started(step)
            doubt = self._doubt(step, run) if hops > 1 else f"more than {MAX_HOPS} programs start each other"
            if doubt and run.problem is not None and not run.files:
                return Way(problem=Failure(Reason.BINARY_UNKNOWN, doubt))
            return Way(run.files, at_run_time=doubt) if doubt else self._follow(command, run, hops // 2, before)

        return walk

    def _served(self, command: Command, files: tuple[Executable, ...], before: Before, hops: int) -> Way:
        """The way so far with what a supervisor starts that the image configures."""
        if before.served == command.argv:
            return Way(files)
        image = ImageFiles.of(self._view(before.written), command)
        found = services.of(image, command, before.changes)
        return beside.served(self.walks, self._beside(hops), found, files, before)

    def _awaited(self, step: Next, files: tuple[Executable, ...], before: Before, hops: int) -> Way:
        """The way so far with what a step had to wait for."""
        behind = replace(before, also=step.also, asked=step.asked, written=step.written)
        way = beside.awaited(self.walks, self._beside(hops), step.needs, files, behind)
        return beside.unless_read(way, files, before) if step.early else way

    # ------------------------------------------------------------ one step

    def _view(self, written: tuple[Write, ...]) -> View:
        return changed.placed(self.search.view, written)

    def _started(self, step: Next) -> Run:
        """What one start opens; a text that execve refuses is read by a shell where execvp starts it."""
        command = step.command
        for name, value in step.for_loader:
            command = command.with_variable(name, value)
        run = Search(self._view(step.written)).start(command, "wrapped")
        if (unmade := beside.unmade(step, run, lambda: self._written_beside(step))) is not None:
            return replace(run, problem=unmade)
        if step.by_loader and (unloadable := beside.unloadable(run, command.argv[0])) is not None:
            return replace(run, problem=unloadable)
        if run.problem is None:
            spoilt = makers.spoilt(run, step, self._written_beside(step))
            return self._permitted(step, run) if spoilt is None else replace(run, problem=spoilt)
        if run.problem.reason not in beside.READ_BY_SHELLS or not step.falls_back:
            return run
        if len(run.files) != 1 or run.files[0].kind is not FileKind.OTHER:
            return run
        return self._permitted(step, replace(run, problem=None))

    def _written_beside(self, step: Next) -> makers.Made:
        """What the programs that ran before a step may have changed."""

        def onward(command: Command) -> tuple[Next, ...] | Stopped | Done:
            run = self._started(Next(command, written=step.written, scripted=True))
            return self._next(command, run, Before(written=step.written, scripted=True, beside=True))

        return makers.written_before(self.walks.made, onward, step)

    def _permitted(self, step: Next, run: Run) -> Run:
        """The same start as its user may have it, who has no capabilities but root's."""
        if step.by_loader:
            return run
        view, command = self.search.view, step.command
        is_other = command.user not in {None, self.user}
        missing = surroundings.who(view, command) if is_other else None
        if isinstance(missing, Failure) and not any(each.changes("/etc/passwd") for each in step.written):
            if step.made_before is Makes.NAMED:
                return replace(run, problem=missing)
            why = f"{missing.detail}, unless a program that runs before makes it"
            return replace(run, problem=Failure(Reason.BINARY_UNKNOWN, why))
        of_user = Permissions.of(view, command, sure_of_groups=not is_other)
        denial = of_user.of_start(run.files, run.named) if command.user is not None else Denial()
        refused = denial.by_exec or denial.later or capabilities.refusal(view, run.files, command.privileges)
        if denial.by_exec is not None and (rest := path_behind(command, run)):
            further = self._started(replace(step, command=replace(command, path=rest)))
            unchanged = command.user == self.user or not (step.written or step.made_before)
            if further.first is not None and unchanged and of_user.closes(run.named):
                return further
            if further.first is not None:
                why = f"{denial.by_exec.detail}; {command.argv[0]} is looked for further in PATH"
                return Run(problem=Failure(Reason.BINARY_UNKNOWN, why, path=run.named))
        if refused is None or not step.scripted:
            return replace(run, problem=refused)
        why = f"{refused.detail}, unless the script before changes that"
        return replace(run, problem=Failure(Reason.BINARY_UNKNOWN, why, path=refused.path))

    def _doubt(self, step: Next, run: Run) -> str:
        """Why what stands in the image is not surely what is started."""
        name = step.command.argv[0]
        paths = sorted({file.path for file in run.files} | ({run.named} if run.named else set()))
        other = next((path for path in paths if changed.is_changed(self.search.view, path, step.written)), None)
        if other is not None:
            return f"{other} is written by the script that starts it"
        sure = Placement.by(step.written).writes
        unsure = [each for each in step.written if each not in sure]
        hiding = next((path for path in earlier_places(step.command, run) for w in unsure if w.changes(path)), None)
        if hiding is not None and run.problem is None:
            return f"{hiding} may be written by the script that looks for {name} in PATH"
        return applets.doubt(step, run)

    def _next(self, command: Command, run: Run, before: Before) -> tuple[Next, ...] | Stopped | Done:
        """What the program that ``run`` opened starts."""
        first, found = run.first, run.found
        if first is None or found is None or (run.problem is not None):
            return Stopped()
        if first.kind is FileKind.OTHER:
            return (Next(replace(command, argv=("/bin/sh", run.named, *command.argv[1:]))),)
        for _ in range(MAX_HOPS):
            if first.shebang is None:
                return self._by_program(command, found, before)
            launch = self._launched(command, found, first)
            if launch is not None:
                return self._by_launcher(command, launch, before, falls_back=False)
            command = replace(command, argv=first.shebang.argv((run.named, *command.argv[1:])))
            if command.argv[0].rpartition("/")[2] == "env":
                through = self._launched(command, self.search.named(command))
                if not isinstance(through, launchers.Launched):
                    return Stopped.by(through)
                command = through.command
            opened = self.search.named(command)
            if isinstance(opened, Failure):
                return Stopped(problem=opened)
            found, run = opened, replace(run, named=command.argv[0])
            content = self.search.view.content(found)
            if content is None:
                return Stopped("its interpreter was not read")
            first = content
        return Stopped("scripts interpret each other")

    def _by_program(self, command: Command, found: Found, before: Before) -> tuple[Next, ...] | Stopped | Done:
        """What a binary starts, by what it is called and where it stands."""
        kind = shell_command.kind_of(command.argv[0], found.path)
        if kind is not None:
            return self._by_words(command, kind, found, before)
        launch = self._launched(command, found)
        if isinstance(launch, launchers.Launched) and launch.by is launchers.By.APPLET:
            kind = shell_command.kind_of(launch.command.argv[0], found.path)
            if kind is not None:
                return self._by_words(launch.command, kind, found, before)
        files = ImageFiles.of(self._view(before.written), command)
        content = self.search.view.content(found)
        if (refused := script_file.refusal(command, content, files, untouched=not before.has_done)) is not None:
            return unreadable(command, refused, before)
        musl = content is not None and content.elf is not None and content.elf.libc == "musl"
        return self._by_launcher(command, launch, before, falls_back=not musl)

    def _launched(self, command: Command, found: Found | Failure, content: Content | None = None) -> launchers.Launch:
        if not isinstance(found, Failure) and content is None:
            content = self.search.view.content(found)
        if content is None or isinstance(found, Failure):
            return None
        asked = Asked(self.search.view, command)
        return launchers.launched(command, content, found.path, asked.account, asked.stands)

    def _by_launcher(
        self, command: Command, launch: launchers.Launch, before: Before, *, falls_back: bool
    ) -> tuple[Next, ...] | Stopped:
        if launch is None:
            return ()
        if isinstance(launch, launchers.AtRunTime):
            return faulty(launch.why) if launch.is_refusal else self._undecided_start(command, launch, before)
        onward = launch.command
        own_words = command.argv[: len(command.argv) - len(onward.argv)]
        if UNKNOWN in onward.argv[0] or UNKNOWN_WORDS in own_words:
            files = ImageFiles.of(self._view(before.written), command)
            lacks = "" if before.has_put else uncomputed.lacking(files, onward.argv[0], onward.cwd, onward.path)
            why = f"what {command.argv[0]} starts is known at run time only"
            return faulty(f"{why}; {lacks}") if lacks else Stopped(why)
        if why := rights.lacking(command, onward, Asked(self.search.view, command).account):
            return faulty(why)
        if onward.login and "/" not in onward.argv[0]:
            return Stopped(f"{command.argv[0]} sets a PATH of its own, in which {onward.argv[0]} is looked up")
        if launch.by is launchers.By.LOADER:
            return (Next(onward, falls_back=False, by_loader=True, for_loader=launch.for_loader),)
        return (Next(onward, falls_back=falls_back and launch.by is launchers.By.EXECVP),)

    def _undecided_start(self, command: Command, launch: launchers.AtRunTime, before: Before) -> Stopped:
        """A launcher that starts something or nothing; what is not there, by its words or behind ``--``, speaks for itself."""
        words = command.argv[command.argv.index("--") + 1 :] if "--" in command.argv else ()
        starts = launch.starts or replace(command, argv=words or ("",))
        if not starts.argv[0] or UNKNOWN in starts.argv[0]:
            return Stopped(launch.why)
        if launch.root:
            lacks = not before.has_done and ImageFiles.of(self.search.view, command).lacks(starts.argv[0], launch.root)
            return faulty(f"{launch.why}: {starts.argv[0]} is not there") if lacks else Stopped(launch.why)
        problem = self._started(Next(starts)).problem
        if problem is None or problem.reason not in MADE_GOOD:
            return Stopped(launch.why)
        return faulty(f"{launch.why}: {problem.detail}")

    def _by_words(
        self, command: Command, kind: ShellKind, shell: Found, before: Before
    ) -> tuple[Next, ...] | Stopped | Done:
        """What a shell with these words starts."""
        view = self._view(before.written)
        unwritable, unowned = (
            surroundings.denied(view, command, wish, scripted=before.scripted) for wish in (Wish.WRITE, Wish.OWN)
        )
        files = replace(ImageFiles.of(view, command), unwritable=unwritable, unowned=unowned)
        script = shell_command.read(command, kind, files)
        if isinstance(script, str | None):
            return () if script is None else Stopped(script)
        if isinstance(script, Failure):
            return unreadable(command, script, before)
        path = posixpath.normpath(command.absolute(script.file or script.name))
        if script.is_file and (closed := surroundings.closed(view, command, path, self.user, scripted=before.scripted)):
            return unreadable(command, closed, before)
        if script.is_file and changed.is_changed(self.search.view, path, before.written):
            return Stopped(f"{path} is written by the script that starts it")
        cpu = "" if command.is_renamed else architecture_of(view.content(shell))
        known = replace(script, written=before.written, architecture=cpu, vague=before.scripted)
        busybox = view.content(shell) if kind is ShellKind.ASH else None
        return self._told(tuple(within(each, command) for each in following.follow(known, files)), busybox)

    def _told(
        self, endings: tuple[following.Ending, ...], busybox: Content | None
    ) -> tuple[Next, ...] | Stopped | Done:
        steps = []
        for_output: tuple[Command, ...] = ()
        needs: tuple[Command, ...] | None = None
        written: tuple[Write, ...] = ()
        lacking = [ending.lacks for ending in endings if isinstance(ending, following.Ended) and ending.lacks]
        if len(lacking) == len(endings) and (problem := self._started(Next(lacking[0])).problem):
            return Stopped(problem=problem)
        for ending in endings:
            match ending:
                case following.AtRunTime():
                    return faulty(ending.why) if ending.is_faulty else Stopped(ending.why)
                case following.Ended() if ending.status:
                    return faulty(ending.why or f"it ends by itself with status {ending.status}, and starts nothing")
                case following.Ended():
                    for_output += ending.asked
                    written += ending.written
                    needs = ending.needs if needs is None else tuple(each for each in needs if each in ending.needs)
                case following.Reached():
                    steps.append(scripted(ending, busybox))
        unique: dict[object, Next] = {}
        for s in steps:
            key = s.start
            unique[key] = s.meeting(unique[key]) if key in unique else s
        return tuple(unique.values()) or Done(for_output, needs or (), written)
