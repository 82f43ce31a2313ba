"""Asks Prometheus what the files of ``target_files`` name; ``python -m tests.inventory.record_target_files``."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.inventory.target_files import EVERY

ANSWERS = Path(__file__).parent.parent / "data" / "target_files" / "prometheus.json"
LISTEN = "127.0.0.1:19098"
READ_WITHIN_S = 8
"""Prometheus hands on what it discovers every five seconds."""


def _answers(folder: Path) -> list[list[list[Any]] | None]:
    jobs = []
    for number, (ending, text) in enumerate(EVERY):
        (folder / f"{number}{ending}").write_text(text)
        drop = {"action": "drop", "regex": ".*", "source_labels": ["__address__"]}
        found = [{"files": [f"{folder}/{number}{ending}"]}]
        jobs.append({"job_name": str(number), "file_sd_configs": found, "relabel_configs": [drop]})
    (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": jobs}))
    argv = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([*argv, f"--web.listen-address={LISTEN}"], stderr=log) as one,
    ):
        time.sleep(READ_WITHIN_S)
        with urllib.request.urlopen(f"http://{LISTEN}/api/v1/targets?state=dropped") as answer:
            dropped = json.load(answer)["data"]["droppedTargets"]
        one.terminate()
    refused = set(re.findall(rf"{folder}/([0-9]+)\..*err=", (folder / "log").read_text()))
    answers: list[list[list[Any]] | None] = [None if str(n) in refused else [] for n in range(len(EVERY))]
    for labels in (target["discoveredLabels"] for target in dropped):
        own = {name: value for name, value in labels.items() if not name.startswith("__") and name != "job"}
        of_file = answers[int(labels["job"])]
        if of_file is not None and [labels["__address__"], own] not in of_file:
            of_file.append([labels["__address__"], own])
    return [None if answer is None else sorted(answer, key=str) for answer in answers]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        answers = _answers(Path(folder))
    ANSWERS.write_text(json.dumps(answers, indent=0) + "\n")
    print(sum(answer is None for answer in answers), "refused of", len(answers))


if __name__ == "__main__":
    main()
