"""The alert rules, their routes, the words that reach a person: read by the real programs."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from tests.real.process import until

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]

ROOT = Path(__file__).parent.parent.parent
PROMETHEUS = ROOT / "config" / "prometheus"
ALERTMANAGER = ROOT / "config" / "alertmanager"
RULES = yaml.load((PROMETHEUS / "rules" / "archscan.yml").read_text(), yaml.CSafeLoader)
ALERTS = {rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule}
TEST_FILES = sorted((PROMETHEUS / "rules" / "tests").glob("*.yml"))
TESTS = [test for file in TEST_FILES for test in yaml.load(file.read_text(), yaml.CSafeLoader)["tests"]]
RUNBOOK = "https://github.com/archscan/archscan/blob/main/docs/runbooks/"

ROUTES = [
    ({"alertname": "ArchscanMismatchRunning", "severity": "critical", "image": "a", "team": "web"}, "page-web"),
    ({"alertname": "ArchscanMismatchRunning", "severity": "critical", "image": "a", "team": "edge"}, "page-edge"),
    ({"alertname": "ArchscanMismatchRunning", "severity": "critical", "image": "a"}, "page"),
    ({"alertname": "ArchscanMismatchPlanned", "severity": "warning", "image": "a", "team": "web"}, "web"),
    ({"alertname": "ArchscanPlatformLost", "severity": "warning", "image": "a", "team": "edge"}, "edge"),
    ({"alertname": "ArchscanBrokenEntrypoint", "severity": "warning", "image": "a"}, "platform"),
    ({"alertname": "ArchscanEmulated", "severity": "info", "image": "a", "team": "web"}, "nobody"),
    ({"alertname": "ArchscanHostUnknown", "severity": "warning", "host": "a"}, "platform"),
    ({"alertname": "ArchscanHostKeyChanged", "severity": "critical", "host": "a"}, "page"),
    ({"alertname": "ArchscanHostKeysChanged", "severity": "critical"}, "page"),
    ({"alertname": "ArchscanMismatchStopped", "severity": "warning", "image": "a", "team": "web"}, "web"),
    ({"alertname": "ArchscanFirstScan", "severity": "warning"}, "platform"),
    ({"alertname": "ArchscanDown", "severity": "critical"}, "page"),
    ({"alertname": "ArchscanScanStale", "severity": "critical"}, "page"),
    ({"alertname": "ArchscanRegistryFailing", "severity": "warning", "registry": "a"}, "platform"),
]


def succeeds(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=PROMETHEUS, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_accepts_the_configuration(require):
    succeeds(require("promtool", "prometheus"), "check", "config", PROMETHEUS / "prometheus.yml")


def test_prometheus_accepts_the_rules(require):
    succeeds(require("promtool", "prometheus"), "check", "rules", PROMETHEUS / "rules" / "archscan.yml")


def test_every_rule_does_what_its_test_says(require):
    succeeds(require("promtool", "prometheus"), "test", "rules", *TEST_FILES)


def test_the_rule_tests_can_fail(require, tmp_path):
    (tmp_path / "tests").mkdir()
    rules = (PROMETHEUS / "rules" / "archscan.yml").read_text()
    (tmp_path / "archscan.yml").write_text(rules.replace('status="mismatch", stage="planned"', 'status="mismatch"'))
    content = yaml.load((PROMETHEUS / "rules" / "tests" / "archscan_test.yml").read_text(), yaml.CSafeLoader)
    content["tests"] = [each for each in content["tests"] if each["name"].startswith("ArchscanMismatchPlanned")]
    test = tmp_path / "tests" / "archscan_test.yml"
    test.write_text(json.dumps(content))
    done = subprocess.run(
        [require("promtool", "prometheus"), "test", "rules", test], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "ArchscanMismatchPlanned" in done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_test_in_which_it_fires(alert):
    samples = [s for t in TESTS for e in t.get("promql_expr_test", []) for s in e["exp_samples"] or []]
    assert any(f'alertname="{alert}"' in sample["labels"] for sample in samples)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_to_do_and_where_to_read_on(alert):
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    always = {"summary", "description", "fix", "runbook_url", "dashboard_url"}
    assert set(rule["annotations"]) - {"source"} == always, "source, the code of the image, where there is an image"
    assert rule["annotations"]["runbook_url"] == f"{RUNBOOK}{alert}.md"


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_s_runbook_exists_with_its_four_parts(alert):
    page = (ROOT / "docs" / "runbooks" / f"{alert}.md").read_text()
    assert page.startswith(f"# {alert}\n")
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
    assert "```sh\n" in page.partition("## Diagnosis")[2].partition("## Mitigation")[0]


def test_every_finding_that_is_not_ok_fires_an_alert_whose_runbook_names_its_reason(require, tmp_path):
    found = [reason for reason in Reason if STATUS_OF[reason] not in {Status.OK, Status.UNKNOWN}]
    pages = {page.stem: page.read_text() for page in (ROOT / "docs" / "runbooks").glob("Archscan*.md")}
    series, asked = [], []
    for reason in found:
        named = "|".join(name for name, page in pages.items() if f"`{reason}`" in page)
        labels = f'host="a", workload="w", image="i", status="{STATUS_OF[reason]}", reason="{reason}", stage="planned"'
        series.append({"series": f"archscan_finding{{{labels}}}", "values": "1x30"})
        fires = f'group (ALERTS{{alertname=~"{named}", alertstate="firing", reason="{reason}"}})'
        asked.append({"expr": fires, "eval_time": "26h", "exp_samples": [{"labels": "{}", "value": 1}]})
    test = {"interval": "1h", "input_series": series, "promql_expr_test": asked}
    file = tmp_path / "reasons.yml"
    rules = str(PROMETHEUS / "rules" / "archscan.yml")
    file.write_text(json.dumps({"rule_files": [rules], "evaluation_interval": "1h", "tests": [test]}))
    succeeds(require("promtool", "prometheus"), "test", "rules", file)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_leads_to_a_dashboard_that_has_the_variable_it_sets(alert):
    url = ALERTS[alert]["annotations"]["dashboard_url"]
    name, variable = re.fullmatch(r"https://grafana\.example/d/([\w-]+)(?:\?var-(\w+)=.*)?", url).groups()
    dashboard = json.loads((ROOT / "grafana" / "dashboards" / f"{name}.json").read_text())
    assert dashboard["uid"] == name
    assert variable is None or variable in {each["name"] for each in dashboard["templating"]["list"]}


def test_no_runbook_is_without_its_alert():
    assert {page.stem for page in (ROOT / "docs" / "runbooks").glob("Archscan*.md")} == set(ALERTS)


@pytest.fixture(scope="module")
def amtool(require):
    return require("amtool", "prometheus-alertmanager")


def test_alertmanager_accepts_the_configuration(amtool):
    succeeds(amtool, "check-config", ALERTMANAGER / "alertmanager.yml")


@pytest.mark.parametrize(("labels", "receiver"), ROUTES)
def test_an_alert_goes_to(labels, receiver, amtool):
    words = [f"{name}={value}" for name, value in labels.items()]
    file = ALERTMANAGER / "alertmanager.yml"
    assert succeeds(amtool, "config", "routes", "test", f"--config.file={file}", *words).strip() == receiver


@pytest.fixture
def manager(alertmanager, webhook, tmp_path):
    """The shipped configuration, in a hurry, with all its channels at the webhook."""
    config = yaml.safe_load((ALERTMANAGER / "alertmanager.yml").read_text())
    for receiver in config["receivers"]:
        for channel in receiver.get("slack_configs", []):
            del channel["api_url_file"]
            channel["api_url"] = webhook.url
    config["templates"] = [str(ALERTMANAGER / "templates" / "*.tmpl")]

    def hurry(route):
        route["group_wait"], route["group_interval"] = "2s", "2s"
        for child in route.get("routes", []):
            hurry(child)

    hurry(config["route"])
    file = tmp_path / "alertmanager.yml"
    file.write_text(json.dumps(config))
    return alertmanager(file)


def alert(name, **labels):
    severity = ALERTS[name]["labels"]["severity"]
    annotations = {
        "summary": f"{labels.get('workload', 'it')} on {labels.get('host')} is in trouble",
        "description": "What is wrong.",
        "fix": "docker buildx build --platform linux/amd64",
        "runbook_url": f"{RUNBOOK}{name}.md",
        "dashboard_url": "https://grafana.example/d/x",
    }
    return {"labels": {"alertname": name, "severity": severity, **labels}, "annotations": annotations}


def test_one_bad_image_on_500_hosts_is_one_page_that_says_what_to_type(manager, webhook):
    labels = {"image": "registry.example/shop/api:1.4", "reason": "platform_missing", "workload": "api"}
    manager.post([alert("ArchscanMismatchRunning", host=f"web-{n:03}", **labels) for n in range(500)])
    manager.post([alert("ArchscanDown")])
    pages = webhook.wait_for(2)
    titles = sorted(page["attachments"][0]["title"] for page in pages)
    assert titles == ["it on None is in trouble", "registry.example/shop/api:1.4: platform_missing on 500 workloads"]
    text = next(p["attachments"][0]["text"] for p in pages if "500" in p["attachments"][0]["title"])
    assert text == (
        "What is wrong.\n\nWhere (500 in all):\n"
        + "".join(f"- api on web-{n:03} is in trouble\n" for n in range(10))
        + "- the rest: see the dashboard\n\n"
        "Do: docker buildx build --platform linux/amd64\n"
        f"Runbook: {RUNBOOK}ArchscanMismatchRunning.md\n"
        "Dashboard: https://grafana.example/d/x"
    )
    assert {page["channel"] for page in pages} == {"#on-call"}


SILENCED = [
    (
        "ArchscanHostUnknown",
        {"host": "a", "reason": "host_timeout"},
        "ArchscanMismatchRunning",
        {"host": "a", "image": "i"},
    ),
    ("ArchscanHostKeyChanged", {"host": "a"}, "ArchscanHostArchitectureChanged", {"host": "a"}),
    ("ArchscanRegistryFailing", {"registry": "r"}, "ArchscanPlatformLost", {"registry": "r", "image": "i"}),
    ("ArchscanRegistryFailing", {"registry": "r"}, "ArchscanImagePartlyForeign", {"registry": "r", "image": "i"}),
    ("ArchscanMismatchRunning", {"host": "a", "image": "i"}, "ArchscanMismatchPlanned", {"host": "a", "image": "i"}),
    ("ArchscanDown", {}, "ArchscanScanStale", {}),
]
HEARD = [
    (
        "ArchscanHostUnknown",
        {"host": "a", "reason": "host_timeout"},
        "ArchscanMismatchRunning",
        {"host": "b", "image": "i"},
    ),
    ("ArchscanRegistryFailing", {"registry": "r"}, "ArchscanExecFormatErrorObserved", {"registry": "r", "image": "i"}),
    ("ArchscanRegistryFailing", {"registry": "r"}, "ArchscanPlatformLost", {"registry": "s", "image": "i"}),
]


def test_consequences_are_inhibited_by_their_cause_only(alertmanager, manager):
    for case, (cause, cause_labels, effect, effect_labels) in enumerate([*SILENCED, *HEARD]):
        fresh = {"case": str(case)}
        manager.post([alert(cause, **{k: f"{v}{case}" for k, v in cause_labels.items()} | fresh)])
        manager.post([alert(effect, **{k: f"{v}{case}" for k, v in effect_labels.items()} | fresh)])

    def states():
        held = manager.alerts()
        if any(a["status"]["state"] == "unprocessed" for a in held):
            return None
        return {(a["labels"]["case"], a["labels"]["alertname"]): a["status"]["state"] for a in held}

    found = until(states, "every alert has been looked at")
    for case, (_, _, effect, _) in enumerate([*SILENCED, *HEARD]):
        assert found[str(case), effect] == ("suppressed" if case < len(SILENCED) else "active"), effect


def test_a_real_prometheus_runs_the_rules_without_error(prometheus):
    server = prometheus(rules=[PROMETHEUS / "rules" / "archscan.yml"], targets=["127.0.0.1:1"])

    def groups():
        found = server.get("rules")["groups"]
        return found if all(rule["health"] != "unknown" for group in found for rule in group["rules"]) else None

    health = {
        rule["name"]: rule["health"] for group in until(groups, "every rule was evaluated") for rule in group["rules"]
    }
    assert {name for name, state in health.items() if state != "ok"} == set()
    assert set(ALERTS) <= set(health)
