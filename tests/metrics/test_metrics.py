import asyncio
import hashlib
import json
import subprocess
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, openmetrics
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse
from prometheus_client.samples import Sample

from scanner.domain.decision import Decision
from scanner.domain.facts import (
    Engine,
    EngineKind,
    EngineState,
    HostFacts,
    Kernel,
    ProbeVersion,
    Source,
    Stage,
    Workload,
)
from scanner.domain.failure import Failure
from scanner.domain.override import Override
from scanner.domain.platform.platform import Platform
from scanner.domain.report import Finding, HostReading, Report
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Verdict
from scanner.metrics import Metrics, watch_loop
from scanner.metrics import families as c
from scanner.metrics.exposition import exposition
from scanner.metrics.fleet_metrics import fleet
from scanner.trail.outside import WORDS, root_of

AMD64 = Platform("linux", "amd64")
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
NASTY = ['{{7*7}} "quoted" \\back\nline', "ümlaut ☃", "", "a,b={}#"]


def a_finding(host="web-1", name="api", reason=Reason.PLATFORM_MISSING, image="app:1", source=Source.DOCKER, **more):
    offered = (Platform("linux", "arm64"), Platform("linux", "arm", "v7"))
    workload = Workload(host, name, source, Stage.RUNNING, image, finished_at=more.pop("finished_at", None))
    return Finding(workload, Verdict(reason, offered=offered), AMD64, **{"first_seen": 50.5, **more})


def a_reading(name="web-1", failed=None):
    if failed:
        return HostReading(name, Failure(failed), last_success_at=40.0)
    engines = (
        Engine(EngineKind.PODMAN, EngineState.DOWN, "9"),
        Engine(EngineKind.DOCKER, EngineState.UP, "28.0", AMD64),
    )
    kernel = Kernel("Linux", "x86_64", platform=AMD64, cpu_level=3)
    facts = HostFacts(name, kernel, engines, probe=ProbeVersion(2, "a" * 64))
    return HostReading(name, facts, {}, 90.0, 90.0)


def a_report(hosts=None, findings=None, at=100.0, complete=True):
    hosts = [a_reading(), a_reading("web-2", Reason.HOST_TIMEOUT)] if hosts is None else hosts
    findings = [a_finding(), a_finding(name="ok", reason=Reason.NATIVE)] if findings is None else findings
    return Report("s", at - 10, at, tuple(hosts), tuple(findings), complete)


def samples(page, parser=parse):
    return {(s.name, *sorted(s.labels.items())): s.value for family in parser(page.decode()) for s in family.samples}


def busy():
    metrics = Metrics("0.1.0")
    metrics.configure(max_findings=500, scan_interval_s=300.0, registries=("registry.example",))
    metrics.scan_ended(complete=False)
    metrics.scan_skipped()
    metrics.first_scanned(7.0)
    metrics.gate_decided(Decision.DENY)
    metrics.registries.request("registry.example", 200, 0.1)
    metrics.registries.rate_limit("docker.io", 42)
    metrics.credential_expires("ssh", 123.0)
    metrics.overrides_in_force([Override("1", "me", "known", 200.0, "r.example/app:1")])
    metrics.config_reloaded(successful=True, at=99.0)
    metrics.inventory_loaded(read=2, not_understood=1, skipped=0)
    metrics.architectures_changed({"web-1": 77.0, "gone": 1.0})
    metrics.http_request("/metrics", 200)
    metrics.loop_lag(-1.0)
    metrics.store_failed()
    metrics.workers.workers(2, 1)
    metrics.trail.trail_failing(failing=False)
    metrics.trail.trail_head("fleet/archscan", 12, bytes(range(32)), 98.0)
    metrics.trail.trail_witnessed("w.example", 12)
    metrics.trail.trail_witnessed("w.example", None)
    metrics.internal_error()
    return metrics


# ---------------------------------------------------------------- the report's series


