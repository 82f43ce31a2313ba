"""Makes a container's process with the mounts over its image of the options of ``run``."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.domain.facts import Mount, Privileges, Process
from scanner.domain.image.healthcheck import SHELL
from scanner.formats.documents import lenient_json
from scanner.formats.documents.csv_record import first_record
from scanner.formats.variables import env_file
from scanner.formats.variables.env_file import EnvFileError
from scanner.probe import privileges
from scanner.probe.planned.unknown_text import UNKNOWN, is_known, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scanner.probe.planned.commands.command import Run

MAX_MOUNTS = 500
"""An engine takes more; nobody writes more."""

MAX_INPUT_CHARS = 1 << 16
"""Of what a container is given to read that is looked into: scripts are shorter, what is longer are data."""

_OFF = frozenset({"0", "f", "false"})
"""Go's words for no."""

_TARGETS = ("target", "destination", "dst")
_SECRETS = "/run/secrets"
_CHOOSE = frozenset({"PATH", "LD_LIBRARY_PATH", "LD_PRELOAD"})


@dataclass(slots=True)
class Container:
    """A container's process, mounts and further checks; ``gaps`` say what of it is not known."""

    process: Process | None = None
    mounts: tuple[Mount, ...] | None = None
    checks: tuple[tuple[str, ...], ...] = ()
    gaps: list[str] = field(default_factory=list)


def container(run: Run, env: Mapping[str, str], read: Callable[[str], bytes | None]) -> Container:
    """What ``run`` says beside the image.

    Args:
        run: the command.
        env: the variables of the client, from which ``-e NAME`` takes its value.
        read: gives the text of a file that the command names, none where that is not there to be read.
    """
    made = Container()
    variables = dict(_variables(run, env, read, made))
    mounts = tuple(_mounts(run, made))
    command, entrypoint = _command(run, made), _entrypoint(run, made)
    user, directory = _one(run, "user", made), _one(run, "workdir", made)
    is_fed = run.given.is_on("interactive") and not run.given.is_on("detach")  # whose client hands on nothing
    process = Process(
        entrypoint=entrypoint,
        cmd=command,
        path=variables.get("PATH"),
        working_dir=directory,
        env=tuple(variables.items()) or None,
        user=user,
        init=run.given.is_on("init") if run.given.last("init") is not None else None,
        healthcheck=_healthcheck(run, made),
        privileges=_privileges(run, made),
        read_only=run.given.is_on("read-only") or None,
        lacks_tmpfs=(run.given.last("read-only-tmpfs") or "true").lower() in _OFF or None,
        is_fed=is_fed or None,
        input=fed(run.stdin) if is_fed else None,
    )
    made.process = process if process != Process() else None
    made.mounts = mounts or None
    made.checks = _checks(run)
    return made


# ---------------------------------------------------------------- what is exec'd


def fed(text: str) -> str | None:
    """What an engine hands on of what its client is given to read, none where that is not known."""
    return text if is_known(text) and len(text) <= MAX_INPUT_CHARS else None


def _command(run: Run, made: Container) -> tuple[str, ...] | None:
    if not run.command:
        return None
    if not all(map(is_known, run.command)):
        made.gaps.append(f"only the running host knows the argument {_unclear(run.command)}")
    return tuple(map(shown, run.command))


def _unclear(words: tuple[str, ...]) -> str:
    return next(shown(word)[:100] for word in words if not is_known(word))


def _entrypoint(run: Run, made: Container) -> tuple[str, ...] | None:
    """Docker and nerdctl send one word, and ``""`` drops the image's command too; Podman takes JSON, and keeps it."""
    said = run.given.last("entrypoint")
    if said is None:
        return None
    if not is_known(said):
        made.gaps.append(f"only the running host knows the entrypoint {shown(said)}")
        return (shown(said),)
    if run.engine != "podman":
        return (said,)
    if not said:
        return ()
    return _json_words(said) or ((said,) if _json_words(said) is None else ())


def _json_words(text: str) -> tuple[str, ...] | None:
    try:
        found = lenient_json.loads(text) if text.startswith("[") else None
    except lenient_json.JsonError:
        return None
    return tuple(found) if isinstance(found, list) and all(isinstance(one, str) for one in found) else None


