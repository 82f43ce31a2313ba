"""Containers of Podman's quadlets."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from scanner.domain.facts import Since, Source
from scanner.domain.plan import Plan
from scanner.formats import systemd_unit
from scanner.formats.systemd_words import QUADLET_LIST, WordsError, split
from scanner.probe.planned.commands import engine_options
from scanner.probe.planned.commands.command import asked_platform
from scanner.probe.planned.commands.engine_options import OptionsError
from scanner.probe.planned.plans import Plans, UnclearError, gap, pinned
from scanner.probe.planned.units import conditions, unit_environment, unit_files
from scanner.probe.planned.units.commands import command_lines
from scanner.probe.planned.units.files import Files
from scanner.probe.planned.units.quadlet_file import STARTING, SUFFIXES, Quadlet
from scanner.probe.planned.units.quadlet_references import Others
from scanner.probe.planned.units.quadlet_refusals import demand_taken
from scanner.probe.planned.units.runs import UnitRuns
from scanner.probe.planned.units.specifiers import Specifiers
from scanner.probe.planned.units.systemd import IN_OWN_ROOT, has_own_root, settings_of
from scanner.probe.planned.units.unit_environment import all_expanded
from scanner.probe.planned.unknown_text import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.formats.systemd_unit import Setting
    from scanner.probe.planned.units.unit_environment import UnitEnvironment
    from scanner.probe.planned.units.unit_files import Unit

_MARKS = ("--platform", "--arch", "--override-arch", "--os", "--variant")
_IN_FRONT = frozenset({"ExecCondition", "ExecStartPre"})
"""Commands that run before Podman's own, the first of all."""

_ARGS = ("GlobalArgs", "PodmanArgs")


def plans(texts: Mapping[str, bytes], *, has_volumes: bool = True) -> Plans:
    """What quadlets plan, named by the service that Podman makes of each.

    Args:
        texts: quadlets, drop-ins, the YAML of ``.kube`` files, files of variables, by path.
        has_volumes: whether volumes with networks are among the quadlets.
    """
    found = Plans()
    for _, made in by_unit(texts, has_volumes=has_volumes):
        found += made
    return found


def by_unit(
    texts: Mapping[str, bytes], played: set[str] | None = None, *, has_volumes: bool = True
) -> Iterator[tuple[str, Plans]]:
    """What each quadlet plans, by the path of its file; ``played`` takes the manifests that quadlets play."""
    played = set() if played is None else played
    units = list(unit_files.quadlets(texts, SUFFIXES))
    read: dict[str, Quadlet] = {}
    gaps: dict[str, Plans] = {}
    for unit in units:
        try:
            settings, gaps[unit.path] = settings_of(unit, texts, systemd_unit.quadlet_settings)
            read[unit.path] = Quadlet(unit.path, settings)
        except UnclearError as error:
            yield unit.path, gap(unit.path, error)
    others = Others([unit for unit in units if unit.path in read], read, has_volumes)
    for unit in units:
        if unit.path in read:
            try:
                hosts = conditions.placement(read[unit.path].settings)
                starts = partial(UnitRuns, played=played, is_everywhere=hosts is None)
                made = conditions.placed(_Planning(unit, read[unit.path], others, texts, starts).plans(), hosts)
                if made.planned:
                    since = Since(*others.since(read[unit.path], unit.scope))
                    later = (replace(plan, since=_later(since, plan.since)) for plan in made.planned)
                    made = Plans(tuple(later), made.gaps)
            except UnclearError as error:
                made = gap(unit.path, error)
            yield unit.path, gaps[unit.path] + made


_SEVERAL_YAML = Since((5, 7), "another Yaml=")
"""Podman before takes the last of them alone."""


def _later(*asked: Since | None) -> Since | None:
    return max(filter(None, asked), key=lambda one: one.version, default=None)


@dataclass(frozen=True, slots=True)
class _Image:
    """The image of a container, with the platform that another quadlet chose for it."""

    name: str
    platform: str = ""
    place: str = ""
    is_built: bool = False


