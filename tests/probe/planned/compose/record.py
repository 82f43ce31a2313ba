"""Asks two versions of Compose what the projects of the table are; ``python -m tests.probe.planned.compose.record``.

Needs the roots of ``tests.real.roots``, whose plug-ins run on any Linux: reading files takes no engine.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.probe.planned.compose.table import FOLDER, VERSIONS, cases, told
from tests.real.roots import cache_folder

PLUGIN = "usr/libexec/docker/cli-plugins/docker-compose"


def main() -> None:
    for version, suite in VERSIONS.items():
        answers = {}
        with tempfile.TemporaryDirectory() as made:
            for case in cases():
                folder = Path(made) / case.name
                folder.mkdir()
                case.write(folder)
                answers[case.name] = told("env", cache_folder() / suite / PLUGIN, folder, case)
        lines = ",\n".join(
            f"{json.dumps(name)}: {json.dumps(answer, sort_keys=True)}" for name, answer in answers.items()
        )
        (FOLDER / f"compose-{version}.json").write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    main()
