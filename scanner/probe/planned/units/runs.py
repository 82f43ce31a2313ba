"""Plans of what a unit's command lines start."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.domain.facts import Process, Source
from scanner.domain.plan import Plan
from scanner.probe.planned.commands import command_lines
from scanner.probe.planned.commands.command import (
    DEFAULT_PLATFORM,
    ComposeUp,
    KubePlay,
    Other,
    Pull,
    Run,
    Started,
)
from scanner.probe.planned.commands.container_options import container, fed
from scanner.probe.planned.commands.local_images import UNTOUCHED, Store, is_pulled, named
from scanner.probe.planned.commands.run_as import RUN_BY
from scanner.probe.planned.compose import compose
from scanner.probe.planned.file_kinds import UNREAD_SCRIPT
from scanner.probe.planned.kubernetes import manifests
from scanner.probe.planned.plans import Plans, UnclearError, environment, gap, part_of, pinned
from scanner.probe.planned.units import copies_of, started_project
from scanner.probe.planned.units.files import MISSING, Files
from scanner.probe.planned.unknown_text import UNKNOWN, is_known, shown

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from scanner.formats.systemd_unit import Setting
    from scanner.probe.planned.units.unit_environment import UnitEnvironment

_PLATFORM_OPTIONS = ("--platform", "--arch", "--override-arch")
_VARIABLE = re.compile(rb"\$\{?([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)

_ANY = "73"
"""Stands for the value of a variable that nobody knows: as good as any other, a port's number among them."""

OwnProject = Callable[[tuple[str, ...]], "Container[Plans]"]

SOMEBODY = "*"
"""Stands in an engine's key for a user whose name is not known."""

_ENGINE_OF = {"podman": "podman", "nerdctl": "containerd"}
"""Engines by their command; a command of Docker's name may be Podman's."""


SCRIPT = b"@script"
"""What it answers for a script that a unit runs: an engine is named in it, and what else stands there stays on the host."""


