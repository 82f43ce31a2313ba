"""Reads one command of a container engine: the container that it starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.probe.planned.commands import engine_options
from scanner.probe.planned.commands.engine_options import Given, OptionsError
from scanner.probe.planned.commands.other_starters import mentions_engine
from scanner.probe.planned.plans import UnclearError
from scanner.probe.planned.unknown_text import UNKNOWN, is_known, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

ENGINES: Mapping[str, str] = MappingProxyType({
    "docker": "docker", "docker.io": "docker", "balena-engine": "docker",
    "podman": "podman", "podman-remote": "podman", "nerdctl": "nerdctl", "finch": "nerdctl",
})  # fmt: skip
"""Whose words each client of an engine takes: ``docker.io`` is what Debian called Docker's, Finch is nerdctl with a name."""

COMPOSERS = frozenset({
    "docker-compose", "docker-compose-v1", "docker-compose-v2", "docker.compose", "podman-compose",
})  # fmt: skip
"""Compose by itself: ``docker.compose`` is the snap's, ``docker-compose-v2`` the name of a package and of links to it."""

DEFAULT_PLATFORM = "DOCKER_DEFAULT_PLATFORM"
"""What Docker's client asks for where the command does not say (docker(1))."""

_LOCAL = ("unix:", "/", "fd:")
_LOCAL_CONTEXTS = frozenset({"", "default", "rootless", "desktop-linux"})
"""Names that Docker itself gives to contexts of this machine."""

_PODMANS_STORES = ("root", "imagestore", "storage-driver")
_USUAL = frozenset({
    "", "default", "/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock",
})  # fmt: skip
"""What clients ask where nobody tells them: contexts, namespaces, sockets."""

_STARTING = frozenset({"up", "run", "start", "create", "scale", "watch"})
"""Commands of Compose that start what its files plan."""

_OF_ONE_RUN = ("entrypoint", "env", "env-from-file", "user", "volume", "workdir")
"""Options of ``compose run`` by which a container is another than its service's."""


@dataclass(frozen=True, slots=True)
class Run:
    """A container that is run or created; ``given`` are its options, ``platform`` what they ask for, empty without.

    ``store`` tells where its image is looked for first (``store_of``). ``stdin`` is what its client is given to read: not
    the one that creates a container, but whichever starts it.
    """

    engine: str
    image: str
    command: tuple[str, ...]
    given: Given
    platform: str = ""
    store: str = ""
    stdin: str = ""
    is_created: bool = False


@dataclass(frozen=True, slots=True)
class Pull:
    """An image that is pulled: a later run without a platform of its own takes what is there."""

    image: str
    platform: str


@dataclass(frozen=True, slots=True)
class KubePlay:
    """Manifests that Podman plays; ``store`` as a run has it."""

    files: tuple[str, ...]
    store: str = ""


@dataclass(frozen=True, slots=True)
class ComposeUp:
    """A project of Compose; without ``files`` it is the file that Compose looks for in ``directory``.

    ``profiles`` are active, ``env_files`` are read instead of ``.env``. Of ``services`` those are started, with what they
    depend on unless they are to be ``alone``; without any, all are. ``run`` is what the only one of them runs instead of
    its own command, ``is_changed`` tells that further settings of it are given; ``store`` and ``stdin`` as a run has them.
    """

    files: tuple[str, ...]
    project: str = ""
    directory: str = ""
    profiles: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    alone: bool = False
    run: tuple[str, ...] = ()
    is_changed: bool = False
    store: str = ""
    stdin: str = ""


@dataclass(frozen=True, slots=True)
class Other:
    """Something that starts containers which are named nowhere that we read; ``why`` is a sentence's end."""

    why: str


Started = Run | Pull | KubePlay | ComposeUp | Other


def given(found: Started, stdin: str) -> Started:
    """The same with what its client is given to read."""
    if isinstance(found, Run) and found.is_created:
        return replace(found, stdin=UNKNOWN)
    return replace(found, stdin=stdin) if isinstance(found, Run | ComposeUp) else found


def asked_platform(given: Given) -> str:
    """``--platform``, or what Podman's ``--os``, ``--arch``, ``--variant`` say together; empty without.

    Raises:
        UnclearError: the engine would refuse the options, or only the host knows the rest of the platform.
    """
    whole, arch = given.last("platform") or "", given.last("arch") or ""
    system, variant = given.last("os") or "", given.last("variant") or ""
    if whole and (arch or system or variant):
        raise UnclearError("--platform excludes --arch, --os and --variant")
    if not arch and (variant or system not in {"", "linux"}):
        raise UnclearError("--os and --variant without --arch: only the host knows the rest")
    found = whole or ("/".join(part for part in (system or "linux", arch, variant) if part) if arch else "")
    if not is_known(found):
        raise UnclearError(f"only the running host knows the platform {shown(found)}")
    return found


