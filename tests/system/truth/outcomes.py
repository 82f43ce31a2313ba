"""What an engine really makes of an image: it starts, or how it fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.real.engines import DockerEngine, Podman
from tests.system.truth.programs import SAYS

AT_ONCE = 4
"""Containers started at a time: most of a start is waiting for the engine."""


@dataclass(frozen=True)
class Outcome:
    """What happened: ``said`` is all that the command printed, ``state`` the engine's own account of it.

    ``state`` is empty where the engine refused to make a container at all.
    """

    said: str
    state: Mapping[str, Any]

    @property
    def started(self) -> bool:
        """Whether the program itself spoke."""
        return SAYS in self.said.splitlines() and bool(self.state) and self.state["ExitCode"] == 0

    def __str__(self) -> str:
        how = "started" if self.started else f"failed with {self.state.get('ExitCode', 'no container')}"
        return f"{how}: {self.state.get('Error') or self.said.strip()[-300:]}"


def name_of(kind_id: str) -> str:
    """The container of a kind."""
    return f"truth-{kind_id}"


def docker_outcomes(engine: DockerEngine, runs: Mapping[str, Sequence[str]]) -> dict[str, Outcome]:
    """``docker run`` of each container by name, with the words behind its name; the containers stay."""

    def run(name: str) -> str:
        return engine.docker("run", "--network", "none", "--name", name, *runs[name], check=False)

    def inspect(names: Iterable[str]) -> str:
        there = set(engine.docker("ps", "-a", "--format", "{{.Names}}").split())
        return engine.docker("inspect", "--type", "container", *(name for name in names if name in there))

    return _all(runs, run, inspect)


def podman_outcomes(engine: Podman, runs: Mapping[str, Sequence[str]]) -> dict[str, Outcome]:
    """The same with Podman."""

    def run(name: str) -> str:
        return engine.podman("run", "--tls-verify=false", "--network", "none", "--name", name, *runs[name], check=False)

    def inspect(names: Iterable[str]) -> str:
        there = set(engine.podman("ps", "--all", "--format", "{{.Names}}").split())
        return engine.podman("container", "inspect", *(name for name in names if name in there))

    return _all(runs, run, inspect)


def _all(
    names: Iterable[str], run: Callable[[str], str], inspect: Callable[[Iterable[str]], str]
) -> dict[str, Outcome]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        said = dict(zip(names, pool.map(run, names), strict=True))
    found = json.loads(inspect(names))
    states = {container["Name"].lstrip("/"): container["State"] for container in found}
    return {name: Outcome(words, states.get(name, {})) for name, words in said.items()}


def in_docker(engine: DockerEngine, references: Mapping[str, str]) -> dict[str, Outcome]:
    """Pull each kind's image, run it once, keep its container."""
    found = docker_outcomes(engine, {name_of(kind): (reference,) for kind, reference in references.items()})
    return {kind: found[name_of(kind)] for kind in references}


def in_podman(engine: Podman, references: Mapping[str, str]) -> dict[str, Outcome]:
    """The same with Podman."""
    found = podman_outcomes(engine, {name_of(kind): (reference,) for kind, reference in references.items()})
    return {kind: found[name_of(kind)] for kind in references}