@dataclass(slots=True)
class UnitRuns:
    """What one unit starts, line by line.

    ``store`` are the images that its lines left before. ``user`` is who it runs as, empty for root,
    ``UNKNOWN`` where nobody can tell. ``played`` takes the manifests that it plays, and the files of projects, or
    the services of them (``part_of``), that it starts as nobody else would where it ``is_everywhere``, started by its
    conditions on each host whose files these are.
    ``own`` gives what somebody else reads of files as projects of their own, ``stdin`` is what it is given to read.
    """

    unit: str
    source: Source
    files: Files
    env: UnitEnvironment
    directory: str = ""
    store: Store = field(default_factory=Store)
    own: OwnProject = lambda _: ()
    user: str = ""
    played: set[str] = field(default_factory=set)
    is_everywhere: bool = True
    stdin: str = ""

    def plans(self, words: tuple[str, ...], setting: Setting, *, is_root: bool = False) -> Plans:
        """The plans of one command line, which ``is_root`` gives to root, whoever runs the others."""
        place = {
            "PWD": self.directory or "/",
            "USER": self.user,
            **self.env.known,
            RUN_BY: "" if is_root else self.user,
        }
        found = command_lines.find(
            words,
            place,
            env_is_whole=self.env.is_whole,
            read=self._script,
            listed=self.files.listed,
            alike=self.files.alike,
            store=self.store,
            stdin=self.stdin,
        )
        here, of_client = self._asking_places(setting)
        made = Plans()
        for (started, env), store in zip(found.started, found.stores, strict=True):
            try:
                made += self._of(started, env, setting, store.placed(here, of_client))
            except UnclearError as error:
                made += gap(setting.place(), error)
        for why in found.gaps:
            made += gap(setting.place(), self._explained(why))
        self.store = found.store.placed(here, of_client)
        return made

    def _asking_places(self, setting: Setting) -> tuple[str, str]:
        """Where a line asks for a platform, by an option or by the client's variable."""
        own = setting.place(DEFAULT_PLATFORM)
        is_there = any(DEFAULT_PLATFORM in text for _, text in setting.parts)
        of_client = own if is_there else self.env.places.get(DEFAULT_PLATFORM, own)
        return setting.place(*_PLATFORM_OPTIONS), of_client

    def _script(self, path: str) -> bytes | None:
        """A file that a command may run as a script."""
        found = self.files.find(path) if path.startswith("/") or self.files.root else None
        raw = None if found is None else self.files.texts[found]
        if raw == SCRIPT:
            raise UnclearError(
                f"it runs {path}, a script in which an engine is named, or in one that it runs, and which stays on the host"
            )
        if raw == UNREAD_SCRIPT:
            raise UnclearError(f"it runs {path}, a script that is not read here: it is long, or there are many")
        return None if raw == MISSING else raw

    def _explained(self, why: str) -> str:
        return f"{why} ({self.env.missing[0]} cannot be read)" if self.env.missing else why

    def _of(self, started: Started, env: Mapping[str, str], setting: Setting, store: Store) -> Plans:
        match started:
            case Run():
                return self._run(started, env, setting, store)
            case Pull():
                return Plans()
            case KubePlay():
                return self._kube(started, env, setting, store)
            case ComposeUp():
                return self._compose(started, env, setting, store)
            case Other():
                return gap(setting.place(), started.why)

    def _run(self, run: Run, env: Mapping[str, str], setting: Setting, store: Store) -> Plans:
        specifier, place = self._platform(run, env, setting)
        made = container(run, env, lambda path: self.files.read(posixpath.join(_place(env), path)))
        plan = Plan(
            run.image,
            self.unit,
            self.source,
            pinned=pinned(specifier),
            pinned_at=place,
            engine=_engine(run.engine, env, self.source, run.store),
            process=made.process,
            mounts=made.mounts,
            checks=made.checks,
        )
        there = UNTOUCHED if is_pulled(run.given) else store.copies(named(run.engine, env, run.image, run.store))
        if (run.given.last("pull") or "").lower() == "newer":
            there |= UNTOUCHED
        found = copies_of.taken(plan, there, setting)
        for why in made.gaps:
            found += gap(setting.place(), why)
        return found

    def _platform(self, run: Run, env: Mapping[str, str], setting: Setting) -> tuple[str, str]:
        """The platform that is asked for, with where that stands."""
        asked = run.platform
        if asked:
            return asked, setting.place(*_PLATFORM_OPTIONS)
        default = env.get(DEFAULT_PLATFORM, "") if run.engine == "docker" else ""
        if not is_known(default):
            raise UnclearError(f"only the running host knows {DEFAULT_PLATFORM}, {shown(default)}")
        if default:
            is_own = self.env.known.get(DEFAULT_PLATFORM) == default
            return default, self.env.places[DEFAULT_PLATFORM] if is_own else setting.place(DEFAULT_PLATFORM)
        return "", ""

    def _there(
        self, made: Plans, env: Mapping[str, str], setting: Setting, store: Store, *engines: str, of: str = ""
    ) -> Plans:
        """Plans with the copies of their images that an engine has, ``of`` one of its stores."""
        found = Plans(gaps=made.gaps)
        for plan in made.planned:
            copies = (store.copies(named(engine, env, plan.image, of)) for engine in engines)
            try:
                found += copies_of.taken(plan, next((one for one in copies if one != UNTOUCHED), UNTOUCHED), setting)
            except UnclearError as error:
                found += gap(setting.place(), error)
        return found

    # ------------------------------------------------------------ what stands in other files

    def _kube(self, played: KubePlay, env: Mapping[str, str], setting: Setting, store: Store) -> Plans:
        """What Podman plays, whatever of its nodes a pod asks for."""
        made = Plans()
        for name in played.files:
            path = posixpath.normpath(posixpath.join(_place(env), name))
            found = self.files.find(path)
            if found is None:
                made += gap(setting.place(), f"it plays {shown(name)}, which cannot be read")
                continue
            self.played.add(found)
            of_file = manifests.plans({found: self.files.texts[found]}, self.source)
            engine = _engine("podman", env, self.source, played.store)
            named = (
                replace(plan, workload=f"{self.unit}/{plan.workload.rpartition('/')[2]}", engine=engine, placement=None)
                for plan in of_file.planned
            )
            made += Plans(tuple(named), of_file.gaps)
        return self._there(made, env, setting, store, "podman", of=played.store)

    def _compose(self, project: ComposeUp, env: Mapping[str, str], setting: Setting, store: Store) -> Plans:
        """A project whose files are there; what is a plan of its own, just as it is started, is not planned again."""
        directory = posixpath.join(_place(env), project.directory)
        started = started_project.found(project, _place(env), env, self.files)
        roots = [path for path in started.paths if path in self.files.texts]
        if not roots or len(roots) < len(started.paths):
            where = shown(" ".join(project.files) or directory)
            return gap(setting.place(), f"it starts a project of Compose, {where}, which cannot be read")
        name = project.project or env.get(started_project.PROJECT, "")
        if not name and project.directory:
            name = _project(directory)
        variables = {name: value for name, value in env.items() if is_known(value) and name != RUN_BY}
        beside = compose.ProjectSurroundings(
            name,
            variables,
            directory=started.directory,
            dotenv=started.dotenv,
            env_files=started.env_files,
            profiles=project.profiles,
            chosen=project.services,
            without=project.without,
            alone=project.alone,
            has_dotenv=started.has_dotenv,
        )
        read = compose.project_plans(self.files.texts, roots, beside)
        if open_one := self._open(roots, env, beside, read):
            why = f"it starts a project of Compose with {open_one}, which only the running host knows"
            return gap(setting.place(), self._explained(why))
        if started.is_first_by_version and started.dotenv:
            other = compose.project_plans(self.files.texts, roots, replace(beside, dotenv=()))
            if _judged(other) != _judged(read):
                why = f"it starts a project of Compose, whose versions read {started.dotenv[0]} for it or do not"
                return gap(setting.place(), why)
        made = self._changed(read, project, setting)
        place = self.env.places.get(DEFAULT_PLATFORM) or setting.place(DEFAULT_PLATFORM)
        pinned_here = (  # only Swarm asks where its constraints let a service run
            replace(plan, pinned_at=plan.pinned_at or (place if plan.pinned else ""), placement=None)
            for plan in made.planned
        )
        made = Plans(tuple(pinned_here), made.gaps)
        made = self._there(made, env, setting, store, "docker", "podman", of=project.store)
        if made in self.own(tuple(roots)):
            return Plans()
        if self.is_everywhere and not made.gaps:
            self._note(project, roots, made)
        return made

    def _note(self, project: ComposeUp, roots: list[str], made: Plans) -> None:
        """Whole projects are played as their files, of others the services that are started; one that runs once is not."""
        if not (project.services or project.without or project.run):
            self.played.update(roots)
            return
        once = project.services[:1] if project.run else ()
        started = (plan.workload.rpartition("/")[2] for plan in made.planned)
        self.played.update(part_of(roots[0], name) for name in started if name not in once)

    def _open(self, roots: list[str], env: Mapping[str, str], beside: compose.ProjectSurroundings, read: Plans) -> str:
        """A variable that changes a project and that the host alone knows; empty where there is none."""
        if told := next(
            (name for name in (DEFAULT_PLATFORM, *started_project.DECIDING) if not is_known(env.get(name, ""))), ""
        ):
            return told
        named: set[str] = {
            found.decode("ascii") for path in roots for found in _VARIABLE.findall(self.files.texts[path])
        }
        is_whole = self.env.is_whole
        unknown = sorted(name for name in named if not is_known(env.get(name, "" if is_whole else UNKNOWN)))
        other = replace(beside, variables={**(beside.variables or {}), **dict.fromkeys(unknown, _ANY)})
        if not unknown or _judged(compose.project_plans(self.files.texts, roots, other)) == _judged(read):
            return ""
        return unknown[0]

    def _changed(self, made: Plans, project: ComposeUp, setting: Setting) -> Plans:
        """The one service of ``compose run`` with what it runs instead."""
        if not project.run and not project.is_changed:
            return made
        if project.is_changed or not all(map(is_known, project.run)):
            return made + gap(setting.place(), "compose run gives the service settings that are not followed here")
        return Plans(
            tuple(
                replace(plan, process=_run_once(plan.process or Process(), project))
                if plan.workload.rpartition("/")[2] == project.services[0]
                else plan
                for plan in made.planned
            ),
            made.gaps,
        )


