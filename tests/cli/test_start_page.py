"""The page for the first five minutes, typed: the demonstration goes on while its questions are asked."""

from __future__ import annotations

import re
import shlex
import urllib.request
from pathlib import Path

import pytest

from scanner import cli
from scanner.app.main import _operations
from tests.real import command
from tests.real.process import free_port

PAGE = (Path(__file__).parents[2] / "docs" / "start.md").read_text(encoding="utf-8")
ASKED = PAGE.partition("## Seven questions")[2].partition("\n## ")[0]
QUESTIONS = re.findall(r"^\| .* \| `(archscan .*)` \|$", ASKED, re.MULTILINE)
MEANT = {"ghcr.io/acme/agent:7": "{registry}/legacy/report:5", "agent": "report"}
"""What stands for the page's names in the fleet of the demonstration."""


@pytest.fixture
def demonstration(commands, tmp_path, monkeypatch):
    """The demonstration as a server that has scanned, in a folder of its own."""
    port = free_port()
    (demo,) = re.findall(r"^(archscan demo)\b", PAGE, re.MULTILINE)
    running = command.daemon(
        *shlex.split(demo)[1:], "--port", port, folder=tmp_path,
        ready=lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=10).close() is None,
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHSCAN_SERVER", f"http://127.0.0.1:{port}")
    yield
    running.stop()


def meant(line, registry):
    """A line of the page, of what there is here."""
    for name, instead in MEANT.items():
        line = re.sub(rf"(?<![\w/]){re.escape(name)}(?!\w)", instead.format(registry=registry), line)
    return line


def typed(capsys, line):
    """How a line ended, what it printed, what it said."""
    code = cli.run(_operations, lambda: "0", shlex.split(line)[1:])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.usefixtures("demonstration")
def test_each_question_of_the_page_is_answered_by_its_line(capsys):
    assert len(QUESTIONS) == 7
    _, report, _ = typed(capsys, "archscan findings --format json --all")
    Path("report.json").write_text(report)
    registry = re.search(r'"image":\s*"([\d.:]+)/legacy/report:5"', report)[1]
    *shown, check, scan = [(line.split()[1], *typed(capsys, meant(line, registry))) for line in QUESTIONS]
    assert [(name, bool(out.strip()), err) for name, _, out, err in shown if not out.strip() or err] == []
    assert [(name, code) for name, code, _, _ in shown] == [
        ("findings", 0), ("why", 1), ("findings", 0), ("image", 1), ("readiness", 1),
    ]  # fmt: skip
    for scope, (_, code, _, refused) in (("gate", check), ("operate", scan)):  # the demonstration has no token for them
        assert (code, f"add one with the scope {scope}" in refused) == (2, True), refused
