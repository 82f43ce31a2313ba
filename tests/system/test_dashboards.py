"""Every question that Grafana asks, answered by a real Prometheus that scraped our real page."""

import contextlib
import itertools
import json
import re
import time
import urllib.error
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from grafana import alerts
from scanner.domain.decision import Decision
from scanner.domain.facts import ProbeVersion, Source, Stage, Workload
from scanner.domain.failure import Failure
from scanner.domain.override import Override
from scanner.domain.report import Finding, HostReading, Report
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Fix, Verdict
from scanner.metrics import Metrics
from scanner.metrics.families import FLEET, OURSELVES
from tests import builders
from tests.builders import AMD64, ARM64, ARM_V7
from tests.real.process import until
from tests.real.scraped import scraped

pytestmark = pytest.mark.system

ROOT = Path(__file__).parent.parent.parent
RULES = ROOT / "config" / "prometheus" / "rules" / "archscan.yml"
DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "grafana/dashboards").glob("*.json"))}
PROVISIONED = yaml.load((ROOT / "grafana/provisioning/alerting/archscan.yml").read_text(), yaml.CSafeLoader)
OFFERED = {
    "registry.example:5000/shop/api:1.4": (AMD64,),
    "nginx:1.25": (AMD64, ARM64),
    "localhost/ci/build@sha256:0a": (ARM_V7,),
    "redis:7": (AMD64, ARM64, ARM_V7),
}
DAY_S = 86_400
TEAMS = {"web-1": "web", "edge-1": "edge"}
"""Who answers for what runs there: as nobody is named for single images, the hosts' own team."""
WINDOWS = {"$__rate_interval": "5s", "$__range": "1m"}


# ---------------------------------------------------------------- what is scraped


def a_reading(name, platform, labels, now):
    facts = replace(builders.host_facts(name, platform), probe=ProbeVersion(1, "0" * 64))
    return HostReading(name, facts, labels, now, now - 30)


def a_fleet(now):
    """Hosts of three platforms, one silent, one with another key; every reason there is, on all stages; half of them crashed."""
    readings = (
        a_reading("web-1", AMD64, {"team": "web", "tier": "front"}, now),
        a_reading("edge-1", ARM64, {"team": "edge"}, now),
        a_reading("pi-1", ARM_V7, {}, now),
        HostReading("web-2", Failure(Reason.HOST_TIMEOUT, "10 s"), {"team": "web"}, now, now - DAY_S),
        HostReading("web-3", Failure(Reason.HOST_KEY_CHANGED, "another"), {"team": "web"}, now),
    )
    homes = itertools.cycle((("web-1", AMD64), ("edge-1", ARM64), ("pi-1", ARM_V7)))
    images = itertools.cycle(OFFERED)
    stages = itertools.cycle(Stage)
    findings = tuple(
        Finding(
            Workload(
                host,
                f"workload-{number}",
                Source.DOCKER,
                stage,
                image,
                finished_at=now - 60 if number % 2 else None,
            ),
            Verdict(reason, offered=OFFERED[image], fix=Fix("Take another image.", (f"docker pull {image}",))),
            platform,
            now - number * 3600,
            now + DAY_S if number % 7 == 0 else None,
            TEAMS.get(host, ""),
        )
        for number, (reason, (host, platform), image, stage) in enumerate(
            zip([*Reason, Reason.NATIVE, Reason.NATIVE], homes, images, stages, strict=False)
        )
    )
    return Report("s", now - 20, now, readings, findings)


def something_happened(metrics):
    """Once per scrape, so that counters move."""
    metrics.scan_ended(complete=True)
    metrics.registries.request("docker.io", 503, 0.2)
    metrics.registries.rate_limit("docker.io", 7)
    metrics.gate_decided(Decision.DENY)
    metrics.gate_overridden()
    metrics.gate_failed_open()
    metrics.rollback_ended("done")
    metrics.rollbacks_pending(1)
    metrics.http_request("/metrics", 200)
    metrics.loop_lag(0.01)
    metrics.store_failed()
    metrics.workers.workers(2, 1)
    metrics.workers.worker_lost(5)
    metrics.trail.trail_failing(failing=False)
    metrics.trail.trail_head("fleet/archscan", 12, bytes(range(32)), time.time())
    metrics.trail.trail_witnessed("w.example", 12)
    metrics.trail.trail_witnessed("silent.example", None)
    metrics.scan_skipped()