def test_a_report_becomes_the_documented_series():
    found = samples(busy().render(a_report([a_reading(), a_reading("web-2", Reason.HOST_TIMEOUT)]), None)[1])
    labels = [
        ("host", "web-1"),
        ("image", "app:1"),
        ("reason", "platform_missing"),
        ("stage", "running"),
        ("status", "mismatch"),
        ("workload", "api"),
    ]
    no_fix = [("commands", ""), ("fix", ""), ("repository", ""), ("revision", "")]
    expected = {
        ("archscan_host_up", ("host", "web-1")): 1,
        ("archscan_host_up", ("host", "web-2")): 0,
        ("archscan_host_probe_info", ("host", "web-1"), ("sha256", "a" * 64), ("version", "2")): 1,
        ("archscan_host_labels", ("host", "web-1")): 1,
        ("archscan_host_labels", ("host", "web-2")): 1,
        ("archscan_host_failure", ("host", "web-2"), ("reason", "host_timeout")): 1,
        ("archscan_host_last_success_timestamp_seconds", ("host", "web-1")): 90,
        ("archscan_host_last_success_timestamp_seconds", ("host", "web-2")): 40,
        ("archscan_host_architecture_changed_timestamp_seconds", ("host", "web-1")): 77,
        (
            "archscan_host_info",
            ("cpu_level", "x86-64-v3"),
            ("engine", "docker"),
            ("engine_version", "28.0"),
            ("host", "web-1"),
            ("kernel_machine", "x86_64"),
            ("platform", "linux/amd64"),
        ): 1,
        ("archscan_workloads", ("host", "web-1"), ("stage", "running"), ("status", "mismatch")): 1,
        ("archscan_workloads", ("host", "web-1"), ("stage", "running"), ("status", "ok")): 1,
        ("archscan_workloads_offering", ("host_platform", "linux/amd64"), ("platform", "linux/arm64")): 2,
        ("archscan_finding", *labels): 1,
        ("archscan_finding_first_seen_timestamp_seconds", *labels): 50.5,
        ("archscan_finding_fix_info", *sorted([*no_fix, *labels])): 1,
        ("archscan_findings_dropped",): 0,
        ("archscan_image_platform_info", ("image", "app:1"), ("platform", "linux/arm64")): 1,
        ("archscan_image_platform_info", ("image", "app:1"), ("platform", "linux/arm/v7")): 1,
        ("archscan_scan_last_success_timestamp_seconds",): 100,
        ("archscan_scan_duration_seconds",): 10,
    }
    names = {family.name for family in c.FLEET}
    assert {key: value for key, value in found.items() if key[0] in names} == expected


def test_everything_exposed_is_in_the_catalogue_with_its_labels():
    waived = a_report(
        findings=[
            a_finding(waived_until=500.0, finished_at=45.0, team="web"),
            a_finding(name="unread", reason=Reason.IMAGE_TIMEOUT),
        ]
    )
    promised = {family.name: set(family.labels) for family in (*c.FLEET, *c.OURSELVES)}
    seen = {}
    for family in parse(busy().render(waived, None)[1].decode()):
        for sample in family.samples:
            name = sample.name
            for suffix in ("_bucket", "_sum", "_count"):
                name = name.removesuffix(suffix)
            if not name.startswith(("process_", "python_info")):
                seen[name] = set(sample.labels) - {"le"}
    assert seen == promised


@pytest.mark.parametrize(("accept", "parser"), [(None, parse), (OPENMETRICS, parse_openmetrics)])
def test_a_host_carries_the_labels_of_the_inventory_as_one_family(accept, parser):
    labelled = replace(a_reading("web-2", Reason.HOST_TIMEOUT), labels={"team": 'a"b', "__tier": "1"})
    page = Metrics("0.1.0").render(a_report([a_reading(), labelled, a_reading("web-3")]), accept)[1]
    assert page.count(b"# TYPE archscan_host_labels gauge\n") == 1
    assert {key for key in samples(page, parser) if key[0] == "archscan_host_labels"} == {
        ("archscan_host_labels", ("host", "web-1")),
        ("archscan_host_labels", ("host", "web-2"), ("label___tier", "1"), ("label_team", 'a"b')),
        ("archscan_host_labels", ("host", "web-3")),
    }


def test_offers_are_counted_for_platforms_of_the_fleet_whatever_images_make_up():
    made_up = tuple(Platform("linux", f"cpu{n}") for n in range(50))
    verdict = Verdict(Reason.NATIVE, offered=(AMD64, AMD64, Platform("linux", "arm64"), *made_up))
    found = [replace(a_finding(name=name), verdict=verdict) for name in ("a", "b")]
    found.append(replace(a_finding(name="c"), verdict=verdict, host_platform=None))
    made = fleet(a_report(findings=found), 9, {})
    assert made[c.WORKLOADS_OFFERING] == [
        (("linux/amd64", "linux/amd64"), 2.0),
        (("linux/amd64", "linux/arm64"), 2.0),
    ]


def test_counters_begin_at_zero():
    found = samples(Metrics("0.1.0").render(None, None)[1])
    for family in (c.SCANS, c.SCANS_FAILED, c.SCANS_SKIPPED, c.STORE_ERRORS, c.INTERNAL_ERRORS):
        assert found[(family.name,)] == 0
    for decision in ("allow", "warn", "deny", "hold"):
        assert found[("archscan_gate_decisions_total", ("decision", decision))] == 0
    assert found[("archscan_scan_last_success_timestamp_seconds",)] == 0


