"""Plans of what a unit's command lines start."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.domain.facts import Source
from scanner.domain.plan import Plan
from scanner.probe.planned.commands import command_lines
from scanner.probe.planned.commands.command import ComposeUp, KubePlay, Other, Pull, Run, Started
from scanner.probe.planned.commands.container_options import container
from scanner.probe.planned.compose import compose
from scanner.probe.planned.kubernetes import manifests
from scanner.probe.planned.plans import Plans, UnclearError, gap, pinned
from scanner.probe.planned.unknown_text import is_known, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.formats.systemd_unit import Setting
    from scanner.probe.planned.units.unit_environment import UnitEnvironment

DEFAULT_PLATFORM = "DOCKER_DEFAULT_PLATFORM"
"""What Docker's client asks for where the command does not say (docker(1))."""

_PLATFORM_OPTIONS = ("--platform", "--arch", "--override-arch")
_ENGINE_OF = {"podman": "podman", "nerdctl": "containerd"}
"""Engines by their command; a command of Docker's name may be Podman's."""

_COMPOSE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")


@dataclass(slots=True)
class Files:
    """Files beside units, by path; ``texts`` that are empty of meaning are known to be missing."""

    texts: Mapping[str, bytes]
    root: str = ""

    def read(self, path: str) -> bytes | None:
        """A file's bytes: none where nobody can tell, empty where the host says that there is none."""
        found = self.find(path)
        if found is None:
            return None
        return b"" if self.texts[found] == MISSING else self.texts[found]

    def find(self, path: str) -> str | None:
        """The name under which a file is there to be read."""
        path = posixpath.normpath(path)
        rooted = f"{self.root}{path}" if path.startswith("/") else path
        return next((each for each in (path, rooted, rooted.lstrip("/")) if each in self.texts), None)


MISSING = b"@missing"
"""What the probe answers for a file that a unit names, and which the host does not have."""


@dataclass(slots=True)
class UnitRuns:
    """What one unit starts, line by line; ``pulled`` are the platforms of images that its lines pulled before."""

    unit: str
    source: Source
    files: Files
    env: UnitEnvironment
    directory: str = ""
    pulled: dict[str, tuple[str, str]] = field(default_factory=dict)
    referred: Callable[[str], bool] = lambda _: False

    def plans(self, words: tuple[str, ...], setting: Setting) -> Plans:
        """The plans of one command line."""
        found = command_lines.find(words, self.env.known, env_is_whole=self.env.is_whole)
        made = Plans()
        for started, env in found.started:
            try:
                made += self._of(started, env, setting)
            except UnclearError as error:
                made += gap(setting.place(), error)
        for why in found.gaps:
            made += gap(setting.place(), self._explained(why))
        return made

    def _explained(self, why: str) -> str:
        return f"{why} ({self.env.missing[0]} cannot be read)" if self.env.missing else why

    def _of(self, started: Started, env: Mapping[str, str], setting: Setting) -> Plans:
        match started:
            case Run():
                return self._run(started, env, setting)
            case Pull():
                self.pulled[started.image] = started.platform, setting.place(*_PLATFORM_OPTIONS)
                return Plans()
            case KubePlay():
                return self._kube(started, setting)
            case ComposeUp():
                return self._compose(started, env, setting)
            case Other():
                return gap(setting.place(), started.why)

    def _run(self, run: Run, env: Mapping[str, str], setting: Setting) -> Plans:
        specifier, place = self._platform(run, env, setting)
        made = container(run, env, lambda path: self.files.read(posixpath.join(self.directory or "/", path)))
        plan = Plan(
            run.image,
            self.unit,
            self.source,
            pinned=pinned(specifier),
            pinned_at=place,
            engine=_ENGINE_OF.get(run.engine, "") if self.source is Source.SYSTEMD else "",
            process=made.process,
            mounts=made.mounts,
            checks=made.checks,
        )
        found = Plans((plan,))
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
        return self.pulled.get(run.image, ("", ""))

    # ------------------------------------------------------------ what stands in other files

    def _kube(self, played: KubePlay, setting: Setting) -> Plans:
        made = Plans()
        for name in played.files:
            path = posixpath.normpath(posixpath.join(self.directory or "/", name))
            found = self.files.find(path)
            if found is None:
                made += gap(setting.place(), f"it plays {shown(name)}, which cannot be read")
                continue
            of_file = manifests.plans({found: self.files.texts[found]}, self.source)
            named = (
                replace(plan, workload=f"{self.unit}/{plan.workload.rpartition('/')[2]}") for plan in of_file.planned
            )
            made += Plans(tuple(named), of_file.gaps)
        return made

    def _compose(self, project: ComposeUp, env: Mapping[str, str], setting: Setting) -> Plans:
        """A project whose files are there; what is read as a plan of its own is not planned again."""
        directory = posixpath.join(self.directory or "/", project.directory)
        names = project.files or self._project_files(directory, env)
        paths = [self.files.find(posixpath.join(directory, name)) for name in names]
        roots = [path for path in paths if path is not None]
        if not names or len(roots) < len(paths):
            where = shown(" ".join(names) or directory)
            return gap(setting.place(), f"it starts a project of Compose, {where}, which cannot be read")
        if all(map(self.referred, roots)):
            return Plans()
        name = project.project or env.get("COMPOSE_PROJECT_NAME", "")
        if not name and project.directory:
            name = _project(directory)
        variables = {name: value for name, value in env.items() if is_known(value)}
        return compose.plans(self.files.texts, roots, project=name, variables=variables)

    def _project_files(self, directory: str, env: Mapping[str, str]) -> tuple[str, ...]:
        """The files of a project that its command does not name."""
        said = env.get("COMPOSE_FILE", "")
        if said:
            return tuple(said.split(env.get("COMPOSE_PATH_SEPARATOR") or ":"))
        there = (name for name in _COMPOSE_NAMES if self.files.find(posixpath.join(directory, name)))
        return tuple(there)[:1]


def _project(directory: str) -> str:
    """What Compose calls a project without a name: its directory, without what names may not hold."""
    name = posixpath.basename(posixpath.normpath(directory)).lower()
    return "".join(sign for sign in name if sign.isascii() and (sign.isalnum() or sign in "_-")).lstrip("_-")