def an_archscan(now):
    metrics = Metrics("0.1.0")
    metrics.configure(max_findings=500, scan_interval_s=10, registries=())
    metrics.config_reloaded(successful=True, at=now - 60)
    metrics.first_scanned(now - 3 * DAY_S)
    metrics.inventory_loaded(read=5, not_understood=1, skipped=2)
    metrics.credential_expires("host certificate", now + 3 * DAY_S)
    metrics.architectures_changed({"edge-1": now - 600})
    metrics.overrides_in_force((Override("1", "ada", "tonight", now + DAY_S, "nginx:1.25", "web-1"),))
    return metrics


def _serve():
    """``serve(render)``: the page that ``render(accept)`` makes at each scrape; returns the address."""
    with contextlib.ExitStack() as stack:
        yield lambda render: stack.enter_context(scraped(render))


serve = pytest.fixture(_serve, name="serve")
lasting_serve = pytest.fixture(_serve, name="lasting_serve", scope="module")


@pytest.fixture(scope="module")
def busy(lasting_serve, lasting_prometheus):
    """A Prometheus that has scraped a fleet with everything in it, for long enough for rates."""
    now = time.time()
    metrics, report = an_archscan(now), a_fleet(now)

    def render(accept):
        something_happened(metrics)
        return metrics.render(report, accept)

    server = lasting_prometheus(rules=[RULES], targets=[lasting_serve(render)])
    server.wait_for("sum (count_over_time (archscan_scans_total[1m])) > 4")
    for rule in every_rule(server):
        if rule["type"] == "recording":
            server.wait_for(rule["name"])
    return server


# ---------------------------------------------------------------- what Grafana does


def ask(server, expression):
    try:
        return server.query(expression)
    except urllib.error.HTTPError as refused:
        raise AssertionError(f"{expression}\n{refused.read().decode()}") from refused


def options(server, query, chosen):
    """What ``label_values(series, label)`` lists."""
    series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()
    return [value for value in server.get(f"label/{label}/values", **{"match[]": filled(series, chosen)}) if value]


def filled(text, chosen):
    """The text with variables as Grafana fills them in."""
    for name, value in {**WINDOWS, **{f"${name}": value for name, value in chosen.items()}}.items():
        text = text.replace(name, value)
    assert not re.search(r"\$(?!\d)", text), text
    return text


