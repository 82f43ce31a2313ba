"""The commands of pages about the gate, typed against one that listens."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import pytest

from tests.hooks.conftest import OPERATOR
from tests.real import command

pytestmark = pytest.mark.usefixtures("commands")

DOCS = Path(__file__).parents[2] / "docs"
SCANNED = """
ask() { curl --silent --fail --header "Authorization: Bearer $(cat token)" --header 'Content-Type: application/json' "$@"; }
scan=$(ask --data '{}' http://127.0.0.1:9719/api/v1/scans | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
ask "http://127.0.0.1:9719/api/v1/scans/$scan/events" >/dev/null
"""
"""Has everything scanned, waits for its end."""
IMAGE, PIN = "r.example/app:1", f"r.example/app@sha256:{'f' * 64}\n"


def blocks(page, word):
    """The shell blocks of a page that have a word."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [block for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if word in block]


@pytest.fixture
def typed(asked):
    """Types a block as it stands, but for what every reader puts in: address, image, host."""
    (asked.bin / "archscan").write_text(command.script_of(command._addresses[-1]))
    (asked.bin / "archscan").chmod(0o755)
    (asked.folder / "operator-token").write_text(OPERATOR)
    (asked.folder / "operator-token").chmod(0o600)
    asked.token.chmod(0o600)
    tomorrow = dt.datetime.fromtimestamp(asked.environment.clock() + 86400, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    own = {
        "https://archscan.example": asked.url, "http://127.0.0.1:9719": asked.url, "'web-*'": "a", "env=prod": "a",
        "registry.example/shop/api:1.4": IMAGE, "2026-11-28T06:00:00Z": tomorrow,
    }  # fmt: skip

    async def run(block):
        for told, mine in own.items():
            block = block.replace(told, mine)
        return await asked.run("sh", "-ec", block, IMAGE=IMAGE)

    return run


async def test_a_running_archscan_is_asked_as_the_page_of_pipelines_says(typed):
    (block,) = blocks("ci.md", "export ARCHSCAN_SERVER")
    code, out, err = await typed(block)
    assert (code, "decision: allow" in out) == (0, True), err


async def test_findings_are_got_as_the_page_of_the_api_says(typed):
    (block,) = blocks("api.md", "curl")
    code, out, err = await typed(f"cp operator-token token; {SCANNED}\n{block}")
    assert (code, {"findings", "total", "next_cursor"} <= json.loads(out).keys()) == (0, True), (out, err)


async def test_a_machine_without_archscan_asks_as_the_page_of_pipelines_says(typed):
    (block,) = blocks("ci.md", "gate-snippet")
    code, out, err = await typed(block.replace("linux/arm64", "linux/amd64"))
    assert (code, out) == (0, PIN), err


async def test_the_gate_is_asked_over_http_then_overridden_as_its_page_says(typed):
    checked, overridden = (blocks("gate.md", word)[0] for word in ("/api/v1/check", "overrides add"))
    code, out, err = await typed(checked)
    assert (code, json.loads(out)["decision"]) == (0, "allow"), err
    code, out, err = await typed(overridden)
    assert (code, out.count(f"\tshop\timage={IMAGE}\tneeded tonight\n")) == (0, 2), err
