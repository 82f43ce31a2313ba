"""What an engine really makes of an image: it starts, or how it fails."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.real.engines import Containerd, DockerEngine, Podman
from tests.real.process import NotReadyError, until
from tests.system.truth.programs import SAYS

AT_ONCE = 4
"""Containers started at a time: most of a start is waiting for the engine."""
LAST_WORDS_WITHIN_S = 3
"""An engine writes a log as soon as it has heard anything; kinds that say nothing and end with 0 wait for this."""

CTR_WITHIN_S = 60
_CTR_NOISE = re.compile(r"\x1b\[[0-9;]*m|^elapsed:.*$|^.*[-+]{5,}.*$", re.MULTILINE)


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

    @property
    def error(self) -> str:
        """The engine's own words on what went wrong, else the end of what was printed."""
        return self.state.get("Error") or self.said.strip()[-300:]

    def __str__(self) -> str:
        how = "started" if self.started else f"failed with {self.state.get('ExitCode', 'no container')}"
        return f"{how}: {self.error}"


def name_of(kind_id: str) -> str:
    """The container of a kind."""
    return f"truth-{kind_id}"


Command = Callable[..., str]


def docker_outcomes(engine: DockerEngine, runs: Mapping[str, Sequence[str]]) -> dict[str, Outcome]:
    """``docker run`` of each container by name, with the words behind its name; the containers stay."""
    return _all(engine.docker, runs)


def podman_outcomes(engine: Podman, runs: Mapping[str, Sequence[str]]) -> dict[str, Outcome]:
    """The same with Podman."""
    return _all(engine.podman, {name: ("--tls-verify=false", *words) for name, words in runs.items()})


def _all(command: Command, runs: Mapping[str, Sequence[str]]) -> dict[str, Outcome]:
    def run(name: str) -> str:
        return command("run", "--network", "none", "--name", name, *runs[name], check=False)

    return _each(command, runs, run)


def created(command: Command, runs: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Create containers without starting them; what the engine said of each."""

    def create(name: str) -> str:
        return command("create", "--network", "none", "--name", name, *runs[name], check=False)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(runs, pool.map(create, runs), strict=True))


def started(command: Command, refusals: Mapping[str, str]) -> dict[str, Outcome]:
    """Start created containers, by name with what was said of their creation, which is all there is of some."""

    def start(name: str) -> str:
        return command("start", "--attach", name, check=False)

    outcomes = _each(command, refusals, start)
    return {name: each if each.state else Outcome(refusals[name], {}) for name, each in outcomes.items()}


def _each(command: Command, names: Iterable[str], act: Callable[[str], str]) -> dict[str, Outcome]:
    names = tuple(names)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        said = dict(zip(names, pool.map(act, names), strict=True))
    there = set(command("ps", "--all", "--format", "{{.Names}}").split())
    made = [name for name in names if name in there]
    found = json.loads(command("container", "inspect", *made)) if made else []
    states = {container["Name"].lstrip("/"): container["State"] for container in found}
    return {name: _outcome(command, name, said[name], states.get(name, {})) for name in names}


def _outcome(command: Command, name: str, said: str, state: Mapping[str, Any]) -> Outcome:
    """An engine may lose, or not have written yet, what a program says that ends at once; its log has it, or soon will.

    Docker 26 has been seen to lose it for its log too: then the same container is started once more, and listened to.
    """
    if state.get("Status") == "exited" and state["ExitCode"] == 0 and SAYS not in said.splitlines():
        with contextlib.suppress(NotReadyError):  # then it said nothing, which is for the test to judge
            until(
                lambda: SAYS in command("logs", name, check=False).splitlines(), "its last words", LAST_WORDS_WITHIN_S
            )
        said = f"{said}\n{command('logs', name, check=False)}"
        if SAYS not in said.splitlines():
            said = f"{said}\n{command('start', '--attach', name, check=False)}"
    return Outcome(said, state)


def removed(command: Command) -> None:
    """Remove every container, so that the next test's are the only ones whose logs are read."""
    if left := command("ps", "--all", "--quiet").split():
        command("rm", "--force", *left)


def in_docker(engine: DockerEngine, references: Mapping[str, str]) -> dict[str, Outcome]:
    """Pull each kind's image, run it once, keep its container."""
    found = docker_outcomes(engine, {name_of(kind): (reference,) for kind, reference in references.items()})
    return {kind: found[name_of(kind)] for kind in references}


def in_podman(engine: Podman, references: Mapping[str, str]) -> dict[str, Outcome]:
    """The same with Podman."""
    found = podman_outcomes(engine, {name_of(kind): (reference,) for kind, reference in references.items()})
    return {kind: found[name_of(kind)] for kind in references}


def in_containerd(engine: Containerd, references: Mapping[str, str]) -> dict[str, Outcome]:
    """The same by ``ctr images pull``, then ``ctr run``; nothing stays.

    Since version 2 the daemon pulls, which unpacks for its default snapshotter alone unless ``ctr`` is told to do it.
    """
    ctr = ("images", "pull", *(("--local",) if "containerd/v2 " in engine.ctr("--version") else ()))

    def outcome(kind: str) -> Outcome:
        reference = references[kind]
        pull, pulled = _ctr(engine, *ctr, "--plain-http", "--snapshotter", "native", reference)
        if pull:
            return Outcome(pulled, {})
        code, said = _ctr(engine, "run", "--rm", "--snapshotter", "native", reference, name_of(kind))
        return Outcome(said, {"ExitCode": code})

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(references, pool.map(outcome, references), strict=True))


def _ctr(engine: Containerd, *words: str) -> tuple[int, str]:
    argv = [engine.client, "--address", engine.socket, "--namespace", engine.namespace, *words]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", timeout=CTR_WITHIN_S, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        return 1, f"ctr hung: {late}"
    return done.returncode, _CTR_NOISE.sub("", done.stdout + done.stderr).strip("\n")
