"""Programs that start containers by words which are not read here, each with what is said of them."""

from __future__ import annotations

import posixpath
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.probe.planned.unknown_text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NOT_READ = "{} starts a container by words that are not read here"
_IN_CLUSTER = "{} has a cluster start containers"
_OF_HOST = "{} runs a root file system of the host, no image"
_ELSEWHERE = "{} starts containers in a virtual machine"

_STARTERS: Mapping[str, tuple[frozenset[str], str]] = MappingProxyType({
    "ctr": (frozenset({"run", "create"}), _NOT_READ),
    "crictl": (frozenset({"run", "runp", "create"}), _NOT_READ),
    "buildah": (frozenset({"run"}), _NOT_READ),
    "distrobox": (frozenset({"create", "ephemeral", "assemble"}), _NOT_READ),
    "toolbox": (frozenset({"create"}), _NOT_READ),
    "apptainer": (frozenset({"run", "exec", "shell", "instance"}), _NOT_READ),
    "singularity": (frozenset({"run", "exec", "shell", "instance"}), _NOT_READ),
    "udocker": (frozenset({"run"}), _NOT_READ),
    "rkt": (frozenset({"run"}), _NOT_READ),
    "runc": (frozenset({"run", "create"}), _OF_HOST),
    "crun": (frozenset({"run", "create"}), _OF_HOST),
    "youki": (frozenset({"run", "create"}), _OF_HOST),
    "kubectl": (frozenset({"run", "apply", "create", "replace", "debug"}), _IN_CLUSTER),
    "oc": (frozenset({"run", "apply", "create", "replace", "new-app", "debug"}), _IN_CLUSTER),
    "helm": (frozenset({"install", "upgrade"}), _IN_CLUSTER),
    "helmfile": (frozenset({"apply", "sync"}), _IN_CLUSTER),
    "nomad": (frozenset({"run"}), _IN_CLUSTER),
    "kind": (frozenset({"create"}), _NOT_READ),
    "k3d": (frozenset({"create"}), _NOT_READ),
    "lima": (frozenset({"nerdctl", "docker", "podman"}), _ELSEWHERE),
    "limactl": (frozenset({"nerdctl", "docker", "podman"}), _ELSEWHERE),
    "colima": (frozenset({"nerdctl"}), _ELSEWHERE),
    "docker-machine": (frozenset({"docker", "podman"}), _ELSEWHERE),
    "vagrant": (frozenset({"docker", "podman"}), _ELSEWHERE),
    "multipass": (frozenset({"docker", "podman"}), _ELSEWHERE),
})  # fmt: skip
"""By the program: the words that tell that it starts something, what is said then."""

_OTHER_NAMES = MappingProxyType({
    "microk8s.ctr": "ctr", "microk8s.kubectl": "kubectl", "microk8s.helm": "helm", "microk8s.helm3": "helm", "helm3": "helm",
})  # fmt: skip

_BY_NAME_ALONE = MappingProxyType({
    "distrobox-create": _NOT_READ, "distrobox-ephemeral": _NOT_READ, "distrobox-assemble": _NOT_READ,
    "nerdctl.lima": _ELSEWHERE, "docker.lima": _ELSEWHERE, "podman.lima": _ELSEWHERE,
})  # fmt: skip
"""Programs that start something whatever their words are."""

_OF_PLANS = frozenset({"kubectl", "oc", "nomad"})
"""They are told files which are plans of their own where they are there to be read."""

HOLDERS = frozenset({"k3s", "rke2", "k0s", "microk8s", "minikube"})
"""Programs that hold one of the others, which their first word names."""

_TASKFILES = tuple(
    f"{name}{end}" for name in ("Taskfile", "taskfile") for end in (".yml", ".yaml", ".dist.yml", ".dist.yaml")
)

_TASK_FILES: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "make": ("GNUmakefile", "makefile", "Makefile"),
    "gmake": ("GNUmakefile", "makefile", "Makefile"),
    "just": ("justfile", "Justfile", "JUSTFILE", ".justfile", ".Justfile"),
    "task": _TASKFILES,
    "go-task": _TASKFILES,
    "npm": ("package.json",), "yarn": ("package.json",), "pnpm": ("package.json",),
})  # fmt: skip
"""Runners of tasks, with the files that hold them."""

MAX_TASK_FILES = 50
"""Files of tasks that include each other."""

_INCLUDED = re.compile(r"^(?:include|import)[ \t]+([^#\n]+)", re.ASCII | re.MULTILINE)
"""What make and just must find beside their file."""

_ONLY_ASK = frozenset({"--help", "-h"})
_ONLY_TRY = frozenset({"--dry-run", "--dry-run=client", "--dry-run=server"})
_MAY_TRY = frozenset({"kubectl", "oc", "helm", "distrobox"})
"""Programs that then start nothing."""

_IN_STARTING_TASKS = frozenset({"up", "compose", "docker", "podman", "nerdctl"})
"""What stands in the names of tasks that start containers."""

_OF_A_NAME = re.compile("[:_-]")

_PLACES = frozenset({"-C", "--directory", "-d", "--dir", "--prefix", "--cwd", "--working-directory"})
_NAMED = frozenset({"-f", "--file", "--makefile", "-t", "--taskfile", "--justfile"})

