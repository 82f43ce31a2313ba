"""The page for the first five minutes, typed: the demonstration goes on while its questions are asked."""

from __future__ import annotations

import contextlib
import re
import shlex
from pathlib import Path

import pytest

from scanner import cli
from scanner.app.main import _operations
from tests.real import command
from tests.real.process import free_port, listens

PAGE = (Path(__file__).parents[2] / "docs" / "start.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"^\| .* \| `(archscan .*)` \|$", PAGE, re.MULTILINE)
MEANT = {"ghcr.io/acme/agent:7": "{registry}/legacy/report:5", "agent": "report"}
"""What stands for the page's names in the fleet of the demonstration."""


@pytest.fixture
def demonstration(commands, tmp_path, monkeypatch):
    """The demonstration as a server, in a folder of its own; where its registry is."""
    port = free_port()
    (demo,) = re.findall(r"^(archscan demo)\b", PAGE, re.MULTILINE)
    running = command.daemon(
        *shlex.split(demo)[1:], "--port", port, folder=tmp_path,
        ready=lambda: listens(port) and "legacy/report" in (tmp_path / "archscan.log").read_text(),
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHSCAN_SERVER", f"http://127.0.0.1:{port}")
    yield tmp_path / "archscan.log"
    with contextlib.suppress(ProcessLookupError):
        running.stop()


def typed(capsys, line):
    """How a line ended, what it printed."""
    code = cli.run(_operations, lambda: "0", shlex.split(line)[1:])
    said = capsys.readouterr()
    assert said.err == "" or code in {0, 1, 3}, said.err
    return code, said.out


def test_each_question_of_the_page_is_answered_by_its_line(demonstration, capsys, monkeypatch):
    assert len(QUESTIONS) == 7
    _, report = typed(capsys, "archscan scan --format json")
    Path("report.json").write_text(report)
    registry = re.search(r'"image":\s*"([\d.:]+)/legacy/report:5"', report)[1]
    answers = {}
    for line in QUESTIONS:
        meant = line
        for name, instead in MEANT.items():
            meant = re.sub(rf"(?<![\w/]){re.escape(name)}(?!\w)", instead.format(registry=registry), meant)
        answers[line.split()[1]] = typed(capsys, meant)
    assert {name: code for name, (code, _) in answers.items()} == {
        "findings": 1, "why": 1, "image": 1, "readiness": 1, "check": 1, "scan": 1,
    }  # fmt: skip
    assert [name for name, (_, out) in answers.items() if not out.strip()] == []
