from dataclasses import replace

import pytest

from scanner.domain.platform.platform import Platform
from scanner.domain.readiness import Outlook, readiness, readiness_document
from scanner.domain.report import Report
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Evidence
from tests.builders import AMD64, ARM64, ARM_V7
from tests.web.conftest import finding, reading

IMAGE = "registry.example/shop/api:1"


def report_of(*findings, hosts=None):
    return Report("s", 1.0, 2.0, hosts or (reading("web-1"), reading("edge-1", ARM64)), findings)


def outlook_of(found, image=IMAGE):
    return next(one.outlook for one in found.images if one.image == image)


CASES = [
    (Reason.NATIVE, AMD64, (AMD64, ARM64), Outlook.LABELLED),
    (Reason.NATIVE, AMD64, (AMD64,), Outlook.BLOCKED),
    (Reason.IMAGE_DENIED, AMD64, (), Outlook.UNKNOWN),
    (Reason.NATIVE, ARM64, (AMD64, ARM64), Outlook.READY),
    (Reason.WRONG_BINARY, ARM64, (AMD64, ARM64), Outlook.BLOCKED),
    (Reason.EMULATED, ARM64, (AMD64,), Outlook.EMULATED),
    (Reason.TAG_GONE, ARM64, (ARM64,), Outlook.BLOCKED),
    (Reason.PLATFORM_LOST, ARM64, (AMD64, ARM64), Outlook.BLOCKED),
    (Reason.MISLABELLED, ARM64, (AMD64,), Outlook.DEGRADED),
    (Reason.HEALTHCHECK_WRONG_BINARY, ARM64, (ARM64,), Outlook.DEGRADED),
    (Reason.IMAGE_DENIED, ARM64, (), Outlook.UNKNOWN),
    (Reason.NATIVE, Platform("linux", "arm64", "v8"), (ARM64,), Outlook.READY),
]


@pytest.mark.parametrize(("reason", "host", "offered", "expected"), CASES)
def test_an_outlook_rests_on_what_was_seen_before_what_a_label_says(reason, host, offered, expected):
    found = readiness(report_of(finding("x", "api", reason, IMAGE, host, offered)), ARM64)
    assert outlook_of(found) is expected
    assert not found.is_judged


ELSEWHERE = [
    (Reason.EMULATED, (ARM64,), None, Outlook.LABELLED, "its bytes were judged for web-1 alone, which is linux/amd64: emulated"),
    (Reason.MISLABELLED, (ARM64,), None, Outlook.UNKNOWN, "mislabelled"),
    (Reason.CONFIG_DISAGREES, (ARM64,), None, Outlook.UNKNOWN, "config_disagrees"),
    (Reason.CRLF_SHEBANG, (AMD64, ARM64), ARM64, Outlook.BLOCKED, "crlf_shebang"),
    (Reason.CRLF_SHEBANG, (AMD64, ARM64), None, Outlook.LABELLED, "what it has for that was not read"),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "offered", "pinned", "expected", "why"), ELSEWHERE)
def test_bytes_that_were_read_for_another_platform_are_not_called_unread(reason, offered, pinned, expected, why):
    seen = finding("web-1", "api", reason, IMAGE, AMD64, offered)
    verdict = replace(seen.verdict, evidence=(Evidence("binary", "entrypoint /app: ELF linux/arm64"),))
    seen = replace(seen, verdict=verdict, workload=replace(seen.workload, pinned=pinned))
    [found] = readiness(report_of(seen), ARM64).images
    assert (found.outlook, why in found.why) == (expected, True), found.why


def test_an_image_that_fails_on_one_host_of_the_target_is_not_ready():
    found = readiness(
        report_of(
            finding("a", "api", Reason.NATIVE, IMAGE, ARM64),
            finding("b", "api", Reason.CPU_LEVEL_TOO_LOW, IMAGE, ARM64),
        ),
        ARM64,
    )
    assert outlook_of(found) is Outlook.BLOCKED


def test_what_was_opened_for_the_target_outranks_the_label():
    report = report_of(finding("web-1", "api", Reason.NATIVE, IMAGE, AMD64, (AMD64, ARM64)))
    judged = report_of(finding("linux/arm64", IMAGE, Reason.WRONG_BINARY, IMAGE, ARM64))
    found = readiness(report, ARM64, judged)
    assert outlook_of(found) is Outlook.BLOCKED
    assert found.is_judged


def test_a_host_of_which_an_engine_was_not_read_is_no_image_without_a_name():
    down = finding("web-1", "docker", Reason.ENGINE_DOWN, "")
    found = readiness(report_of(finding("edge-1", "api", Reason.NATIVE, IMAGE, ARM64), down), ARM64)
    assert ([one.image for one in found.images], found.unread_hosts) == ([IMAGE], ("web-1",))


def test_arm_v6_is_not_arm_v7():
    report = report_of(finding("x", "api", Reason.NATIVE, IMAGE, ARM_V7, (ARM_V7,)))
    assert outlook_of(readiness(report, ARM_V7)) is Outlook.READY
    assert outlook_of(readiness(report, Platform("linux", "arm", "v6"))) is Outlook.BLOCKED


def test_the_tallies_count_each_image_once_for_each_team_registry_and_host():
    found = readiness(
        report_of(
            finding("web-1", "api", Reason.NATIVE, IMAGE, AMD64, (AMD64,)),
            finding("web-1", "api-2", Reason.NATIVE, IMAGE, AMD64, (AMD64,)),
            finding("edge-1", "api", Reason.NATIVE, "ghcr.io/x/y:1", ARM64),
        ),
        ARM64,
    )
    assert {tally.name: tally.total for tally in found.by_team} == {"web": 2}
    assert [(tally.name, tally.total) for tally in found.by_registry] == [("registry.example", 1), ("ghcr.io", 1)]
    assert found.by_host[0].name == "web-1"
    document = readiness_document(found)
    assert document["summary"] == {"blocked": 1, "unknown": 0, "labelled": 0, "degraded": 0, "emulated": 0, "ready": 1}
    assert document["images"][0]["workloads"] == 2


def test_hosts_that_were_not_read_are_named():
    found = readiness(report_of(hosts=(reading("gone", failed=Reason.HOST_TIMEOUT),)), ARM64)
    assert found.unread_hosts == ("gone",)