def test_events_are_counted():
    found = samples(busy().render(None, None)[1])
    assert found[("archscan_scans_total",)] == 1
    assert found[("archscan_scans_failed_total",)] == 1
    assert found[("archscan_gate_decisions_total", ("decision", "deny"))] == 1
    assert found[("archscan_registry_requests_total", ("code", "200"), ("registry", "registry.example"))] == 1
    assert found[("archscan_registry_rate_limit_remaining", ("registry", "docker.io"))] == 42
    assert found[("archscan_credential_expiry_timestamp_seconds", ("credential", "ssh"))] == 123
    assert found[("archscan_config_last_reload_successful",)] == 1
    assert found[("archscan_config_last_reload_success_timestamp_seconds",)] == 99


def test_a_bad_reload_keeps_the_time_of_the_good_one():
    metrics = busy()
    metrics.config_reloaded(successful=False, at=200.0)
    found = samples(metrics.render(None, None)[1])
    assert found[("archscan_config_last_reload_successful",)] == 0
    assert found[("archscan_config_last_reload_success_timestamp_seconds",)] == 99


def test_a_host_that_vanished_is_gone_at_the_next_scrape():
    metrics = Metrics("0.1.0")
    assert b"web-2" in metrics.render(a_report(), None)[1]
    assert b"web-2" not in metrics.render(a_report([a_reading()]), None)[1]


def test_an_incomplete_report_is_no_success():
    found = samples(Metrics("0.1.0").render(a_report(complete=False), None)[1])
    assert ("archscan_scan_last_success_timestamp_seconds",) not in found


def test_two_samples_never_share_their_labels():
    twins = [a_finding(source=Source.DOCKER), a_finding(source=Source.PODMAN)]
    page = Metrics("0.1.0").render(a_report([a_reading(), a_reading()], twins), None)[1].decode()
    series = [line.rpartition(" ")[0] for line in page.splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series))


def test_findings_beyond_the_limit_are_counted_with_the_gravest_shown():
    many = [a_finding(name=f"w{n}", reason=Reason.HOST_TIMEOUT) for n in range(9)] + [a_finding(name="worst")]
    made = fleet(a_report(findings=many), 3, {})
    assert [labels[1] for labels, _ in made[c.FINDING]] == ["worst", "w0", "w1"]
    assert made[c.FINDINGS_DROPPED] == [((), 7.0)]


def test_a_page_survives_whatever_a_host_is_called():
    hostile = [a_finding(name="\ud800\ufffe", image="é\ud800")]
    metrics = Metrics("0.1.0")
    for accept in (None, OPENMETRICS):
        metrics.render(a_report(findings=hostile), accept)[1].decode()


# ---------------------------------------------------------------- formats


class AsTheLibrarySeesIt:
    """The same samples through the library's own families."""

    def __init__(self, made):
        self.made = made

    def collect(self):
        for family, rows in self.made.items():
            kind = InfoMetricFamily if family.kind == "info" else GaugeMetricFamily
            metric = kind(family.stem, family.help, labels=family.labels)
            metric.samples = [
                Sample(family.name, dict(zip(family.labels, labels, strict=True)), v) for labels, v in rows
            ]
            yield metric


def as_the_library_writes_it(made, is_openmetrics):
    registry = CollectorRegistry()
    registry.register(AsTheLibrarySeesIt(made))
    if is_openmetrics:
        return openmetrics.exposition.generate_latest(registry).removesuffix(b"# EOF\n")
    return generate_latest(registry)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(NASTY)
values = st.floats() | st.integers(-(10**12), 10**12).map(float)


@given(st.lists(st.tuples(st.tuples(text, text, text, text, text, text), values), max_size=4), st.booleans())
def test_the_bytes_are_those_of_the_library(given_samples, is_openmetrics):
    made = {c.FINDING: given_samples, c.HOST_INFO: given_samples, c.FINDINGS_DROPPED: [((), 0.0)]}
    assert exposition(made, openmetrics=is_openmetrics) == as_the_library_writes_it(made, is_openmetrics)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        ("garbage;;;q=,", "text/plain; version=0.0.4"),
        (OPENMETRICS, "application/openmetrics-text"),
        ("text/plain;version=0.0.4;q=0.3,application/openmetrics-text;version=1.0.0", "application/openmetrics-text"),
    ],
)
def test_the_format_is_the_one_asked_for(accept, content_type):
    got, page = busy().render(a_report(), accept)
    assert got.startswith(content_type)
    assert page.endswith(b"# EOF\n") == (content_type == "application/openmetrics-text")


def test_both_formats_say_the_same():
    metrics, report = busy(), a_report(findings=[a_finding(name=name, image="x") for name in NASTY])
    plain = samples(metrics.render(report, None)[1])
    opened = samples(metrics.render(report, OPENMETRICS)[1], parse_openmetrics)
    moving = ("process_", "python_info")
    assert {k: v for k, v in plain.items() if not k[0].startswith(moving)} == {
        k: v for k, v in opened.items() if not k[0].startswith(moving)
    }