class _Planning:
    """One quadlet made into the command that its service runs, then into a plan."""

    def __init__(
        self, unit: Unit, quadlet: Quadlet, others: Others, texts: Mapping[str, bytes], starts: partial[UnitRuns]
    ) -> None:
        self._starts = starts
        self._unit = unit
        self._quadlet = quadlet
        self._others = others
        self._files = Files(texts, unit.root)
        self._gaps = Plans()

    def plans(self) -> Plans:
        quadlet = self._quadlet
        specifiers = Specifiers(quadlet.service, self._unit.home, self._unit.is_user)
        env = unit_environment.of_service(quadlet.settings, specifiers, self._files.read)
        runs = self._starts(
            quadlet.service, Source.QUADLET, self._files, env, posixpath.dirname(quadlet.path),
            user=(self._unit.owner or UNKNOWN) if self._unit.is_user else "",
        )  # fmt: skip
        if quadlet.kind in STARTING:
            if has_own_root(quadlet.settings):
                raise UnclearError(IN_OWN_ROOT)
            _refuse_second_start(quadlet)
            demand_taken(quadlet)
            self._others.demand_all_of(quadlet, self._unit.scope)
        for setting in quadlet.unsupported() if quadlet.kind in STARTING else ():
            self._gaps += gap(setting.place(), f"Podman refuses a quadlet with {setting.key}=")
        lines = list(command_lines(quadlet.settings, specifiers, env))
        in_front = [line for line in lines if line.setting.key in _IN_FRONT]
        made = self._gaps
        for line in in_front:  # what they pull, the container takes
            made += runs.plans(line.words, line.setting)
        made += self._of_kind(runs, specifiers, env)
        for line in lines[len(in_front) :]:
            made += runs.plans(line.words, line.setting)
        return made + self._gaps

    def _of_kind(self, runs: UnitRuns, specifiers: Specifiers, env: UnitEnvironment) -> Plans:
        match self._quadlet.kind:
            case ".container":
                return self._container(runs, specifiers, env)
            case ".kube":
                return self._kube(runs, specifiers, env)
            case ".pod":
                return self._infra()
        return Plans()

    # ------------------------------------------------------------ containers

    def _container(self, runs: UnitRuns, specifiers: Specifiers, env: UnitEnvironment) -> Plans:
        quadlet = self._quadlet
        _refuse_service(quadlet)
        written, rootfs = quadlet.one("Image") or "", quadlet.one("Rootfs") or ""
        if rootfs:
            raise UnclearError("it runs a root file system of the host, no image")
        if not written:
            raise UnclearError("there is no Image=")
        image = self._image(written)
        options = [*_options(quadlet), *self._of_pod()]
        words = ["podman", *quadlet.args("GlobalArgs"), "run", *options, *quadlet.args("PodmanArgs"), image.name]
        words += quadlet.last_args("Exec")
        if ";" in words:  # where systemd sees the next command
            end = words.index(";")
            if words[end + 1 :] and quadlet.one("Type", "Service") != "oneshot":
                raise UnclearError("a semicolon in Exec= makes two commands, of which systemd takes one")
            words = words[:end]
        put = _put(words, specifiers, env)
        found = runs.plans(put, self._setting())
        named = tuple(
            replace(plan, pinned=pinned(image.platform), pinned_at=image.place)
            if image.platform and not plan.pinned
            else plan
            for plan in found.planned
        )
        return Plans(tuple(replace(plan, build_only=plan.build_only or image.is_built) for plan in named), found.gaps)

    def _setting(self) -> Setting:
        """The setting that gaps and pins of its command point to."""
        quadlet = self._quadlet
        marked = [one for key in _ARGS for one in quadlet.every(key) if any(mark in one.value for mark in _MARKS)]
        found = marked[-1] if marked else quadlet.setting("Image")
        assert found is not None  # noqa: S101 - a container without an image has been refused
        return found

    def _image(self, written: str) -> _Image:
        """The image that ``Image=`` names, itself or by another quadlet."""
        if not written.endswith((".image", ".build")):
            return _Image(written)
        other = self._named(written)
        platform, place = _chosen(other)
        if other.kind == ".build":
            return _Image(other.every("ImageTag")[0].value.strip(), platform, place, is_built=True)
        return _Image(other.one("ImageTag") or other.one("Image") or "", platform, place)

    def _named(self, name: str) -> Quadlet:
        """Another quadlet."""
        other = self._others.named(name, self._unit.scope)
        if other is None:
            raise UnclearError(f"{name} is not there")
        return other

    def _of_pod(self) -> list[str]:
        """What a pod mounts into each of its containers."""
        name = self._quadlet.one("Pod")
        if not name:
            return []
        pod = self._named(name)
        given = _given(pod)
        return [word for value in (*_volumes(pod), *given.all("volume")) for word in ("--volume", value)]

    # ------------------------------------------------------------ pods

    def _infra(self) -> Plans:
        """The image of a pod's first container, where it is not the one that Podman brings along."""
        image = _given(self._quadlet).last("infra-image")
        if not image:
            return Plans()
        return Plans((Plan(image, f"{self._quadlet.service}/infra", Source.QUADLET),))

    def _kube(self, runs: UnitRuns, specifiers: Specifiers, env: UnitEnvironment) -> Plans:
        quadlet = self._quadlet
        if not quadlet.words("Yaml"):
            raise UnclearError("there is no Yaml=")
        words = ["podman", *quadlet.args("GlobalArgs"), "kube", "play", *quadlet.args("PodmanArgs")]
        found = Plans()
        for setting in quadlet.every("Yaml"):
            asked = split(setting.value, QUADLET_LIST)
            made = runs.plans(_put([*words, *asked], specifiers, env), setting) if asked else Plans()
            is_taken_by_all = setting is quadlet.setting("Yaml") and len(asked) == 1
            since = None if is_taken_by_all else _SEVERAL_YAML
            found += Plans(tuple(replace(plan, since=_later(plan.since, since)) for plan in made.planned), made.gaps)
        return found


