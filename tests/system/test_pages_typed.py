"""Pages that put files into a machine, typed by its root; what systemd would be asked then is left out."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
RELOADS = re.compile(r"^systemctl .*\n", re.MULTILINE)


def typed(page, until=""):
    """The shell blocks of a page, up to a heading."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    before = text.partition(until)[0] if until else text
    return RELOADS.sub("", "".join(re.findall(r"```sh\n(.*?)```", before, re.DOTALL)))


@pytest.fixture(scope="module")
def machine(start_machine, require):
    """A machine with Prometheus, Alertmanager, archscan's account; its Python has what this one has."""
    for program, package in (("promtool", "prometheus"), ("amtool", "prometheus-alertmanager"), ("openssl", "openssl")):
        require(program, package)
    made = start_machine("127.0.0.8")
    made.type("id archscan >/dev/null 2>&1 || useradd --system archscan")

    def run(script):
        return made.type(f"PATH={Path(sys.executable).parent}:$PATH; cd {shlex.quote(str(ROOT))}\n{script}")

    return run


def test_prometheus_and_alertmanager_get_their_files_as_the_page_says(machine):
    page = typed("alerting.md", "Send one to try it")
    assert page.count("install ") > 6
    machine(page)
    shown = machine(
        "promtool check config /etc/prometheus/prometheus.yml; amtool check-config /etc/prometheus/alertmanager.yml;"
        "ls /etc/prometheus/*.~1~; stat -c '%U:%G %a' /etc/archscan/prometheus-token /etc/prometheus/archscan.token;"
        "grep -A 1 '^    authorization:' /etc/prometheus/prometheus.yml;"
        "amtool config routes test --config.file=/etc/prometheus/alertmanager.yml severity=critical team=web image=x"
    )
    for expected in (
        "alertmanager.yml.~1~", "prometheus.yml.~1~", "root:archscan 640", "root:prometheus 640",
        "credentials_file: /etc/prometheus/archscan.token", "page-web",
    ):  # fmt: skip
        assert expected in shown


def test_grafana_gets_its_files_as_the_page_says(machine):
    machine(typed("grafana.md"))
    shown = machine("ls /var/lib/grafana/dashboards/archscan; ls /etc/grafana/provisioning/*/")
    dashboards = {path.name for path in (ROOT / "grafana" / "dashboards").glob("*.json")}
    assert {*dashboards, "archscan.yml"} <= set(shown.split())
    linked = machine("cat /var/lib/grafana/dashboards/archscan/archscan-fleet.json")
    assert ("https://archscan.example" in linked, "http://127.0.0.1:9719" in linked) == (True, False)