def _one(run: Run, name: str, made: Container) -> str | None:
    said = run.given.last(name)
    if said is None or is_known(said):
        return said or None
    made.gaps.append(f"only the running host knows --{name} {shown(said)}")
    return None


def _privileges(run: Run, made: Container) -> Privileges:
    """Podman takes several in one word, with commas between them."""
    said = {}
    for name in ("group-add", "cap-add", "cap-drop"):
        words = run.given.all(name)
        if run.engine == "podman":
            words = tuple(one for word in words for one in word.split(","))
        if unclear := next((word for word in words if not is_known(word)), None):
            made.gaps.append(f"only the running host knows --{name} {shown(unclear)[:100]}")
        said[name] = tuple(word for word in words if is_known(word))
    if "keep-groups" in said["group-add"]:
        made.gaps.append("--group-add keep-groups gives it the groups of who starts it")
    groups = tuple(word for word in said["group-add"] if word != "keep-groups")
    is_privileged = run.given.is_on("privileged")
    return privileges.by_engine(groups, added=said["cap-add"], dropped=said["cap-drop"], is_privileged=is_privileged)


# ---------------------------------------------------------------- variables


def _variables(
    run: Run, env: Mapping[str, str], read: Callable[[str], bytes | None], made: Container
) -> Iterator[tuple[str, str | None]]:
    """Variables by name, the strongest last; one whose value is not known is none."""
    if run.given.is_on("env-host"):
        made.gaps.append("--env-host gives it the host's own variables")
    if run.given.is_on("unsetenv-all") or any(name in _CHOOSE for name in run.given.all("unsetenv")):
        made.gaps.append("--unsetenv takes the image's own variables away")
    for path in run.given.all("env-file"):
        yield from _of_file(run, path, env, read, made)
    yield from _secrets(run, made)
    for said in run.given.all("env"):
        name, equals, value = said.partition("=")
        yield from _said(run, name, value if equals else None, env, made)


def _secrets(run: Run, made: Container) -> Iterator[tuple[str, str | None]]:
    """Variables that Podman fills with secrets."""
    for said in run.given.all("secret"):
        options = _secret(said)
        if options.get("type") != "env":
            continue
        variable = options.get("target") or options.get("source", "")
        if variable in _CHOOSE or not is_known(variable):
            made.gaps.append(f"a secret is the value of {shown(variable)}")
        else:
            yield variable, None


def _secret(said: str) -> dict[str, str]:
    """The options of ``--secret``, whose first word may be its name alone."""
    words = said.split(",")
    named = [] if "=" in words[0] else [f"source={words.pop(0)}"]
    return dict(word.partition("=")[::2] for word in (*named, *words))


def _secret_mount(said: str) -> Mount | None:
    """Where a secret is a file: by its name in the folder for them, unless it has a target."""
    options = _secret(said)
    if options.get("type", "mount") == "env":
        return None
    target = options.get("target") or options.get("source", "")
    place = target if target.startswith("/") else f"{_SECRETS}/{target}"
    return Mount(place if is_known(said) else UNKNOWN, "bind")  # what is not known may hold a target of its own


def _said(
    run: Run, name: str, value: str | None, env: Mapping[str, str], made: Container
) -> Iterator[tuple[str, str | None]]:
    if value is None and name.endswith("*") and run.engine == "podman":
        yield from (
            (each, _known(text)) for each, text in env.items() if each.isidentifier() and each.startswith(name[:-1])
        )
    elif value is None:
        if name in env:
            yield name, _known(env[name])
        elif name in _CHOOSE:
            made.gaps.append(f"--env {name} is the value that only the running host knows")
    elif name and is_known(name):
        if not is_known(value) and name in _CHOOSE:
            made.gaps.append(f"only the running host knows the value of {name}")
        yield name, _known(value)


def _known(value: str) -> str | None:
    return value if is_known(value) else None


def _of_file(
    run: Run, path: str, env: Mapping[str, str], read: Callable[[str], bytes | None], made: Container
) -> Iterator[tuple[str, str | None]]:
    raw = read(path) if is_known(path) else None
    if raw is None:
        made.gaps.append(f"the variables of {shown(path)} are not known: it cannot be read")
        return
    try:
        found = env_file.podman(raw) if run.engine == "podman" else env_file.docker(raw)
    except EnvFileError as error:
        made.gaps.append(f"{shown(path)}: {error}")
        return
    for name, value in found.items():
        yield from _said(run, name, value, env, made)


