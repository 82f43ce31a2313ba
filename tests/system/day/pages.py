"""Whom the day's metrics wake: the shipped alert rules, run by Prometheus' own tool over what each scan exported."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.system.day.fleet import Truth

RULES = Path(__file__).parents[3] / "config" / "prometheus" / "rules" / "archscan.yml"
_SAMPLE = re.compile(r"^(archscan_\w+)(\{.*\})? (\S+)", re.MULTILINE)
STEP_S = 300
EACH_HOUR = 12
"""Steps of an hour."""
LABELS = '{{host="{0}", workload="{1}"}}'


def samples(page: str) -> dict[str, str]:
    """The series that a rule asks for, with their values."""
    asked = set(re.findall(r"archscan_\w+", RULES.read_text()))
    return {f"{name}{labels}": value for name, labels, value in _SAMPLE.findall(page) if name in asked}


def check(promtool: Path, folder: Path, scans: Sequence[dict[str, str]], truths: Sequence[Truth]) -> str:
    """Why the pages of ten minutes after each hourly scan are not those for what is down; empty where they are."""
    names = dict.fromkeys(name for scan in scans for name in scan)
    nothing = ["_"] * EACH_HOUR
    series = [
        {
            "series": name,
            "values": " ".join([*nothing, *(scan.get(name, "_") for scan in scans for _ in range(EACH_HOUR))]),
        }
        for name in names
    ]
    up = {"series": 'up{job="archscan", instance="archscan"}', "values": f"1x{(len(scans) + 1) * EACH_HOUR}"}
    asked = [
        {
            "expr": 'group by (host, workload) (ALERTS{severity="critical", alertstate="firing"})',
            "eval_time": f"{hour * 60 + 10}m",
            "exp_samples": [{"labels": LABELS.format(*each), "value": 1} for each in sorted(truth)],
        }
        for hour, truth in enumerate(truths, 1)
    ]
    test = {"interval": f"{STEP_S}s", "input_series": [*series, up], "promql_expr_test": asked}
    file = folder / "day.yml"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
    done = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, check=False, timeout=300)
    return done.stdout + done.stderr if done.returncode else ""
