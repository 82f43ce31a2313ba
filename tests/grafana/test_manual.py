"""The pages on Grafana and alerting name what exists; the commands they show are accepted by the real programs."""

import re
import shlex
from pathlib import Path

import pytest

from tests.real.process import run

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = {name: (DOCS / name).read_text() for name in ("grafana.md", "alerting.md")}


@pytest.mark.parametrize("name", PAGES)
def test_links_of_the_page_lead_somewhere(name):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", PAGES[name]):
        assert (DOCS / target).exists(), target


@pytest.mark.parametrize("name", PAGES)
def test_files_that_the_page_names_exist(name):
    named = re.findall(r"(?<![\w./])(?:config|grafana|docs)/[\w./*-]*\w", re.sub(r"\]\([^)]*\)", "", PAGES[name]))
    assert named
    for path in named:
        assert list(ROOT.glob(path)), path


def test_every_dashboard_is_on_the_page():
    shown = set(re.findall(r"/d/([\w-]+)", PAGES["grafana.md"]))
    assert shown == {path.stem for path in (ROOT / "grafana" / "dashboards").glob("*.json")}


def commands(name, program):
    text = PAGES[name].replace("\\\n", " ")
    return re.findall(rf"^({program} .*)$", text, re.MULTILINE)


@pytest.mark.system
def test_alertmanager_takes_the_commands_of_the_page(require, alertmanager, tmp_path):
    amtool = require("amtool", "prometheus-alertmanager")
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    server = alertmanager(config)
    shown = [line for line in commands("alerting.md", "amtool") if "--alertmanager.url" in line]
    assert len(shown) == 2
    for line in shown:
        run(amtool, *shlex.split(line.replace("http://127.0.0.1:9093", server.url))[1:])
    [alert] = server.alerts()
    assert (alert["labels"]["alertname"], alert["labels"]["team"]) == ("ArchscanMismatchRunning", "web")


@pytest.mark.system
def test_the_routes_of_the_page_are_those_of_the_configuration(require):
    amtool = require("amtool", "prometheus-alertmanager")
    [line] = re.findall(r"`(amtool config routes test [^`]*)`", PAGES["alerting.md"].replace("\n", " "))
    config = ROOT / "config" / "alertmanager" / "alertmanager.yml"
    shown = "--config.file=/etc/prometheus/alertmanager.yml"
    assert shown in line
    words = shlex.split(line.replace(shown, f"--config.file={config}"))[1:]
    assert run(amtool, *words).splitlines()[0] == "page-web"  # a warning may follow