_ENGINE = re.compile(r"\b(?:docker|podman|nerdctl|finch|balena-engine)(?:[.-](?:compose|io|remote))?\b")
_STARTS = re.compile(r"\b(?:run|create|play|up|deploy)\b")
_ANY_NAME = "|".join(map(re.escape, sorted({*_STARTERS, *_OTHER_NAMES, *_BY_NAME_ALONE}, key=len, reverse=True)))
_MENTIONED = re.compile(rf"(?<![\w.-])({_ANY_NAME})(?![\w.-])([^\n;&|]*)", re.ASCII)


def starts(program: str, words: tuple[str, ...], place: str, read: Callable[[str], bytes | None]) -> str:
    """What is said of ``program words…`` that starts containers; empty where it is no such program, or does something else.

    Files that it names and ``read`` gives, from the directory ``place`` on, are read as plans of their own.
    """
    if said := _told(program, words):
        files = _named_plans(_OTHER_NAMES.get(program, program), words)
        is_read = files and all(read(posixpath.normpath(posixpath.join(place, file))) is not None for file in files)
        return "" if is_read else said
    return _of_tasks(program, words, place, read)


def mentions_engine(text: str) -> bool:
    """Whether a text may start a container, as far as its words tell."""
    engine = _ENGINE.search(text)  # the first one alone: what stands behind any other stands behind it
    return (engine is not None and _STARTS.search(text, engine.end()) is not None) or any(
        _told(found[1], tuple(re.split(r"[\s\"']+", found[2]))) for found in _MENTIONED.finditer(text)
    )


def _told(program: str, words: tuple[str, ...]) -> str:
    if program in _BY_NAME_ALONE:
        return _BY_NAME_ALONE[program].format(program)
    name = _OTHER_NAMES.get(program, program)
    if name not in _STARTERS:
        return ""
    verbs, said = _STARTERS[name]
    verb = next((at for at, word in enumerate(words) if word.rpartition("/")[2] in verbs), None)
    return "" if verb is None or _only_asks(name, words, verb) else said.format(program)


def _only_asks(name: str, words: tuple[str, ...], verb: int) -> bool:
    """Whether a command with this verb starts nothing; what stands behind it may be words of a container's program."""
    if _ONLY_ASK.intersection(words[:verb]) or (len(words) == verb + 2 and words[-1] in _ONLY_ASK):
        return True
    end = words.index("--", verb) if "--" in words[verb:] else len(words)
    return name in _MAY_TRY and not _ONLY_TRY.isdisjoint(words[:end])


def _named_plans(program: str, words: tuple[str, ...]) -> list[str]:
    """The files that hold what is to be started."""
    if program not in _OF_PLANS:
        return []
    if program == "nomad":
        return [] if words[-1].startswith("-") or words[-1] == "run" else [words[-1]]
    return [value for word, value in _options(words) if word in {"-f", "--filename", "-k", "--kustomize"}]


def _tasks_of(program: str, words: tuple[str, ...], place: str) -> tuple[str, ...]:
    """Files in which a runner of tasks would look for what it is told to do; none where it is none."""
    names = _TASK_FILES.get(program)
    if names is None:
        return ()
    named: list[str] = []
    for word, value in _options(words):
        if word in _PLACES and not (word == "-d" and program in {"make", "gmake"}):
            place = posixpath.join(place, value)
        elif word in _NAMED:
            named.append(value)
    return tuple(posixpath.normpath(posixpath.join(place, name)) for name in named or names)


def _options(words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Each option with what may be its value: behind ``=``, stuck to its letter, or the next word."""
    found = []
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if word[:1] == "-" and word[:2] != "--" and len(word) > len("-C"):
            found.append((word[:2], word[2:]))
        elif word.startswith("-"):
            found.append((name, value if equals else "".join(words[at + 1 : at + 2])))
    return found


def _of_tasks(program: str, words: tuple[str, ...], place: str, read: Callable[[str], bytes | None]) -> str:
    """What is said of tasks that may start a container: by what their file says, where it is not there by their name."""
    paths = list(_tasks_of(program, words, place))
    alternatives, is_whole = len(paths), True
    there: set[str] = set()
    for at, path in enumerate(paths):  # the list grows by what they include
        raw = read(path) if path not in there and at < MAX_TASK_FILES else None
        is_whole = is_whole and (raw is not None or path in there or at < alternatives)
        if raw is None:
            continue
        there.add(path)
        text = raw.decode("utf-8", "replace")
        if mentions_engine(text):
            return (
                f"{program} runs what {shown(path)} says, in which an engine is named, and which is not followed here"
            )
        names = (name for line in _INCLUDED.findall(text) for name in re.split(r"[\s\"']+", line) if name)
        paths += (posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) for name in names)
    named = next(filter(_names_a_start, words), "") if paths and not (there and is_whole) else ""
    return f"{program} runs {shown(named)}, and what that is cannot be read" if named else ""


def _names_a_start(task: str) -> bool:
    return not _IN_STARTING_TASKS.isdisjoint(_OF_A_NAME.split(task))
