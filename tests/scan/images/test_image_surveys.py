"""What scripts decide at run time, and the userland around the right program: judged from real layers."""

import asyncio

import pytest

from scanner.domain.failure import Failure
from scanner.domain.image.offers import Executable, FileKind, Program
from scanner.domain.verdict.reason import Reason, Status
from scanner.domain.verdict.verdict import Depth
from scanner.scan.images import image_surveys
from scanner.scan.images.image_surveys import Rank, Subject, Surveying, Wanted
from tests.real.elf import executable
from tests.real.images import File
from tests.scan.images.surveyed import AMD64, ARM64, REFERENCE, SurveyedRegistry

CPU = {"amd64": executable("amd64"), "arm64": executable("arm64")}
ELSEWHERE = {"amd64": "arm64", "arm64": "amd64"}
CURL = {"config": {"Entrypoint": ["/app"], "Healthcheck": {"Test": ["CMD", "curl", "-f", "http://localhost"]}}}
DECIDES = b'#!/bin/sh\nexec "$(cat /run/choice)"\n'
DATA = {
    "etc/passwd": File(b"root:x:0:0::/:/bin/sh\n", mode=0o644),
    "usr/share/zoneinfo/UTC": File(b"TZif2", mode=0o644),
}


def a_base(cpu):
    body = CPU[cpu]
    return {"bin/sh": body, "usr/bin/curl": body, "usr/bin/cat": body, "bin/cat": body, "usr/lib/libz.so.1": body}


def a_script(image_factory, cpu, **files):
    return image_factory.image(a_base(cpu), {"start.sh": DECIDES, **files}, entrypoint=["/start.sh"], architecture=cpu)


@pytest.fixture
def wrong_base(image_factory):
    """The example: amd64 and arm64, both on the amd64 base, the right /app in each."""
    return [
        image_factory.image(
            a_base("amd64"), {"app": CPU[cpu]}, architecture=cpu, config={"architecture": cpu, "os": "linux", **CURL}
        )
        for cpu in ("amd64", "arm64")
    ]


# ---------------------------------------------------------------- the foreign userland


async def test_the_right_program_on_a_base_for_another_cpu_is_degraded(wrong_base):
    registry = SurveyedRegistry(*wrong_base)
    verdict = await registry.verdict(ARM64)
    assert (verdict.status, verdict.reason) == (Status.DEGRADED, Reason.FOREIGN_USERLAND)
    assert "/usr/bin/cat" in verdict.detail or "/bin/" in verdict.detail
    assert len(registry.opened) == 1  # the shared layer alone


async def test_whoever_waits_does_not_wait_for_large_layers_that_are_only_shared(wrong_base, monkeypatch):
    monkeypatch.setattr(image_surveys, "AT_ONCE_BYTES", 10)
    registry, wants = SurveyedRegistry(*wrong_base), []
    assert (await registry.verdict(ARM64, want=wants.append)).reason is Reason.HEALTHCHECK_WRONG_BINARY
    assert registry.opened == []
    await registry.surveys.make(wants[0], lambda _bytes: True)
    assert (await registry.verdict(ARM64)).reason is Reason.FOREIGN_USERLAND


async def test_the_other_half_of_that_index_is_ok(wrong_base):
    assert (await SurveyedRegistry(*wrong_base).verdict(AMD64)).reason is Reason.NATIVE


async def test_a_health_check_for_another_cpu_is_degraded_without_any_survey(wrong_base):
    registry = SurveyedRegistry(*wrong_base)
    verdict = await registry.verdict(ARM64, now=False)
    assert verdict.reason is Reason.HEALTHCHECK_WRONG_BINARY
    assert "curl" in verdict.detail
    assert registry.opened == []


@pytest.mark.parametrize(
    "test",
    [
        ["CMD", "curl", "-f", "http://localhost"],
        ["CMD-SHELL", "curl -f http://localhost || exit 1"],
        ["CMD-SHELL", "curl --fail http://localhost/"],
        ["CMD", "/check.sh"],
    ],
    ids=" ".join,
)
async def test_a_health_check_is_followed_through_its_shell(image_factory, test):
    files = {"bin/sh": CPU["amd64"], "usr/bin/curl": CPU["arm64"], "app": CPU["amd64"]}
    files["check.sh"] = b"#!/bin/sh\nset -e\nexec curl -f http://localhost\n"
    image = image_factory.image(files, config={"config": {"Entrypoint": ["/app"], "Healthcheck": {"Test": test}}})
    verdict = await SurveyedRegistry(image).verdict(AMD64)
    assert verdict.reason is Reason.HEALTHCHECK_WRONG_BINARY
    assert "/usr/bin/curl" in verdict.detail


async def test_a_health_check_is_run_by_the_shell_that_its_image_names(image_factory):
    files = {"bin/sh": CPU["amd64"], "bin/bash": CPU["arm64"], "app": CPU["amd64"]}
    config = {"Entrypoint": ["/app"], "Healthcheck": {"Test": ["CMD-SHELL", "true"]}, "Shell": ["/bin/bash", "-c"]}
    verdict = await SurveyedRegistry(image_factory.image(files, config={"config": config})).verdict(AMD64)
    assert verdict.reason is Reason.HEALTHCHECK_WRONG_BINARY
    assert "/bin/bash" in verdict.detail


