"""What each generation of engines made of each kind of image, kept in files so that no engine is needed to judge."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.system.truth.generations import GENERATIONS, Generation
from tests.system.truth.outcomes import Outcome
from tests.system.truth.table import KINDS

FOLDER = Path(__file__).parents[2] / "data" / "outcomes"
MAX_WORDS = 200
"""Characters kept of what an engine said: enough to see why, short enough to read in a diff."""

_VOLATILE = (
    (re.compile(r"127\.0\.0\.1:\d+"), "registry"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "ID"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"/\S*/(pytest-of-\S+|docker/overlay2|overlay-containers|vfs)/\S*"), "PATH"),
    (re.compile(r'time="[^"]*"\s*'), ""),
    (re.compile(r"^(Unable to find image.*|.*: Pulling from.*|ID: .*|Digest: .*|Status: .*|Trying to pull.*|Copying .*|Getting image.*|Writing manifest.*)$\n?", re.MULTILINE), ""),
)  # fmt: skip
"""What differs between two runs of the same thing, or says nothing of it."""


@dataclass(frozen=True)
class Recorded:
    """What became of one kind: ``exit_code`` is ``None`` where the engine made no container."""

    started: bool
    exit_code: int | None
    said: str

    def __str__(self) -> str:
        how = (
            "started" if self.started else f"failed with {'no container' if self.exit_code is None else self.exit_code}"
        )
        return f"{how}: {self.said}" if self.said else how


@dataclass(frozen=True)
class Recording:
    """One generation's answers; ``version`` is its own word, ``host`` what of the machine decided."""

    generation: Generation
    version: str
    host: Mapping[str, Any]
    outcomes: Mapping[str, Recorded]


def recorded(outcome: Outcome) -> Recorded:
    """An outcome without what differs between two runs."""
    said = "" if outcome.started else outcome.state.get("Error") or outcome.said
    for pattern, instead in _VOLATILE:
        said = pattern.sub(instead, said)
    return Recorded(outcome.started, outcome.state.get("ExitCode"), " ".join(said.split())[-MAX_WORDS:])


def path_of(generation: Generation) -> Path:
    """Where a generation's recording is kept."""
    return FOLDER / f"{generation.name}.json"


def load(generation: Generation) -> Recording:
    """The recording of a generation."""
    content = json.loads(path_of(generation).read_text())
    outcomes = {kind: Recorded(**outcome) for kind, outcome in content["outcomes"].items()}
    return Recording(generation, content["version"], content["host"], outcomes)


def save(recording: Recording) -> None:
    """Write it, one kind a line."""
    FOLDER.mkdir(exist_ok=True)
    lines = [
        f"    {json.dumps(kind)}: {json.dumps(vars(outcome))}" for kind, outcome in sorted(recording.outcomes.items())
    ]
    head = f'  "version": {json.dumps(recording.version)},\n  "host": {json.dumps(dict(recording.host))},\n'
    text = "{\n" + head + '  "outcomes": {\n' + ",\n".join(lines) + "\n  }\n}\n"
    half = path_of(recording.generation).with_suffix(".half")
    half.write_text(text)
    half.rename(path_of(recording.generation))


def renew(generation: Generation, version: str, host: Mapping[str, Any], outcomes: Mapping[str, Outcome]) -> None:
    """Put these outcomes in the place of what was recorded of their kinds; those of kinds that are no more go."""
    known = {kind.id for kind in KINDS if generation.engine == "docker" or not kind.overlay}
    before = load(generation).outcomes if path_of(generation).exists() else {}
    kept = {kind: outcome for kind, outcome in before.items() if kind in known}
    found = {kind: recorded(outcome) for kind, outcome in outcomes.items()}
    save(Recording(generation, version, host, {**kept, **found}))


def all_recordings() -> tuple[Recording, ...]:
    """Those that are there, oldest engine first."""
    return tuple(load(generation) for generation in GENERATIONS if path_of(generation).exists())
