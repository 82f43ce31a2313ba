"""The engines of three generations, each with how it is started and what the judge is told of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from tests.real.generations import NEWER, NEWEST, OLDER
from tests.system.truth.build import Kind
from tests.system.truth.outcomes import Outcome, in_containerd, in_docker, in_podman, removed
from tests.system.truth.table import MODULES

DIFFER_IN = ("documents", "forms", "archives", "surroundings")
"""The tables in which engines differ most: documents, platforms, layers, users."""

Run = Callable[[Mapping[str, str]], dict[str, Outcome]]


@dataclass(frozen=True)
class Generation:
    """One engine of one Debian; ``how`` is its image store (Docker) or runtime (Podman)."""

    name: str
    engine: str
    suite: str
    how: str = ""

    def kinds(self, module: str) -> tuple[Kind, ...]:
        """The kinds of one table that it runs; the storage drivers of Podman and containerd here (vfs, native) write
        through symbolic links, which overlay does not."""
        return tuple(kind for kind in MODULES[module].KINDS if self.engine == "docker" or not kind.overlay)

    @property
    def needed(self) -> set[str]:
        """The kinds that its recording has to hold: what engines were seen to differ in, and all of it of the oldest."""
        modules = MODULES if self is GENERATIONS[0] else DIFFER_IN
        return {kind.id for module in modules for kind in self.kinds(module)}

    @property
    def store(self) -> str:
        """How it keeps images, in the word that the host's facts use."""
        return {"docker": self.how, "podman": "podman", "containerd": "containerd"}[self.engine]


GENERATIONS = (
    Generation("docker-20.10", "docker", OLDER, "classic"),
    Generation("docker-26.1-classic", "docker", NEWER, "classic"),
    Generation("docker-26.1-containerd", "docker", NEWER, "containerd"),
    Generation("docker-28.5-classic", "docker", NEWEST, "classic"),
    Generation("docker-28.5-containerd", "docker", NEWEST, "containerd"),
    Generation("podman-4.3", "podman", OLDER, "runc"),
    Generation("podman-5.4-runc", "podman", NEWER, "runc"),
    Generation("podman-5.4-crun", "podman", NEWER, "crun"),
    Generation("podman-5.8-runc", "podman", NEWEST, "runc"),
    Generation("podman-5.8-crun", "podman", NEWEST, "crun"),
    Generation("containerd-1.6", "containerd", OLDER),
    Generation("containerd-1.7", "containerd", NEWER),
    Generation("containerd-2.1", "containerd", NEWEST),
)


@dataclass(frozen=True)
class Running:
    """A generation that is up: what it says its version is, what it makes of images."""

    version: str
    run: Run
    clear: Callable[[], object]


def running(generation: Generation, request: pytest.FixtureRequest) -> Running:
    """Start it, unless it is up already."""
    match generation.engine:
        case "docker":
            start = request.getfixturevalue("start_docker")
            docker = start(generation.suite, containerd_store=generation.how == "containerd")
            version = docker.docker("version", "--format", "{{.Server.Version}}").strip()
            return Running(version, partial(in_docker, docker), partial(removed, docker.docker))
        case "podman":
            podman = request.getfixturevalue("start_podman")(generation.suite, generation.how)
            version = json.loads(podman.podman("version", "--format", "json"))["Client"]["Version"]
            return Running(version, partial(in_podman, podman), partial(removed, podman.podman))
    containerd = request.getfixturevalue("start_containerd")(generation.suite)
    version = re.findall(r"Version:\s+(\S+)", containerd.ctr("version"))[-1]
    return Running(version, partial(in_containerd, containerd), lambda: None)


def host_of(kernel: Any) -> dict[str, Any]:
    """What of the machine under an engine decides, to stand beside its outcomes."""
    return {
        "machine": kernel.machine,
        "cpu_level": kernel.cpu_level,
        "ia32": kernel.ia32,
        "page_size": kernel.page_size,
    }