def started(program: str, words: tuple[str, ...], env: Mapping[str, str]) -> Started | None:
    """What ``program words…`` starts; none where it does something else.

    Raises:
        UnclearError: it starts something, but its words cannot be understood.
    """
    name = program.rpartition("/")[2]
    found: Started | None
    if name in COMPOSERS:
        engine = "podman" if name.startswith("podman") else "docker"
        before, found = engine_options.GLOBAL[engine].read(()), _composed(words)
    else:
        engine = ENGINES[name]
        try:
            before = engine_options.GLOBAL[engine].read(words)
        except OptionsError as error:
            if _mentions_start(words):
                raise UnclearError(f"{name}: {error}") from error
            return None
        found = _command(engine, before.rest)
    if found is not None and (elsewhere := _elsewhere(before, env)):
        return Other(f"it asks the engine at {shown(elsewhere)}, which may be another machine's")
    context = _context(before, env) if engine == "docker" else ""
    if found is not None and context not in _LOCAL_CONTEXTS:
        return Other(f"it runs where Docker's context {shown(context)} leads")
    if found is None or isinstance(found, Other):
        return found
    store = store_of(engine, before, env)
    if not is_known(store):
        return Other(f"only the running host knows where {name} keeps the images that it takes")
    return found if isinstance(found, Pull) else replace(found, store=store)


def is_elsewhere(engine: str, before: Given, env: Mapping[str, str]) -> bool:
    """Whether a command may ask an engine that is not this machine's."""
    context = _context(before, env) if engine == "docker" else ""
    return _elsewhere(before, env) != "" or context not in _LOCAL_CONTEXTS


def store_of(engine: str, before: Given, env: Mapping[str, str]) -> str:
    """What tells the images that an engine has there from those that it has usually; empty where it is those."""
    if engine == "docker":
        address = before.last("host") or ("" if before.last("context") else env.get("DOCKER_HOST", ""))
        said = [address or _context(before, env)]
    elif engine == "podman":
        said = [f"{name}={value}" for name in _PODMANS_STORES for value in before.all(name)[-1:]]
        said.append(env.get("CONTAINERS_STORAGE_CONF", ""))
    else:
        address = before.last("address") or before.last("host") or env.get("CONTAINERD_ADDRESS") or ""
        said = [address, before.last("namespace") or env.get("CONTAINERD_NAMESPACE") or ""]
    return ",".join(one for one in said if one.removeprefix("unix://") not in _USUAL)


def _mentions_start(words: tuple[str, ...]) -> bool:
    return any(word in {"run", "create", "play", "compose"} for word in words)


def _elsewhere(before: Given, env: Mapping[str, str]) -> str:
    """What leads to an engine that may be another machine's, were it by a port of this one; empty where it is a socket here."""
    if before.is_on("remote") or before.last("connection"):
        return before.last("connection") or "Podman's usual connection"
    said = before.last("host") or before.last("url") or env.get("DOCKER_HOST") or env.get("CONTAINER_HOST") or ""
    return "" if not said or said.startswith(_LOCAL) else said


def _context(before: Given, env: Mapping[str, str]) -> str:
    """The context that Docker's client takes: an address that is given comes first (docker(1))."""
    if before.last("host") or (env.get("DOCKER_HOST") and not before.last("context")):
        return ""
    return before.last("context") or env.get("DOCKER_CONTEXT") or ""


def _command(engine: str, words: tuple[str, ...]) -> Started | None:
    if words[:1] in {("container",), ("image",)}:
        words = words[1:]
    _demand_verb(engine, words)
    match words[:2]:
        case ("run" | "create", *_):
            run = _run(engine, words[1:])
            return replace(run, is_created=words[0] == "create") if run is not None else None
        case ("pull", *_):
            return _pull(words[1:])
        case ("compose", *_):
            return _composed(words[1:])
        case ("kube", "play") | ("play", "kube") if engine == "podman":
            return _kube_play(words[2:])
        case ("pod", "create") if engine == "podman":
            return _infra(words[2:])
    return _elsewhere_named(engine, words)


def _demand_verb(program: str, words: tuple[str, ...]) -> None:
    """Raises ``UnclearError`` where what is asked for is not known: it may start anything."""
    if words and not is_known(words[0]):
        raise UnclearError(f"only the running host knows what {program} is told to do")


def _elsewhere_named(engine: str, words: tuple[str, ...]) -> Other | None:
    """What starts containers whose images are named elsewhere, or somewhere in a cluster."""
    match words[:2]:
        case ("service", "create"):
            return Other("it creates a service of a Swarm")
        case ("service", "update") if any(word.startswith("--image") for word in words):
            return Other("it gives a service of a Swarm another image")
        case ("stack", "deploy" | "up"):
            return Other("it deploys a stack to a Swarm")
        case ("kube", "apply") if engine == "podman":
            return Other("it has a cluster start containers")
        case ("exec", *_) if mentions_engine(" ".join(words[1:])):
            return Other("it has an engine within a container start another")
        case ("runlabel", *_) if engine == "podman":
            return Other("it runs what a label of an image says")
    return None


