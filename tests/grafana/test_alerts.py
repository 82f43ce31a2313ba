"""The alert rules in their other forms say what the one source says."""

import json
import re
import subprocess
from pathlib import Path

import _jsonnet
import pytest
import yaml

from grafana import alerts
from scanner.metrics.families import FINDING

ROOT = Path(__file__).parent.parent.parent
SOURCE = alerts.rules()
ALERTS = {rule["alert"]: rule for group in SOURCE["groups"] for rule in group["rules"] if "alert" in rule}
RECORDED = [rule for group in SOURCE["groups"] for rule in group["rules"] if "record" in rule]
PROVISIONED = yaml.load(alerts.PROVISIONED.read_text(), yaml.CSafeLoader)
THEIRS = {rule["title"]: rule for group in PROVISIONED["groups"] for rule in group["rules"]}
MAX_UID_CHARS = 40
"""Grafana refuses longer ones."""


@pytest.mark.parametrize("path", alerts.FILES, ids=lambda path: path.name)
def test_the_committed_file_is_what_the_code_makes(path):
    assert path.read_text() == alerts.written(alerts.FILES[path]())


def test_the_files_are_written_where_they_are_committed(tmp_path, monkeypatch):
    monkeypatch.setattr(alerts, "FILES", {tmp_path / "new" / "rules.yaml": alerts.manifest})
    alerts.main()
    assert yaml.safe_load((tmp_path / "new" / "rules.yaml").read_text()) == alerts.manifest()


# ---------------------------------------------------------------- the Prometheus Operator


def test_the_manifest_holds_the_rules_without_anchors():
    text = alerts.MANIFEST.read_text()
    manifest = yaml.safe_load(text)
    assert (manifest["apiVersion"], manifest["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert manifest["spec"] == SOURCE
    assert not re.search(r":\s[*&]\w", text)


def test_prometheus_accepts_the_manifest_s_rules(require, tmp_path):
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump(yaml.safe_load(alerts.MANIFEST.read_text())["spec"]))
    checked = subprocess.run(
        [require("promtool", "prometheus"), "check", "rules", file], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


# ---------------------------------------------------------------- Grafana


def test_grafana_has_every_alert():
    assert set(THEIRS) == set(ALERTS)
    uids = [rule["uid"] for rule in THEIRS.values()]
    assert len(set(uids)) == len(uids)
    assert all(re.fullmatch(r"[a-z0-9_-]+", uid) and len(uid) <= MAX_UID_CHARS for uid in uids)


@pytest.mark.parametrize("name", ALERTS)
def test_a_grafana_alert_waits_as_long_with_the_same_labels(name):
    ours, theirs = ALERTS[name], THEIRS[name]
    assert theirs["for"] == ours["for"]
    assert theirs["labels"] == ours["labels"]
    assert set(theirs["annotations"]) == set(ours["annotations"])
    assert (theirs["noDataState"], theirs["execErrState"]) == ("OK", "Error")


@pytest.mark.parametrize("name", ALERTS)
def test_a_grafana_alert_asks_only_what_archscan_exposes(name):
    query, condition = THEIRS[name]["data"]
    assert "archscan:" not in query["model"]["expr"]
    assert query["datasourceUid"] == query["model"]["datasource"]["uid"] == alerts.DATASOURCE
    assert condition["refId"] == THEIRS[name]["condition"]
    assert condition["model"]["expression"] == f"is_number(${{{query['refId']}}})"


@pytest.mark.parametrize("name", ALERTS)
def test_a_grafana_alert_s_words_fit_grafana(name):
    for text in THEIRS[name]["annotations"].values():
        assert not re.search(r"\$value\b", text)
        assert not re.search(r"\$\{|\$\$", text), (
            "neither the environment's, nor escaped: annotations are taken as they are"
        )
        assert "grafana.example" not in text
    assert THEIRS[name]["annotations"]["dashboard_url"].startswith("{{ externalURL }}d/archscan-")


def test_dollars_are_escaped_where_grafana_looks_for_the_environment():
    rule = {"alert": "A", "expr": "up", "for": "0s", "labels": {"team": "{{ $labels.team }}"}, "annotations": {}}
    assert alerts._rule(rule, [])["labels"] == {"team": "{{ $$labels.team }}"}


def test_a_recorded_series_becomes_what_it_records_with_its_matchers():
    recorded = [
        {"record": "archscan:a:b", "expr": f"{FINDING.name} unless x"},
        {"record": "archscan:c:d", "expr": "archscan:a:b * 2", "labels": {"part": "one"}},
        {"record": "archscan:c:d", "expr": "3", "labels": {"part": "two"}},
    ]
    assert alerts.expanded('archscan:a:b{host="h"} == 1', recorded) == f'({FINDING.name}{{host="h"}} unless x) == 1'
    assert alerts.expanded("archscan:c:d < 1", recorded) == (
        f'(label_replace (({FINDING.name} unless x) * 2, "part", "one", "", "") or '
        'label_replace (3, "part", "two", "", "")) < 1'
    )


def test_a_matcher_that_cannot_be_pushed_down_is_refused():
    recorded = [{"record": "archscan:a:b", "expr": FINDING.name}]
    with pytest.raises(ValueError, match="registry"):
        alerts.expanded('archscan:a:b{registry="r"}', recorded)


# ---------------------------------------------------------------- Jsonnet


def evaluated(expression):
    library = str(ROOT / "config" / "mixin" / "mixin.libsonnet")
    return json.loads(_jsonnet.evaluate_snippet("test", f"local mixin = import '{library}'; {expression}"))


def test_the_mixin_holds_every_rule_once():
    made = [evaluated("mixin.prometheusRules"), evaluated("mixin.prometheusAlerts")]
    groups = [group for part in made for group in part["groups"]]
    assert len({group["name"] for group in groups}) == len(groups)
    rules = [rule for group in groups for rule in group["rules"]]
    everything = [rule for group in SOURCE["groups"] for rule in group["rules"]]
    assert sorted(map(json.dumps, rules)) == sorted(json.dumps(rule, sort_keys=True) for rule in everything)


def test_the_mixin_holds_every_dashboard():
    committed = {path.name: json.loads(path.read_text()) for path in (ROOT / "grafana" / "dashboards").glob("*.json")}
    assert evaluated("mixin.grafanaDashboards") == committed


def test_the_mixin_s_alerts_link_to_the_grafana_that_is_named():
    made = evaluated("(mixin { _config+:: { grafanaUrl: 'https://graphs.example' } }).prometheusAlerts")
    for group in made["groups"]:
        for rule in group["rules"]:
            assert rule["annotations"]["dashboard_url"].startswith("https://graphs.example/d/archscan-")
