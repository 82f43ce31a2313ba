import json
from dataclasses import replace

import pytest

from scanner.domain.facts import Binfmt, BinfmtEntry, HostFacts, Kernel, Source, Stage, Workload
from scanner.domain.failure import Failure
from scanner.domain.image.offers import BuiltFrom
from scanner.domain.platform.platform import Platform
from scanner.domain.report import Finding, HostReading, Report
from scanner.domain.report_json import document, facts_document, moment
from scanner.domain.report_reading import report_of
from scanner.domain.verdict.reason import Reason, Status
from scanner.domain.verdict.verdict import Evidence, Fix, Verdict

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64")


def a_report() -> Report:
    facts = HostFacts(
        host="web-1",
        kernel=Kernel(
            "Linux", "x86_64", platform=AMD64, binfmt=Binfmt(True, (BinfmtEntry("q", True, "/q", magic=b"\x7fELF"),))
        ),
    )
    workload = Workload("web-1", "api", Source.DOCKER, Stage.RUNNING, "registry:5000/app:1")
    verdict = Verdict(
        Reason.PLATFORM_MISSING,
        "offers only linux/arm64",
        (Evidence("index", "linux/arm64"),),
        Fix("build for amd64", ("docker buildx build",)),
        (ARM64,),
        "sha256:" + "a" * 64,
    )
    return Report(
        "s1",
        0.0,
        1.5,
        (
            HostReading("web-1", facts, {"team": "web"}, 1.0, 1.0),
            HostReading("web-2", Failure(Reason.HOST_REFUSED, "port 22 refused")),
        ),
        (Finding(workload, verdict, AMD64, 0.5),),
    )


def test_a_report_becomes_the_documented_json():
    made = document(a_report(), "deny")

    assert json.loads(json.dumps(made)) == made
    assert (made["schema"], made["decision"]) == ("archscan/v1", "deny")
    assert made["scan"] == {
        "id": "s1",
        "started_at": "1970-01-01T00:00:00.000Z",
        "finished_at": "1970-01-01T00:00:01.500Z",
        "complete": True,
    }
    assert made["summary"] == {
        "hosts": 2,
        "workloads": 1,
        "ok": 0,
        "emulated": 0,
        "degraded": 0,
        "unknown": 0,
        "mismatch": 1,
        "broken": 0,
    }
    assert made["findings"] == [
        {
            "host": "web-1",
            "workload": "api",
            "source": "docker",
            "stage": "running",
            "image": "registry:5000/app:1",
            "digest": "sha256:" + "a" * 64,
            "status": "mismatch",
            "reason": "platform_missing",
            "detail": "offers only linux/arm64",
            "next_pull": None,
            "pinned": None,
            "pinned_at": None,
            "host_platform": "linux/amd64",
            "offered": ["linux/arm64"],
            "evidence": [{"layer": "index", "says": "linux/arm64"}],
            "fix": {"summary": "build for amd64", "commands": ["docker buildx build"]},
            "first_seen": "1970-01-01T00:00:00.500Z",
            "last_seen": "1970-01-01T00:00:01.500Z",
            "waived_until": None,
            "team": None,
            "built_from": None,
        }
    ]
    assert [(host["status"], host["reason"], host["platform"]) for host in made["hosts"]] == [
        ("ok", None, "linux/amd64"),
        ("failed", "host_refused", None),
    ]


def test_a_document_has_no_decision_where_nothing_was_decided():
    assert "decision" not in document(a_report())


def test_the_statuses_of_a_summary_add_up_to_its_workloads():
    summary = document(a_report())["summary"]

    assert sum(summary[status] for status in Status) == summary["workloads"]


def test_facts_show_platforms_as_written_on_a_command_line_with_bytes_in_hex():
    host = a_report().hosts[0].reading
    assert isinstance(host, HostFacts)
    facts = facts_document(host)

    assert facts["kernel"]["platform"] == "linux/amd64"
    assert facts["kernel"]["binfmt"]["entries"][0]["magic"] == "7f454c46"
    assert "workloads" not in facts


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, None), (0, "1970-01-01T00:00:00.000Z"), (1.9999, "1970-01-01T00:00:01.999Z")]
)
def test_a_moment_is_rfc_3339_in_utc(seconds, text):
    assert moment(seconds) == text


def test_whose_a_finding_is_survives_the_way_over_the_wire():
    report = a_report()
    first = report.findings[0]
    built = BuiltFrom("https://git.example/shop/api", "0a1b2c3")
    said = replace(first, team="shop", verdict=replace(first.verdict, built_from=built))
    wire = json.loads(json.dumps(document(replace(report, findings=(said,)))))
    read = report_of(wire).findings[0]
    assert (read.team, read.verdict.built_from) == ("shop", built)


def test_the_cure_of_a_host_survives_the_way_over_the_wire():
    stale = HostReading("web-9", Failure(Reason.HOST_STALE, "no answer has been pushed yet", setting="push.max_age"))
    wire = json.loads(json.dumps(document(replace(a_report(), hosts=(stale,), findings=()))))
    assert report_of(wire).hosts[0].fix == stale.fix
    assert "archscan-push.timer" in stale.fix.commands[1]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("host_platform", 5, "a platform is a text"), ("first_seen", "yesterday", "first_seen is no moment")],
)
def test_a_report_of_another_shape_is_refused_by_name(field, value, said):
    told = json.loads(json.dumps(document(a_report())))
    told["findings"][0][field] = value
    with pytest.raises(ValueError, match=said):
        report_of(told)


def test_a_report_knows_its_hosts_and_stages_by_name():
    report = a_report()
    assert list(report.names) == sorted(one.name for one in report.hosts)
    assert report.fleet_scanned_at == report.finished_at
    assert replace(report, fleet_at=3.0).fleet_scanned_at == 3.0
    assert sum(report.stages.values()) == len(report.findings)
    assert set(report.readings) == set(report.names)