def _run(engine: str, words: tuple[str, ...]) -> Run | None:
    try:
        given = engine_options.RUN[engine].read(words)
    except OptionsError as error:
        raise UnclearError(str(error)) from error
    if given.is_on("help"):
        return None
    if given.is_on("rootfs"):
        raise UnclearError("it runs a root file system of the host, no image")
    if not given.rest:
        raise UnclearError("there is no image behind its options")
    image = _named(given.rest[0]) if engine == "podman" else given.rest[0]
    if not is_known(image):
        raise UnclearError(f"only the running host knows what {shown(image)} stands for")
    if not image:
        raise UnclearError("the image is empty")
    return Run(engine, image, given.rest[1:], given, asked_platform(given))


_TRANSPORT = "docker://"


def _named(image: str) -> str:
    """What Podman takes an image for that is named with its transport: behind that no short name is looked for elsewhere."""
    name = image.removeprefix(_TRANSPORT)
    host = name.partition("/")[0] if "/" in name else ""
    if name == image or not name or not is_known(name) or "." in host or ":" in host or host == "localhost":
        return name
    return f"docker.io/{name}" if host else f"docker.io/library/{name}"


def _infra(words: tuple[str, ...]) -> Run | None:
    """A pod's first container, where its image is not the one that Podman brings along."""
    try:
        image = engine_options.POD.read(words).last("infra-image")
    except OptionsError:
        return None  # the containers in it are judged by their own words
    if image and not is_known(image):
        raise UnclearError(f"only the running host knows what {shown(image)} stands for")
    return Run("podman", image, (), Given((), ())) if image else None


def _pull(words: tuple[str, ...]) -> Pull | None:
    try:
        given = engine_options.PULL.read_all(words)
        platform = asked_platform(given)
    except (OptionsError, UnclearError):
        return None  # what runs afterwards is judged by its own words
    return Pull(given.rest[0], platform) if given.rest and platform else None


def _kube_play(words: tuple[str, ...]) -> KubePlay | None:
    try:
        given = engine_options.KUBE_PLAY.read_all(words)
    except OptionsError as error:
        raise UnclearError(str(error)) from error
    if given.is_on("down"):
        return None
    if not given.rest or not all(map(is_known, given.rest)):
        raise UnclearError("it plays a file that only the running host knows")
    return KubePlay(given.rest)


def _composed(words: tuple[str, ...]) -> ComposeUp | None:
    try:
        given = engine_options.COMPOSE.read(words)
    except OptionsError as error:
        if any(word in _STARTING for word in words):
            raise UnclearError(f"compose: {error}") from error
        return None
    _demand_verb("Compose", given.rest)
    if not given.rest or given.rest[0] not in _STARTING:
        return None
    files, env_files = given.all("file"), given.all("env-file")
    project, directory = (
        given.last("project-name") or "",
        given.last("project-directory") or given.last("workdir") or "",
    )
    if not all(map(is_known, (*files, *env_files, directory))):
        raise UnclearError("it starts a project of Compose whose file only the running host knows")
    profiles = tuple(name for said in given.all("profile") for name in said.split(","))
    asked = ComposeUp(files, project if is_known(project) else "", directory, profiles, env_files)
    return _chosen(asked, given.rest[0], given.rest[1:])


def _chosen(project: ComposeUp, verb: str, words: tuple[str, ...]) -> ComposeUp | None:
    """The services that are started, and as what."""
    try:
        if verb == "run":
            given = engine_options.COMPOSE_RUN.read(words)
        else:
            given = engine_options.COMPOSE_START.read_all(words)
    except OptionsError as error:
        raise UnclearError(f"compose {verb}: {error}") from error
    if given.is_on("help") or given.is_on("no-up"):
        return None
    services, run = (given.rest[:1], given.rest[1:]) if verb == "run" else (given.rest, ())
    if not all(map(is_known, (*services, *project.profiles))):
        raise UnclearError("only the running host knows which services of Compose it starts")
    counts = (*given.all("scale"), *(services if verb == "scale" else ()))
    scaled = (said.partition("=") for said in counts)
    return replace(
        project,
        services=tuple(name.partition("=")[0] for name in services) if verb == "scale" else services,
        without=tuple(name for name, _, count in scaled if count == "0"),
        alone=given.is_on("no-deps"),
        run=run,
        is_changed=verb == "run" and any(given.all(name) for name in _OF_ONE_RUN),
    )
