"""Programs that start containers by words which are not read here, each with what is said of them."""

from __future__ import annotations

import posixpath
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from scanner.probe.planned.commands import task_files
from scanner.probe.planned.unknown_text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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

_ONLY_ASK = frozenset({"--help", "-h"})
_ONLY_TRY = frozenset({"--dry-run", "--dry-run=client", "--dry-run=server"})
_MAY_TRY = frozenset({"kubectl", "oc", "helm", "distrobox"})
"""Programs that then start nothing."""

_IN_STARTING_TASKS = frozenset({"up", "compose", "docker", "podman", "nerdctl"})
"""What stands in the names of tasks that start containers."""

_OF_A_NAME = re.compile("[:_-]")

SAY_ONLY = frozenset({
    "echo", "printf", "logger", "grep", "test", "[", "[[", "true", "false", ":", "cat", "kubectl", "which", "type",
    "pkill", "pgrep", "killall", "rm", "mkdir", "touch", "systemctl", "systemd-notify", "wall",
})  # fmt: skip
"""Programs whose words are no commands."""

_API = re.compile(r"/(?:containers/create|services/create|(?:play/kube|kube/play))\b", re.ASCII)
"""Addresses at which an engine is asked to create something."""

_TO_OTHERS = frozenset({
    "ssh", "slogin", "rsh", "mosh", "autossh", "pdsh", "clush", "pssh", "parallel-ssh", "ansible", "salt", "lxc", "incus",
    "lxc-attach", "pct", "systemd-nspawn",
})  # fmt: skip
"""Programs whose words, or what they read, are commands on another machine, or in one within this one."""

_ENGINE = re.compile(r"\b(?:docker|podman|nerdctl|finch|balena-engine)(?:[.-](?:compose|io|remote))?\b")
_STARTS = re.compile(r"\b(?:run|create|play|up|deploy)\b")
_ANY_NAME = "|".join(map(re.escape, sorted({*_STARTERS, *_OTHER_NAMES, *_BY_NAME_ALONE}, key=len, reverse=True)))
_MENTIONED = re.compile(rf"(?<![\w.-])({_ANY_NAME})(?![\w.-])([^\n;&|]*)", re.ASCII)


class Files(Protocol):
    """Whoever knows which files are there."""

    @property
    def read(self) -> Callable[[str], bytes | None]:
        """Gives the bytes of a file by its path, none where it is not there."""

    @property
    def listed(self) -> Callable[[str], Iterable[str]]:
        """Gives the names of the files that lie in a directory."""


def starts(program: str, words: tuple[str, ...], place: str, there: Files, stdin: str | None = None) -> str:
    """What is said of ``program words…`` that starts containers; empty where it is no such program, or does something else.

    Files that it names and that are ``there``, from the directory ``place`` on, are read as plans of their own; ``stdin``
    is what it is given to read.
    """
    if program not in SAY_ONLY and (said := _elsewhere(program, words, stdin)):
        return said
    if said := _told(program, words):
        files = _named_plans(_OTHER_NAMES.get(program, program), words)
        paths = [posixpath.normpath(posixpath.join(place, file)) for file in files]
        is_read = paths and all(there.read(path) is not None for path in paths)
        return "" if is_read else said
    return _of_tasks(program, words, place, there)


def mentions_engine(text: str) -> bool:
    """Whether a text may start a container, as far as its words tell."""
    if _API.search(text):
        return True
    engine = _ENGINE.search(text)  # the first one alone: what stands behind any other stands behind it
    return (engine is not None and _STARTS.search(text, engine.end()) is not None) or any(
        _told(found[1], tuple(re.split(r"[\s\"']+", found[2]))) for found in _MENTIONED.finditer(text)
    )


def watched(words: tuple[str, ...]) -> str:
    """The text that ``watch`` gives to a shell, where one of its words is more than a word."""
    at = next((at for at, word in enumerate(words) if any(map(str.isspace, word))), None)
    return "" if at is None or not mentions_engine(" ".join(words[at:])) else " ".join(words[at:])


def _elsewhere(program: str, words: tuple[str, ...], stdin: str | None) -> str:
    """What is said of a program that has somebody else start containers: another machine, an engine by its API."""
    given = (*words, stdin or "")
    if any(map(_API.search, given)):
        return f"{program} asks an engine to create a container, in words that are not read here"
    if program in _TO_OTHERS and mentions_engine(" ".join(given)):
        return f"{program} starts containers on another machine, or within one of this one"
    return ""


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
    return [value for word, value in task_files.options(words) if word in {"-f", "--filename", "-k", "--kustomize"}]


def _of_tasks(program: str, words: tuple[str, ...], place: str, files: Files) -> str:
    """What is said of tasks that may start a container: by what their files say, where these are not there by their names."""
    found = task_files.of(program, words, place, files.read, files.listed)
    if found is None:
        return ""
    for path, text in found.texts.items():
        if mentions_engine(text):
            return (
                f"{program} runs what {shown(path)} says, in which an engine is named, and which is not followed here"
            )
    if found.is_cut:
        return f"{program} takes tasks from more than {task_files.MAX_FILES} files or patterns"
    named = "" if found.texts and found.is_whole else next(filter(_names_a_start, words), "")
    return f"{program} runs {shown(named)}, and what that is cannot be read" if named else ""


def _names_a_start(task: str) -> bool:
    return not _IN_STARTING_TASKS.isdisjoint(_OF_A_NAME.split(task))
