"""Prints every kind on which a recorded engine and our verdict disagree: ``python -m tests.system.truth.disagreements``.

With ``--unknown`` those that we say nothing of are listed too, with ``--surveyed`` the verdicts are those of the gate,
which reads all files where a script decides, with ``--pending`` the table of what is not done yet is printed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.system.truth import recordings, table
from tests.system.truth.judged import Judged, judge_all
from tests.system.truth.pending import PENDING

WORDS = {
    "shells": "what this script does is not followed as its shell does it",
    "launchers": "whether this launcher can do what its options say is not weighed",
    "libraries": "single symbols of libraries are not compared",
    "elves": "what this file does once it is mapped is not known",
    "surroundings": "what this engine makes of such a config or root is not weighed",
    "archives": "this engine unpacks such a layer in its own way",
    "documents": "this document is not read as that engine reads it",
    "userlands": "what stands beside argv is not surveyed",
}
"""What is missing, by the module of the table that a kind stands in."""


def _judged(*, surveyed: bool) -> dict[str, list[Judged]]:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(judge_all(recordings.all_recordings(), table.KINDS, Path(folder), surveyed=surveyed))


def _listed(found: Mapping[str, Sequence[Judged]], *, unknown: bool) -> list[str]:
    lines = []
    for kind, judged in found.items():
        lines += [f"{kind} | {each.contradiction}" for each in judged if each.contradiction]
        if unknown:
            lines += [
                f"{kind} | {each.generation}: unknown ({each.verdict.reason}: {each.verdict.detail}); it {each.outcome}"
                for each in judged
                if each.is_unknown
            ]
    return lines


def _pending(found: Mapping[str, Sequence[Judged]]) -> str:
    """The table as it should read now."""
    kept = {}
    for kind, judged in found.items():
        if any(each.contradiction for each in judged):
            module = next(name for name in table.MODULES if kind in {each.id for each in table.MODULES[name].KINDS})
            kept[kind] = PENDING.get(kind) or WORDS.get(module, "this is not judged as the engine has it yet")
    rows = "".join(f"    {json.dumps(kind)}: {json.dumps(words)},\n" for kind, words in sorted(kept.items()))
    return f"PENDING: dict[str, str] = {{\n{rows}}}\n"


def main() -> None:
    """Print what was asked for."""
    found = _judged(surveyed="--surveyed" in sys.argv)
    if "--pending" in sys.argv:
        print(_pending(found), end="")
        return
    lines = _listed(found, unknown="--unknown" in sys.argv)
    judged = [each for kind in found.values() for each in kind]
    print(*lines, sep="\n")
    print(
        f"{len(found)} kinds on {len({each.generation for each in judged})} engines: {len(judged)} verdicts, "
        f"{sum(bool(each.contradiction) for each in judged)} disagree, {sum(each.is_unknown for each in judged)} unknown"
    )


if __name__ == "__main__":
    main()