def _run_once(process: Process, project: ComposeUp) -> Process:
    """What ``compose run`` starts, which is handed what Compose itself is given to read."""
    return replace(process, cmd=project.run, is_fed=project.stdin != "" or None, input=fed(project.stdin) or None)


def _judged(made: Plans) -> Plans:
    """What of plans a judgement reads: of most variables only the names."""
    planned = (
        replace(plan, process=replace(plan.process, env=environment(dict(plan.process.env or ()))))
        if plan.process
        else plan
        for plan in made.planned
    )
    return Plans(tuple(planned), made.gaps)


def _engine(program: str, env: Mapping[str, str], source: Source, store: str) -> str:
    """The key of the engine that a program of somebody asks; empty leaves it to the likeliest of its source.

    Podman with a ``store`` of its own has none of the images that it usually has.
    """
    user = env.get(RUN_BY, "")
    if program == "podman" and store:
        return f"podman:{SOMEBODY}"
    if program == "podman" and user not in {"", "root", "0"}:
        return f"podman:{user if is_known(user) and not user.isdigit() else SOMEBODY}"
    return "" if source is Source.QUADLET else _ENGINE_OF.get(program, "")


def _place(env: Mapping[str, str]) -> str:
    """The directory that a command is run in."""
    return env.get("PWD") or "/"


def _project(directory: str) -> str:
    """What Compose calls a project without a name: its directory, without what names may not hold."""
    name = posixpath.basename(posixpath.normpath(directory)).lower()
    return "".join(sign for sign in name if sign.isascii() and (sign.isalnum() or sign in "_-")).lstrip("_-")