@pytest.mark.parametrize("test", [["NONE"], ["CMD", "/app"], ["CMD", "nothing-there"], None])
async def test_other_health_checks_are_none_of_ours(image_factory, test):
    config = {"Entrypoint": ["/app"], "Healthcheck": {"Test": test} if test else None}
    image = image_factory.image({"app": CPU["amd64"]}, config={"config": config})
    assert (await SurveyedRegistry(image).verdict(AMD64)).reason is Reason.NATIVE


@pytest.mark.parametrize("name", [f"true multi-arch image {number}" for number in range(12)])
async def test_a_true_multi_arch_image_stays_ok_whatever_data_its_halves_share(image_factory, name):
    number = int(name.rpartition(" ")[2])
    shared = [
        {},
        DATA,
        {"app/index.html": File(b"<html>", mode=0o644)},
        {"start.sh": b"#!/bin/sh\nexec /app\n"},
        {"x/test/fixtures/hello": CPU["amd64"]},
        {"site/prebuilds/linux-x64/a.node": CPU["amd64"], "site/prebuilds/linux-arm64/a.node": CPU["arm64"]},
        {"tools/run-amd64": CPU["amd64"], "tools/run-arm64": CPU["arm64"]},
        {"opt/x.exe": b"MZ" + bytes(200)},
        {"usr/lib/firmware/a.elf": CPU["amd64"]},
        {"usr/share/doc/x/example": CPU["arm64"]},
        {"usr/bin/qemu-aarch64-static": CPU["amd64"]},
        {"usr/local/go/src/debug/elf/testdata/gcc-amd64-linux-exec": CPU["amd64"]},
    ][number]
    images = [
        image_factory.image(a_base(cpu), shared, {"app": CPU[cpu]}, entrypoint=["/app"], architecture=cpu)
        for cpu in ("amd64", "arm64")
    ]
    for platform in (AMD64, ARM64):
        verdict = await SurveyedRegistry(*images).verdict(platform)
        assert (verdict.reason, verdict.detail) == (Reason.NATIVE, "")


async def test_an_image_without_siblings_is_not_read(image_factory):
    registry = SurveyedRegistry(image_factory.image(a_base("amd64"), {"app": CPU["amd64"]}, entrypoint=["/app"]))
    wants = []
    assert (await registry.verdict(AMD64, now=False, want=wants.append)).reason is Reason.NATIVE
    assert (registry.opened, wants) == ([], [])


# ---------------------------------------------------------------- what is decided at run time


async def test_what_is_decided_at_run_time_is_pending_until_it_is_surveyed(image_factory):
    registry, wants = SurveyedRegistry(a_script(image_factory, "amd64")), []
    before = await registry.verdict(AMD64, now=False, want=wants.append)
    assert (before.reason, [each.rank for each in wants]) == (Reason.SURVEY_PENDING, [Rank.PLANNED])
    assert await registry.surveys.make(wants[0], lambda _bytes: True) == sum(map(len, registry.blobs.values()))
    after = await registry.verdict(AMD64, now=False, want=wants.append)
    assert (after.reason, len(wants)) == (Reason.NATIVE, 1)
    assert [e.says for e in after.evidence if e.layer == "survey"] == [
        "every file was read: 5 programs and libraries, none for another CPU on a way"
    ]


async def test_a_foreign_program_that_a_script_may_start_leaves_the_verdict_unknown(image_factory):
    registry = SurveyedRegistry(a_script(image_factory, "amd64", **{"opt/server": CPU["arm64"]}))
    verdict = await registry.verdict(AMD64)
    assert verdict.reason is Reason.FOREIGN_BINARIES
    assert "/opt/server is for linux/arm64" in verdict.detail


async def test_a_foreign_program_beside_its_native_twin_does_not(image_factory):
    twins = {"opt/server-arm64": CPU["arm64"], "opt/server-amd64": CPU["amd64"]}
    assert (await SurveyedRegistry(a_script(image_factory, "amd64", **twins)).verdict(AMD64)).reason is Reason.NATIVE


async def test_a_foreign_program_that_a_later_layer_deletes_does_not(image_factory):
    image = image_factory.image(
        a_base("amd64"),
        {"opt/server": CPU["arm64"]},
        {"opt/.wh.server": b"", "start.sh": DECIDES},
        entrypoint=["/start.sh"],
    )
    assert (await SurveyedRegistry(image).verdict(AMD64)).reason is Reason.NATIVE


async def test_at_depth_full_every_image_is_surveyed(image_factory):
    image = image_factory.image(a_base("amd64"), {"app": CPU["amd64"]}, entrypoint=["/app"])
    registry = SurveyedRegistry(image)
    verdict = await registry.verdict(AMD64, depth=Depth.FULL)
    assert verdict.reason is Reason.NATIVE
    assert len(registry.opened) == 2