# ---------------------------------------------------------------- mounts


def _mounts(run: Run, made: Container) -> Iterator[Mount]:
    if run.given.all("volumes-from"):
        made.gaps.append("--volumes-from mounts what another container has")
    found: dict[str, Mount] = {}
    for name, value in run.given.options:
        mount = _mount(run, made, name, value)
        if mount is None:
            continue
        if not is_known(mount.destination) or not mount.destination.startswith("/"):
            made.gaps.append(f"only the running host knows where --{name} {shown(value)[:100]} is mounted")
            continue
        place = posixpath.normpath(mount.destination)
        found[place] = Mount(place, mount.kind, mount.noexec)
    if len(found) > MAX_MOUNTS:
        made.gaps.append(f"more than {MAX_MOUNTS} mounts")
        return
    yield from found.values()


def _mount(run: Run, made: Container, name: str, value: str) -> Mount | None:
    match name:
        case "volume":
            return _volume(value)
        case "tmpfs":
            place, _, options = value.partition(":")
            return Mount(place, "tmpfs", noexec=_is_noexec(options.split(","), "tmpfs", run.engine))
        case "mount":
            words = first_record(value)
            if words is not None:
                return _described(run.engine, words)
            made.gaps.append(f"--mount {shown(value)[:100]} is no line of comma-separated values")
        case "secret":
            return _secret_mount(value)
    return None


def _volume(value: str) -> Mount:
    source, colon, rest = value.partition(":")
    if not colon:
        return Mount(source, "volume")
    place, _, options = rest.partition(":")
    kind = "bind" if source.startswith(("/", ".", "~", UNKNOWN)) else "volume"
    return Mount(place, kind, noexec="noexec" in options.split(","))


def _described(engine: str, words: tuple[str, ...]) -> Mount | None:
    """``type=bind``, ``source=…``, ``target=…``."""
    said = dict(word.partition("=")[::2] for word in words)
    kind = said.get("type", "volume")
    place = next((said[each] for each in _TARGETS if each in said), "")
    if kind in {"devpts", "artifact"} and not place:
        return None
    options = [*said, *said.get("tmpfs-options", "").split(",")]
    return Mount(place, kind, noexec=_is_noexec(options, kind, engine))


def _is_noexec(options: list[str], kind: str, engine: str) -> bool:
    """Docker mounts a tmpfs noexec unless told otherwise, Podman does not."""
    return "noexec" in options or (kind == "tmpfs" and engine != "podman" and "exec" not in options)


# ---------------------------------------------------------------- health


def _healthcheck(run: Run, made: Container) -> tuple[str, ...] | None:
    if run.given.is_on("no-healthcheck"):
        return ("NONE",)
    said = run.given.last("health-cmd")
    if not said:
        return None
    if not is_known(said):
        made.gaps.append("only the running host knows the command of its health check")
        return None
    return _podman_test(said) if run.engine == "podman" else ("CMD-SHELL", said)


def _podman_test(said: str) -> tuple[str, ...]:
    """As Podman reads ``--health-cmd``: JSON, Docker's words in front, else a line for a shell."""
    words = _json_words(said)
    first = (words[0] if words else said.split(" ", 1)[0]).upper()
    if first == "NONE":
        return ("NONE",)
    if first == "CMD":
        return tuple(said.split())
    if words and (len(words) > 1 or first == "CMD-SHELL"):
        return words if first == "CMD-SHELL" else ("CMD", *words)
    if first == "CMD-SHELL":
        return ("CMD-SHELL", said.partition(" ")[2])
    return ("CMD-SHELL", words[0] if words else said)


def _checks(run: Run) -> tuple[tuple[str, ...], ...]:
    """What Podman's startup check runs, beside the health check."""
    said = run.given.last("health-startup-cmd")
    if not said or not is_known(said) or run.engine != "podman":
        return ()
    test = _podman_test(said)
    if test[0] == "CMD":
        return (test[1:],)
    return ((*SHELL, test[1]),) if test[0] == "CMD-SHELL" and len(test) > 1 else ()
