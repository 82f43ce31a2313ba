"""A command line of docker compose: what of it names the project, what is pulled before it runs."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.cli.operations import CheckOptions
from scanner.domain.text import printable
from scanner.errors import UsageError
from scanner.formats import files
from scanner.formats.documents import lenient_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.service.answers import Checked

STARTING = frozenset({"up", "create", "run"})
"""Sub-commands that make containers; the others need no gate."""

PULL_WITHIN_S = 3600
"""Of one image; whoever waits for it can interrupt it."""

MAX_CLIENT_CONFIG_BYTES = 1 << 20
"""Docker's config.json: logins, of which each registry has one, beside a few words."""

_VALUED = frozenset({
    "-f", "--file", "-p", "--project-name", "--project-directory", "--env-file", "--profile", "--ansi", "--parallel",
    "--progress",
})  # fmt: skip
"""Options of docker compose itself that take a value (docker/compose cmd/compose/compose.go)."""


class PullError(Exception):
    """What was judged could not be pulled, so that nothing is started."""


@dataclass(frozen=True, slots=True)
class ComposeRun:
    """What is asked of the gate, with the words that docker compose gets if it may."""

    asked: CheckOptions
    words: tuple[str, ...]


def read(words: Sequence[str], environ: Mapping[str, str]) -> ComposeRun:
    """A command line behind ``archscan compose``.

    Raises:
        UsageError: it starts nothing, or what it starts is on another machine.
    """
    options, rest = _options(words)
    if not rest or rest[0] not in STARTING:
        raise UsageError("compose: checks what up, create and run start; use docker compose for everything else")
    _refuse_elsewhere(environ)
    directory = next((value for name, value in options if name == "--project-directory"), "")
    files = tuple(Path(value) for name, value in options if name in ("-f", "--file"))
    if Path("-") in files:
        raise UsageError("compose: a project on standard input can be read once, by Compose itself: name a file")
    profiles = [value for name, value in options if name == "--profile"]
    asked = CheckOptions(
        compose=files or (Path(directory or "."),),
        is_here=True,
        profiles=tuple(profiles),
        env_files=tuple(Path(value) for name, value in options if name == "--env-file"),
        project_directory=directory,
    )
    return ComposeRun(asked, tuple(words))


def start(run: ComposeRun, checked: Checked) -> None:
    """Pull what was judged by its digest, give it the name that the project uses, become docker compose.

    Raises:
        PullError: something could not be pulled.
        OSError: there is no docker.
    """
    for image, pin in checked.pins.items():
        platforms = {
            str(f.workload.pinned) for f in checked.report.findings if f.workload.image == image and f.workload.pinned
        }
        if len(platforms) > 1:
            continue  # one name cannot stand for two images; Compose pulls each for its service
        _pull(image, pin, *(("--platform", next(iter(platforms))) if platforms else ()))
    os.execvp("docker", ["docker", "compose", *run.words])  # noqa: S606, S607 -- the user's own docker, as its shell finds it


def _pull(image: str, pin: str, *platform: str) -> None:
    for words in (("pull", "--quiet", *platform, pin), ("tag", pin, image)):
        if words[0] == "tag" and "@" in image:
            continue
        try:
            done = subprocess.run(  # noqa: S603 -- the user's own docker
                ["docker", *words],  # noqa: S607 -- as its shell finds it
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PULL_WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PullError(f"docker {' '.join(words)}: not done within {PULL_WITHIN_S} s") from None
        if done.returncode:
            raise PullError(f"docker {' '.join(words)}: {printable(done.stderr.strip()[-500:])}")


def _options(words: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Compose's own options with their values, then its sub-command with everything behind it."""
    found: list[tuple[str, str]] = []
    left = list(words)
    while left and left[0].startswith("-"):
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if word.startswith("-f") and not word.startswith("--") and len(word) > 2:  # noqa: PLR2004 -- -fFILE
            found.append(("-f", word[2:].removeprefix("=")))
        elif equals:
            found.append((name, value))
        elif name in _VALUED:
            if not left:
                raise UsageError(f"compose: {name} needs a value")
            found.append((name, left.pop(0)))
        else:
            found.append((name, ""))
    return found, left


def _refuse_elsewhere(environ: Mapping[str, str]) -> None:
    """The gate judges this machine: what runs on another one is judged by its name there."""
    address = environ.get("DOCKER_HOST", "")
    if address and not address.startswith("unix:"):
        raise UsageError(f"compose: DOCKER_HOST is {address}: check that host with archscan check --compose --host")
    context = environ.get("DOCKER_CONTEXT", "") or _current_context(environ)
    if context not in ("", "default") and not address:
        raise UsageError(
            f"compose: the Docker context is {context}: check its host with archscan check --compose --host"
        )


def _current_context(environ: Mapping[str, str]) -> str:
    folder = environ.get("DOCKER_CONFIG") or str(Path(environ.get("HOME", ""), ".docker"))
    try:
        found = lenient_json.loads(files.read_bytes(Path(folder, "config.json"), MAX_CLIENT_CONFIG_BYTES))
    except (files.FileError, lenient_json.JsonError):
        return ""
    said = found.get("currentContext") if isinstance(found, dict) else None
    return said if isinstance(said, str) else ""