async def test_an_image_that_is_too_large_says_which_setting_forbids_it(image_factory):
    registry = SurveyedRegistry(a_script(image_factory, "amd64"), max_image_bytes=10)
    verdict = await registry.verdict(AMD64)
    assert verdict.reason is Reason.LAYER_LIMIT
    assert "scan.surveys.max_image_bytes (10)" in verdict.detail
    assert registry.opened == []


async def test_a_layer_that_cannot_be_read_is_left_alone_for_a_while(image_factory):
    image = a_script(image_factory, "amd64")
    registry = SurveyedRegistry(image)
    verdict = None
    why = Failure(Reason.IMAGE_TIMEOUT, "too slow")

    async def read(_reference, layer):
        registry.opened.append(layer.digest)
        return why

    registry.layers._read = read
    for _ in range(3):
        verdict = await registry.verdict(AMD64)
    assert verdict.reason is Reason.IMAGE_TIMEOUT
    assert len(registry.opened) == 2


# ---------------------------------------------------------------- cost


async def test_a_layer_is_read_once_for_all_who_want_it(image_factory):
    registry = SurveyedRegistry(a_script(image_factory, "amd64"))
    verdicts = await asyncio.gather(*(registry.verdict(AMD64) for _ in range(5)))
    assert {verdict.reason for verdict in verdicts} == {Reason.NATIVE}
    assert len(registry.opened) == len(set(registry.opened)) == 2


async def test_a_new_build_on_the_same_base_costs_its_new_layer(image_factory):
    first, second = a_script(image_factory, "amd64"), a_script(image_factory, "amd64", **{"etc/version": b"2"})
    registry = SurveyedRegistry(first)
    await registry.verdict(AMD64)
    later = SurveyedRegistry(second)
    later.layers = registry.layers
    later.surveys._layers = registry.layers
    registry.blobs |= later.blobs
    registry.opened.clear()
    await later.verdict(AMD64)
    assert registry.opened == [second.layers[1].digest]


async def test_who_cannot_wait_for_a_survey_gets_its_verdict_without(image_factory):
    registry, go = SurveyedRegistry(a_script(image_factory, "amd64")), asyncio.Event()
    plain_read = registry.read

    async def read(reference, layer):
        await go.wait()
        return await plain_read(reference, layer)

    registry.layers._read = read
    assert (await registry.verdict(AMD64, deadline_s=0.01)).reason is Reason.SURVEY_PENDING
    go.set()
    assert (await registry.verdict(AMD64)).reason is Reason.NATIVE
    assert len(registry.opened) == 2


async def test_nothing_is_read_that_the_budget_refuses(image_factory):
    registry, wants = SurveyedRegistry(a_script(image_factory, "amd64")), []
    await registry.verdict(AMD64, now=False, want=wants.append)
    refused = await registry.surveys.make(wants[0], lambda _bytes: False)
    assert (refused.reason, registry.opened) == (Reason.SURVEY_PENDING, [])


async def test_of_one_registry_no_more_are_read_at_once_than_allowed(image_factory):
    layers = [{f"f{n}": File(b"x", mode=0o644)} for n in range(6)]
    image = image_factory.image(a_base("amd64"), {"start.sh": DECIDES}, *layers, entrypoint=["/start.sh"])
    registry = SurveyedRegistry(image)
    under_way, most, plain_read = 0, 0, registry.read

    async def read(reference, layer):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        try:
            return await plain_read(reference, layer)
        finally:
            under_way -= 1

    registry.layers._read = read
    await registry.verdict(AMD64)
    assert (most, len(registry.opened)) == (2, 8)


def test_what_a_command_line_in_one_word_names_is_asked_for(image_factory):
    registry = SurveyedRegistry(a_script(image_factory, "amd64"))
    program = Program(("/bin/sh", "-c", 'cd /srv && exec "$HOME/bin/server" --conf=/etc/x'))
    subject = Subject(registry.offers[0], None, program, (("/bin/check",),))
    assert subject.asked.named == ("/bin/sh", "/srv", "*/bin/server", "/etc/x", "/bin/check")


@pytest.mark.parametrize(
    ("path", "loads"), [("/usr/bin/python3.11", True), ("/opt/java/bin/java", True), ("/app", False)]
)
def test_an_interpreter_on_the_way_loads_libraries_from_anywhere(path, loads, image_factory):
    registry = SurveyedRegistry(a_script(image_factory, "amd64"))
    program = Program(("/start",), (Executable(path, "entrypoint", FileKind.ELF),))
    assert Subject(registry.offers[0], None, program).asked.loads is loads


async def test_a_wish_that_cannot_be_met_is_none(image_factory):
    registry = SurveyedRegistry(a_script(image_factory, "amd64"))
    facts = await registry.resolve(REFERENCE, depth=Depth.CONFIG)
    wanted = Wanted(REFERENCE, facts, facts.offers[0], whole=False, rank=Rank.PLANNED)
    subject = Subject(facts.offers[0], None, Program(("/app",)))
    wants = []
    assert await Surveying(registry.surveys, want=wants.append).of(wanted, subject) is None
    assert wants == []
