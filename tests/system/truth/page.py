"""Writes docs/engines.md from what was recorded: ``python -m tests.system.truth.page``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tests.system.truth.recordings import Recorded, Recording, all_recordings
from tests.system.truth.table import MODULES

PAGE = Path(__file__).parents[3] / "docs" / "engines.md"
MAX_SAID = 110
"""Characters of an engine's refusal in a table: its gist, without what follows."""

HEAD = """# Where engines differ

The same image does not end the same way on every engine. archscan's judgement follows the engine, its version and its
image store, as the host told them. Each row below is one kind of image that was really run; `make engines` runs all
{count} kinds again on every engine, records what became of them (`tests/data/outcomes/`) and renews this page.

| engine | version | kinds run |
| --- | --- | --- |
{engines}

{differing} kinds end otherwise on one engine than on another. Those that no engine starts, or that every engine starts,
are not listed.
"""

TITLES = {
    "forms": "What an index offers",
    "artifacts": "Artifacts, and parts that are no image's",
    "documents": "Odd platforms, configs and manifests",
    "commands": "How an image says what is to be run",
    "surroundings": "User, directory, environment",
    "trees": "How layers make a file system",
    "archives": "Odd layers",
    "userlands": "What stands beside the program",
    "binaries": "The program's file",
    "elves": "Odd ELF files",
    "scripts": "Scripts and their first line",
    "shells": "What a shell does",
    "pipes": "Scripts that start programs at once",
    "steps_before": "What a script waits for before its program",
    "values": "What a script finds out before it starts a program",
    "launchers": "What a launcher does",
    "libraries": "What the loader does",
}


def written(recordings: Sequence[Recording]) -> str:
    """The page."""
    sections, differing = [], 0
    for name, module in MODULES.items():
        rows = [row for kind in module.KINDS if (row := _row(kind.id, recordings))]
        differing += len(rows)
        if rows:
            head = f"\n## {TITLES[name]}\n\n| kind of image | starts on | does not start on | because |\n| --- | --- | --- | --- |\n"
            sections.append(head + "\n".join(rows) + "\n")
    engines = "\n".join(f"| {each.generation.name} | {each.version} | {len(each.outcomes)} |" for each in recordings)
    count = sum(len(module.KINDS) for module in MODULES.values())
    return HEAD.format(count=count, engines=engines, differing=differing) + "".join(sections)


def _row(kind: str, recordings: Sequence[Recording]) -> str:
    """A kind on which engines differ; nothing where they agree."""
    outcomes = {each.generation.name: each.outcomes[kind] for each in recordings if kind in each.outcomes}
    started = [name for name, outcome in outcomes.items() if outcome.started]
    failed = [name for name, outcome in outcomes.items() if not outcome.started]
    if not started or not failed:
        return ""
    said = "; ".join(dict.fromkeys(_gist(outcomes[name]) for name in failed))
    return f"| `{kind}` | {_named(started)} | {_named(failed)} | {said} |"


def _named(names: Sequence[str]) -> str:
    return ", ".join(names)


def _gist(outcome: Recorded) -> str:
    """What the engine said, without names and digests, fit for a cell."""
    said = re.sub(r"^.*?(?:docker: |Error: |ctr: )", "", outcome.said)
    said = re.sub(
        r"Error response from daemon: |OCI runtime create failed: |failed to create (?:shim )?task[^:]*: ", "", said
    )
    said = re.sub(r"(?:sha256:)?\b(?:ID|[0-9a-f]{12,64})\b|registry/\S+", "…", said)
    said = re.sub(r"[|`<>]", "'", said).strip()
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in said[:MAX_SAID])
    return shown[:MAX_SAID] or f"exit code {outcome.exit_code}"


def main() -> None:
    """Write it."""
    PAGE.write_text(written(all_recordings()))


if __name__ == "__main__":
    main()