def _put(words: list[str], specifiers: Specifiers, env: UnitEnvironment) -> tuple[str, ...]:
    """Words as systemd execs them."""
    try:
        return tuple(all_expanded(map(specifiers.put, words), env))
    except WordsError as error:
        raise UnclearError(str(error)) from error


def _refuse_second_start(quadlet: Quadlet) -> None:
    """The generator puts its own command behind those of the settings that it hands on, of which systemd takes one."""
    own = systemd_unit.values(quadlet.settings, "Service", "ExecStart")
    if own and quadlet.one("Type", "Service") != "oneshot":
        told = "systemd takes no ExecStart= beside Podman's own but where Type= is oneshot"
        raise UnclearError(f"{own[-1].place()}: {told}")


def _refuse_service(quadlet: Quadlet) -> None:
    """What the generator refuses in the settings that it hands on to systemd."""
    kill, kind = quadlet.one("KillMode", "Service"), quadlet.one("Type", "Service")
    if kill not in {None, "mixed", "control-group"}:
        raise UnclearError(f"Podman refuses KillMode={kill}")
    if kind not in {None, "notify", "oneshot"}:
        raise UnclearError(f"Podman refuses Type={kind}")
    if quadlet.one("Group") and not quadlet.one("User"):
        raise UnclearError("Podman refuses Group= without User=")