def choices(server, document):
    """All on "All"; where exactly one value is chosen, once for each of them."""
    chosen, one_of = {}, {}
    for variable in document["templating"]["list"]:
        if variable["type"] == "query":
            values = options(server, variable["query"]["query"], chosen)
            assert values, f"the variable {variable['name']} has nothing to choose from"
            chosen[variable["name"]] = ".*" if variable["includeAll"] else values[0]
            if not variable["includeAll"]:
                one_of[variable["name"]] = [value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    for values in itertools.product(*one_of.values()):
        yield {**chosen, **dict(zip(one_of, values, strict=True))}


def questions(document):
    for panel in document["panels"]:
        for target in panel.get("targets", []):
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for annotation in document["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


# ---------------------------------------------------------------- tests


def test_the_scraped_page_has_every_documented_metric(busy):
    for family in (*FLEET, *OURSELVES):
        name = f"{family.name}_bucket" if family.kind == "histogram" else family.name
        if name != "archscan_internal_errors_total":
            assert busy.query(name), name


def test_every_question_of_every_dashboard_is_answered(busy):
    silent = []
    for uid, document in DASHBOARDS.items():
        for where, expression in questions(document):
            if not any(ask(busy, filled(expression, chosen)) for chosen in choices(busy, document)):
                silent.append(f"{uid}: {where}: {expression}")
    assert not silent, "\n".join(silent)


def test_trends_are_drawn_over_a_range(busy):
    drawn = 0
    for document in DASHBOARDS.values():
        chosen = next(choices(busy, document))
        for panel in document["panels"]:
            for target in panel.get("targets", []):
                if target.get("range"):
                    now = time.time()
                    span = {"start": str(now - 20), "end": str(now), "step": "1"}
                    answer = busy.get("query_range", query=filled(target["expr"], chosen), **span)
                    assert answer["resultType"] == "matrix"
                    drawn += len(answer["result"])
    assert drawn > 30


def test_the_fleet_is_split_by_team_registry_reason_and_architecture(busy):
    fleet = {panel["title"]: panel for panel in DASHBOARDS["archscan-fleet"]["panels"]}
    chosen = next(choices(busy, DASHBOARDS["archscan-fleet"]))

    def split(title, label):
        expression = filled(fleet[title]["targets"][0]["expr"], chosen)
        return {labels.get(label): value for labels, value in ask(busy, expression)}

    assert set(split("Will not start, by team", "team")) == {"web", "edge", "no team"}
    assert set(split("Will not start, by registry", "registry")) == {"registry.example:5000", "docker.io", "localhost"}
    assert str(Reason.EXEC_FORMAT_ERROR) in split("Findings, by reason", "reason")
    assert split("Hosts by architecture", "platform") == {
        "linux/amd64": 1,
        "linux/arm64": 1,
        "linux/arm/v7": 1,
        "not read": 2,
    }
    numbers = {t["legendFormat"]: t["expr"] for t in fleet["Workloads by status"]["targets"]}
    assert list(numbers) == ["broken", "mismatch", "unknown", "degraded", "emulated", "ok"]
    counted = {status: ask(busy, filled(expression, chosen))[0][1] for status, expression in numbers.items()}
    assert counted == {labels["status"]: value for labels, value in ask(busy, "archscan:workloads:sum")}
    assert split("Hosts that were read", None) == {None: 0.6}
    assert 0 < split("Could move to arm64", None)[None] < 1


@pytest.mark.parametrize(
    ("team", "hosts"), [("web", {"web-1"}), ("(web|edge)", {"web-1", "edge-1"}), ("no team", {"pi-1"}), ("we", set())]
)
def test_a_chosen_team_hides_the_others(busy, team, hosts):
    fleet = DASHBOARDS["archscan-fleet"]
    chosen = next(choices(busy, fleet)) | {"team": team}
    table = next(panel for panel in fleet["panels"] if panel["title"] == "Findings")
    rows = ask(busy, filled(table["targets"][0]["expr"], chosen))
    assert {labels["host"] for labels, _ in rows} == hosts


def test_the_table_of_findings_has_the_columns_it_shows(busy):
    fleet = DASHBOARDS["archscan-fleet"]
    chosen = next(choices(busy, fleet))
    table = next(panel for panel in fleet["panels"] if panel["title"] == "Findings")
    names = next(t for t in table["transformations"] if t["id"] == "filterFieldsByName")["options"]["include"]["names"]
    rows = ask(busy, filled(table["targets"][0]["expr"], chosen))
    assert {name for name in names if not name.startswith("Value")} <= set(rows[0][0])
    assert all(labels["meaning"] == labels["reason"] for labels, _ in rows)


def test_nothing_is_an_error_on_a_fresh_install(serve, prometheus):
    metrics = Metrics("0.1.0")
    metrics.configure(max_findings=500, scan_interval_s=300)
    server = prometheus(rules=[RULES], targets=[serve(lambda accept: metrics.render(None, accept))])
    server.wait_for("archscan_build_info")
    numbers = 0
    for document in DASHBOARDS.values():
        named = {v["name"]: ".*" if v.get("includeAll") else "" for v in document["templating"]["list"]}
        for panel in document["panels"]:
            for target in panel.get("targets", []):
                found = ask(server, filled(target["expr"], named))
                if panel["type"] == "stat" and panel["fieldConfig"]["defaults"]["noValue"] == "0":
                    numbers += 1
                    assert found, f"{panel['title']}: {target['expr']}"
    assert numbers > 10


def test_a_second_archscan_does_not_break_a_join(serve, prometheus):
    now = time.time()
    metrics, report = an_archscan(now), a_fleet(now)
    pages = [serve(lambda accept: metrics.render(report, accept)) for _ in range(2)]
    server = prometheus(rules=[RULES], targets=pages)
    server.wait_for("count (archscan_build_info) == 2")
    for document in DASHBOARDS.values():
        for chosen in choices(server, document):
            for _, expression in questions(document):
                ask(server, filled(expression, chosen))
    until(lambda: all(rule["health"] != "unknown" for rule in every_rule(server)), "every rule was evaluated")
    assert {rule["name"]: rule.get("lastError") for rule in every_rule(server) if rule["health"] != "ok"} == {}


def every_rule(server):
    return [rule for group in server.get("rules")["groups"] for rule in group["rules"]]


def test_grafana_s_alerts_ask_the_same_as_prometheus_rules(busy):
    ours = {rule["alert"]: rule for group in alerts.rules()["groups"] for rule in group["rules"] if "alert" in rule}
    theirs = {rule["title"]: rule for group in PROVISIONED["groups"] for rule in group["rules"]}
    assert set(ours) == set(theirs)

    def found(expression):
        return {frozenset({**labels, "__name__": ""}.items()) for labels, _ in ask(busy, expression)}

    firing = set()
    for name, rule in ours.items():
        expression = theirs[name]["data"][0]["model"]["expr"]
        assert found(expression) == found(rule["expr"]), name
        if found(expression):
            firing.add(name)
    assert len(firing) >= 12, firing


def test_every_alert_and_recorded_series_of_the_rules_is_evaluated(busy):
    until(lambda: all(rule["health"] != "unknown" for rule in every_rule(busy)), "every rule was evaluated")
    assert {rule["name"]: rule.get("lastError") for rule in every_rule(busy) if rule["health"] != "ok"} == {}
    recorded = {rule["name"] for rule in every_rule(busy) if rule["type"] == "recording"}
    assert {name for name in recorded if not busy.query(name)} == set()
    assert {labels["team"] for labels, _ in busy.query('ALERTS{team!=""}')} == {"web", "edge"}


def test_a_waived_finding_is_shown_until_when(busy):
    fleet = DASHBOARDS["archscan-fleet"]
    table = next(panel for panel in fleet["panels"] if panel["title"] == "Findings")
    rows = ask(busy, filled(table["targets"][1]["expr"], next(choices(busy, fleet))))
    assert rows
    assert all(value > time.time() * 1000 for _, value in rows)


def test_a_finding_that_crashed_is_shown_when(busy):
    fleet = DASHBOARDS["archscan-fleet"]
    table = next(panel for panel in fleet["panels"] if panel["title"] == "Findings")
    rows = ask(busy, filled(table["targets"][2]["expr"], next(choices(busy, fleet))))
    assert rows
    assert {labels["stage"] for labels, _ in rows} == {"running"}
    assert all(0 < time.time() * 1000 - value < DAY_S * 1000 for _, value in rows)


def test_a_report_of_two_reasons_is_enough_to_see_who_is_hit(serve, prometheus):
    now = time.time()
    whole = a_fleet(now)
    few = replace(whole, findings=tuple(f for f in whole.findings if f.verdict.reason is Reason.PLATFORM_MISSING))
    metrics = an_archscan(now)
    server = prometheus(targets=[serve(lambda accept: metrics.render(few, accept))])
    server.wait_for("archscan_finding")
    image = DASHBOARDS["archscan-image"]
    chosen = next(choices(server, image))
    panel = next(p for p in image["panels"] if p["title"] == "Hosts on which it will not start")
    assert [value for _, value in ask(server, filled(panel["targets"][0]["expr"], chosen))] == [1.0]