def test_promtool_finds_nothing_to_complain_about(require):
    page = busy().render(a_report(findings=[a_finding(waived_until=500.0)]), None)[1]
    checked = subprocess.run(
        [require("promtool", "prometheus"), "check", "metrics"], input=page, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


# ---------------------------------------------------------------- labels from outside


def test_registries_that_are_not_configured_have_no_name():
    metrics = Metrics("0.1.0")
    for n in range(100):
        metrics.registries.request(f"evil{n}.example", 200, 0.1)
        metrics.registries.rate_limit(f"evil{n}.example", 1)
    found = samples(metrics.render(None, None)[1])
    assert found[("archscan_registry_requests_total", ("code", "200"), ("registry", "other"))] == 100
    assert not any(key[0] == "archscan_registry_rate_limit_remaining" for key in found)


@pytest.mark.parametrize("code", ["timeout", "²", -1, 600, 10**30, ""])
def test_codes_that_are_no_http_status_are_errors(code):
    metrics = Metrics("0.1.0")
    metrics.registries.request("docker.io", code, -5.0)
    found = samples(metrics.render(None, None)[1])
    assert found[("archscan_registry_requests_total", ("code", "error"), ("registry", "docker.io"))] == 1


# ---------------------------------------------------------------- the probe's page


def test_a_probe_shows_its_target_only():
    page = busy().render_probe(a_report([a_reading()]), success=True, duration_s=1.5, accept=None)[1]
    found = samples(page)
    assert found[("archscan_probe_success",)] == 1
    assert found[("archscan_probe_duration_seconds",)] == 1.5
    assert found[("archscan_host_up", ("host", "web-1"))] == 1
    assert not any(key[0].startswith(("process_", "archscan_scan")) for key in found)


def test_a_failed_probe_is_a_page_all_the_same():
    content_type, page = busy().render_probe(None, success=False, duration_s=0.5, accept=OPENMETRICS)
    assert samples(page, parse_openmetrics)[("archscan_probe_success",)] == 0
    assert content_type.startswith("application/openmetrics-text")


# ---------------------------------------------------------------- the rest


async def test_the_loop_is_watched(monkeypatch):
    monkeypatch.setattr("scanner.metrics.loop.EVERY_S", 0.001)
    seen = asyncio.get_running_loop().create_future()

    class Watched:
        def loop_lag(self, seconds):
            seen.done() or seen.set_result(seconds)

    task = asyncio.create_task(watch_loop(Watched()))
    assert 0 <= await asyncio.wait_for(seen, 60) < 60
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_the_trail_shows_its_head_in_numbers_that_a_float_holds_exactly():
    metrics = busy()
    root = hashlib.sha256(b"any root").digest()
    metrics.trail.trail_head("fleet/archscan", 13, root, 99.0)
    found = samples(metrics.render(None, None)[1])
    origin = ("origin", "fleet/archscan")
    assert found["archscan_trail_size", origin] == 13
    assert root_of(found["archscan_trail_root", origin, ("word", str(word))] for word in range(WORDS)) == root


def test_nothing_is_shown_of_a_trail_where_there_is_none():
    assert b"archscan_trail" not in Metrics("0.1.0").render(None, None)[1]


def test_help_teaches_in_a_sentence():
    for family in (*c.FLEET, *c.OURSELVES, *c.PROBE):
        assert family.help.endswith(".")
        assert "\n" not in family.help
        assert json.dumps(family.help)[1:-1] == family.help, "no character needs escaping"


@pytest.mark.bench
def test_a_hundred_thousand_series_are_rendered_once_per_report():
    metrics, hosts = Metrics("0.1.0"), [a_reading(f"host-{n}") for n in range(25_000)]
    report = a_report(hosts, [a_finding(f"host-{n}", reason=Reason.NATIVE) for n in range(25_000)])
    for turn in ("first", "again"):
        began = time.perf_counter()
        page = metrics.render(report, None)[1]
        print(turn, page.count(b"\n"), round((time.perf_counter() - began) * 1000), "ms")
    assert page.count(b"\n") > 100_000


def test_only_what_a_scan_should_have_learnt_counts_as_incomplete():
    reasons = (
        Reason.IMAGE_TIMEOUT,
        Reason.SURVEY_PENDING,
        Reason.CRASH_UNEXPLAINED,
        Reason.ENGINE_REFUSED,
        Reason.NATIVE,
    )
    report = a_report(findings=[a_finding(name=str(reason), reason=reason) for reason in reasons])
    page = busy().render(report, None)[1].decode()
    assert 'archscan_workloads_incomplete{host="web-1"} 1.0' in page
