"""A start that a kernel showed, as the witness of equal ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import HostFacts, Kernel, LocalImage, Mount, Process, Source, Stage, Workload
from scanner.domain.finding_groups import HostFindings
from scanner.domain.platform.platform import Platform
from scanner.domain.report import Finding, HostReading
from scanner.domain.verdict.reason import Reason, Status
from scanner.domain.verdict.verdict import Evidence, Verdict
from scanner.scan import equal_starts

DIGEST = "sha256:" + "a" * 64
KERNEL = Kernel("Linux", "x86_64", platform=Platform("linux", "amd64"))
SHOWN = Verdict(Reason.NATIVE, evidence=(Evidence("kernel", "/app runs: ELF linux/amd64"),), digest=DIGEST)
WAITING = Verdict(Reason.SURVEY_PENDING, "a script decides", digest=DIGEST)


def judged(host, verdict, kernel=KERNEL, **more):
    stage = Stage.RUNNING if verdict is SHOWN else Stage.PLANNED
    workload = Workload(host, "app", Source.DOCKER, stage, "r.example/app:1", **{"mounts": (), **more})
    return HostReading(host, HostFacts(host, kernel)), HostFindings((Finding(workload, verdict),))


def kind(facts):
    return facts.kernel.machine


def verdict_of(*hosts):
    return equal_starts.settled(hosts, kind)[-1][1][0].verdict


@pytest.mark.parametrize("reason", [Reason.SURVEY_PENDING, Reason.FOREIGN_BINARIES])
def test_an_equal_start_that_a_kernel_showed_settles_what_a_script_decides(reason):
    settled = verdict_of(judged("web-1", SHOWN), judged("web-2", replace(WAITING, reason=reason)))
    assert settled.status is Status.OK
    assert settled.evidence[-1].says == "the same start was seen on web-1 (app)"


def test_of_a_host_s_workloads_one_that_is_asked_about_has_those_of_its_image_beside_it():
    copy = LocalImage("sha256:" + "1" * 64)
    asked, *beside = (
        Workload("web-1", name, Source.DOCKER, Stage.RUNNING, image, local=local)
        for name, image, local in (
            ("app", "a", copy),
            ("same", "a", None),
            ("retagged", "b", copy),
            ("other", "c", None),
        )
    )
    assert equal_starts.with_witnesses([*beside, asked], lambda one: one is asked) == [*beside[:2], asked]


@pytest.mark.parametrize(
    "other",
    [
        {"process": Process(cmd=("other",))},
        {"process": Process(user="1000")},
        {"process": Process(env=(("MODE", "x"),))},
        {"mounts": (Mount("/etc/app"),)},
        {"mounts": None},
        {"kernel": replace(KERNEL, machine="aarch64")},
    ],
)
def test_a_start_that_differs_in_anything_is_settled_by_nobody_else_s(other):
    assert verdict_of(judged("web-1", SHOWN), judged("web-2", WAITING, **other)).reason is Reason.SURVEY_PENDING
    assert verdict_of(judged("web-1", SHOWN, **other), judged("web-2", WAITING)).reason is Reason.SURVEY_PENDING


def test_a_variable_whose_value_stayed_on_its_host_is_equal_to_nothing():
    hidden = {"process": Process(env=(("MODE", None),))}
    assert verdict_of(judged("a", SHOWN, **hidden), judged("b", WAITING, **hidden)).reason is Reason.SURVEY_PENDING


@pytest.mark.parametrize(
    "verdict",
    [
        replace(SHOWN, evidence=()),
        replace(SHOWN, digest=None),
        replace(SHOWN, digest="sha256:" + "b" * 64),
        replace(SHOWN, reason=Reason.EMULATED),
        replace(SHOWN, reason=Reason.MISLABELLED),
    ],
)
def test_only_a_native_start_of_this_digest_that_a_kernel_showed_is_a_witness(verdict):
    assert verdict_of(judged("web-1", verdict), judged("web-2", WAITING)).reason is Reason.SURVEY_PENDING


@pytest.mark.parametrize(
    "reason", [Reason.WRONG_BINARY, Reason.IMAGE_TIMEOUT, Reason.BINARY_UNKNOWN, Reason.CRASH_UNEXPLAINED]
)
def test_nothing_but_what_a_script_decides_is_settled(reason):
    assert verdict_of(judged("web-1", SHOWN), judged("web-2", replace(WAITING, reason=reason))).reason is reason
