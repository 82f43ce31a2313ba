"""From a report to a person: our own page, a real Prometheus, a real Alertmanager, the shipped configuration."""

import json
import re
import time
from pathlib import Path

import pytest
import yaml

from scanner.domain.facts import Source, Stage, Workload
from scanner.domain.image.offers import BuiltFrom
from scanner.domain.report import Finding
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Fix, Verdict
from scanner.metrics import Metrics
from scanner.metrics.families import FLEET, OURSELVES
from tests import builders
from tests.builders import AMD64
from tests.real.scraped import scraped

pytestmark = pytest.mark.system

ROOT = Path(__file__).parent.parent.parent
RULES = ROOT / "config" / "prometheus" / "rules" / "archscan.yml"


def finding(host, reason, stage=Stage.RUNNING, image="registry.example:5000/shop/api:1.4"):
    workload = Workload(host, "api", Source.DOCKER, stage, image)
    fix = Fix("The copy is for another CPU: pull it anew.", (f"docker pull --platform linux/amd64 {image}",))
    origin = BuiltFrom("https://git.example/shop/api", "4f1c2d3")
    return Finding(
        workload, Verdict(reason, "made up", fix=fix, built_from=origin), AMD64, first_seen=time.time(), team="web"
    )


@pytest.fixture
def exporter():
    """Serves the real page of a made-up report; returns its address."""
    readings = [builders.reading(name, last_success_at=time.time()) for name in ("web-1", "web-2")]
    readings.append(builders.unread("web-3", Reason.HOST_KEY_CHANGED, "another key"))
    found = (finding("web-1", Reason.EXEC_FORMAT_ERROR), finding("web-2", Reason.EXEC_FORMAT_ERROR))
    report = builders.report(*found, hosts=readings, at=time.time())
    metrics = Metrics("0")
    metrics.configure(max_findings=500, scan_interval_s=300)
    metrics.config_reloaded(successful=True, at=time.time())

    with scraped(lambda accept: metrics.render(report, accept)) as address:
        yield address


def test_an_exec_format_error_on_two_hosts_becomes_one_message_to_its_owner_with_the_command_and_its_sources(
    exporter, prometheus, alertmanager, webhook, tmp_path
):
    config = yaml.safe_load((ROOT / "config" / "alertmanager" / "alertmanager.yml").read_text())
    config["templates"] = [str(ROOT / "config" / "alertmanager" / "templates" / "*.tmpl")]
    for receiver in config["receivers"]:
        for channel in receiver.get("slack_configs", []):
            del channel["api_url_file"]
            channel["api_url"] = webhook.url
    config["route"]["group_wait"] = "3s"
    file = tmp_path / "alertmanager.yml"
    file.write_text(json.dumps(config))
    server = prometheus(rules=[RULES], targets=[exporter], alertmanagers=[alertmanager(file).address])

    assert server.wait_for('up{job="archscan"} == 1')
    heard = webhook.wait_for(2)
    messages = {m["attachments"][0]["title"]: m["attachments"][0]["text"] for m in heard}
    assert set(messages) == {
        "web-3 shows another host key",
        "registry.example:5000/shop/api:1.4: exec_format_error on 2 workloads",
    }
    text = messages["registry.example:5000/shop/api:1.4: exec_format_error on 2 workloads"]
    assert "The copy is for another CPU: pull it anew." in text
    assert "docker pull --platform linux/amd64 registry.example:5000/shop/api:1.4" in text
    assert "Team: web\nBuilt from: https://git.example/shop/api at 4f1c2d3\n" in text
    assert {m["channel"]: m["attachments"][0]["text"] for m in heard}["#web-on-call"] == text
    firing = {alert["labels"]["alertname"] for alert in server.alerts() if alert["state"] == "firing"}
    assert firing == {"ArchscanExecFormatErrorObserved", "ArchscanHostKeyChanged"}


def test_rules_name_only_metrics_that_exist():
    text = RULES.read_text()
    expressions = " ".join(rule["expr"] for group in yaml.safe_load(text)["groups"] for rule in group["rules"])
    used = set(re.findall(r"\barchscan_\w+", expressions))
    assert used
    assert used <= {family.name for family in (*FLEET, *OURSELVES)}