def _options(quadlet: Quadlet) -> Iterator[str]:
    """Options of ``podman run`` that say what is exec'd."""
    entrypoint, init = quadlet.one("Entrypoint"), quadlet.is_on("RunInit")
    if entrypoint == "":
        raise UnclearError("Podman's versions read an empty Entrypoint= differently")
    if entrypoint is not None:
        yield f"--entrypoint={entrypoint}"
    if directory := quadlet.one("WorkingDir"):
        yield f"--workdir={directory}"
    if init is not None:
        yield f"--init={'true' if init else 'false'}"
    if quadlet.is_on("EnvironmentHost"):
        yield "--env-host"
    if user := quadlet.one("User"):
        group = quadlet.one("Group")
        yield f"--user={user}:{group}" if group else f"--user={user}"
    for key, option in (("AddCapability", "cap-add"), ("DropCapability", "cap-drop")):
        yield from (f"--{option}={word.lower()}" for word in quadlet.words(key))
    yield from (f"--group-add={setting.value.rstrip()}" for setting in quadlet.every("GroupAdd"))
    yield from _mounted(quadlet)
    yield from (f"--env={name}={value}" for name, value in sorted(quadlet.assignments("Environment").items()))
    yield from (f"--env-file={path}" for path in quadlet.args("EnvironmentFile"))
    yield from (f"--secret={secret}" for secret in quadlet.args("Secret"))
    for key, option in (("HealthCmd", "health-cmd"), ("HealthStartupCmd", "health-startup-cmd")):
        if command := _raw(quadlet, key):
            yield f"--{option}={command}"


def _mounted(quadlet: Quadlet) -> Iterator[str]:
    if (is_read_only := quadlet.is_on("ReadOnly")) is not None:
        yield f"--read-only={'true' if is_read_only else 'false'}"
    if quadlet.is_on("ReadOnlyTmpfs") is False:
        yield "--read-only-tmpfs=false"
    for setting in quadlet.every("Tmpfs"):
        yield f"--tmpfs={setting.value.rstrip()}"
    if quadlet.is_on("VolatileTmp") and not is_read_only:
        yield "--tmpfs=/tmp:rw,size=512M,mode=1777"
    yield from (f"--volume={volume}" for volume in _volumes(quadlet))
    yield from (f"--mount={mount}" for mount in quadlet.args("Mount"))


def _volumes(quadlet: Quadlet) -> Iterator[str]:
    return (setting.value.rstrip() for setting in quadlet.every("Volume"))


def _raw(quadlet: Quadlet, key: str) -> str:
    """A command as newer versions read it: quotes around the whole are taken away, others belong to it."""
    found = quadlet.setting(key)
    value = found.value.rstrip() if found else ""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _given(quadlet: Quadlet) -> engine_options.Given:
    """The options in a quadlet's ``PodmanArgs=``.

    Raises:
        UnclearError: Podman would refuse them.
    """
    grammar = (
        engine_options.POD if quadlet.kind == ".pod" else engine_options.PULL if quadlet.kind == ".image" else _BUILD
    )
    try:
        return grammar.read(tuple(quadlet.args("PodmanArgs")))
    except OptionsError as error:
        if quadlet.kind == ".build":
            return engine_options.Given((), ())  # an image that is built here is judged by its container
        raise UnclearError(f"{quadlet.path}: {error}") from error


_BUILD = engine_options.Grammar(frozenset(), frozenset({"platform", "arch", "os", "variant"}), {})


def _chosen(quadlet: Quadlet) -> tuple[str, str]:
    """The platform that an ``.image`` or ``.build`` quadlet asks for, with where that stands."""
    keys = [
        (option, key) for option, key in (("os", "OS"), ("arch", "Arch"), ("variant", "Variant")) if quadlet.one(key)
    ]
    said = tuple((option, quadlet.one(key) or "") for option, key in keys)
    given = _given(quadlet)
    chosen = tuple(one for one in given.options if one[0] in {"platform", "os", "arch", "variant"})
    platform = asked_platform(engine_options.Given((*said, *chosen), ()))
    if not platform:
        return "", ""
    if chosen:
        return platform, quadlet.place("PodmanArgs", marks=_MARKS)
    return platform, quadlet.place(*([key for _, key in keys if key == "Arch"] or ["OS"]))
