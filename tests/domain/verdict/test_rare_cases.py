"""Branches of judgement and remedy that few fleets have ever taken."""

import struct
from dataclasses import replace

import pytest

from scanner.domain import facts
from scanner.domain.facts import Binfmt, Engine, EngineKind, EngineState, LiveProcess, Maker, Source, Stage
from scanner.domain.failure import Failure
from scanner.domain.image.image_survey import ImageSurvey, SurveyedFile, SurveyedKind
from scanner.domain.image.offers import Elf
from scanner.domain.platform.elf_machine import platform_of
from scanner.domain.platform.platform import Platform, canonical
from scanner.domain.platform.uname import from_uname
from scanner.domain.verdict.discrepancy import discrepancies
from scanner.domain.verdict.engine import contradiction, kernel_of
from scanner.domain.verdict.explanation import explained
from scanner.domain.verdict.judge import judge
from scanner.domain.verdict.made_from import running_offer
from scanner.domain.verdict.phrases import wrapping
from scanner.domain.verdict.reason import Reason, Status
from scanner.domain.verdict.remedy import Handler, Pin, Trouble, by_hand, emulation, fix, with_hosts
from scanner.domain.verdict.remedy.choice import another_choice
from scanner.domain.verdict.remedy.consoles import PROBE_PATH
from scanner.domain.verdict.remedy.logins import DOAS_RULES, IDENTITY_AGENT
from scanner.domain.verdict.started import kernel_shows
from scanner.domain.verdict.survey_ways import SurveyedProcess, located, survey_of
from tests import builders
from tests.builders import AMD64, APP, ARM64, I386, digest, image_facts, offer, program

VM = Engine(EngineKind.DOCKER, EngineState.UP, platform=ARM64, in_vm=True)


def elf(machine=62, bits=2, order=1, flags=0):
    return b"\x7fELF" + bytes([bits, order, 1]) + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH" if order == 1 else ">HHIQQQIHHHHHH", 2, machine, 1, 0, 0, 0, flags, 64, 56, 0, 0, 0, 0
    )  # fmt: skip


N32 = b"\x7fELF\x01\x02\x01" + bytes(9) + struct.pack(">HHIIIIIHHHHHH", 2, 8, 1, 0, 0, 0, 0x20, 52, 32, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (elf(), AMD64),
        (b"", None),
        (b"\x7fELF", None),
        (b"#!/bin/sh" + bytes(60), None),
        (elf(bits=9), None),
        (elf(order=9), None),
        (elf()[:40], None),
        (elf(machine=4711), None),
        (N32, None),
    ],
)
def test_first_bytes_name_a_platform_or_none(head, expected):
    assert platform_of(head) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("armv8", "linux/arm64"), ("armv8l", "linux/arm/v8"), ("armv7l", "linux/arm/v7")]
)
def test_an_arm_name_is_its_version_but_for_the_whole_machine(name, expected):
    assert str(canonical(Platform("linux", name))) == expected


@pytest.mark.parametrize(
    ("system", "machine", "order", "known"),
    [("Linux", "mips", "little", True), ("Linux", "mips", "middle", False), ("FreeBSD", "powerpc", "little", False)],
)
def test_a_name_of_two_machines_is_one_where_the_byte_order_tells_it_apart(system, machine, order, known):
    assert (from_uname(system, machine, order).platform is not None) is known


# ---------------------------------------------------------------- whose kernel


def test_an_engine_that_tells_no_platform_proves_nothing():
    host = builders.host_facts()
    assert contradiction(host.kernel, builders.docker(None)).reason is Reason.ENGINE_UNKNOWN
    assert contradiction(replace(host.kernel, platform=None), builders.docker()).reason is Reason.HOST_ARCH_UNKNOWN
    assert contradiction(host.kernel, builders.docker(ARM64)).reason is Reason.HOST_CONTRADICTORY
    assert contradiction(host.kernel, builders.docker(I386)) is None


def test_what_the_host_said_of_an_engine_that_does_not_answer_is_why_nothing_is_known():
    down = builders.docker(state=EngineState.DENIED)
    said = Failure(Reason.ENGINE_DENIED, "docker.sock: permission denied")
    host = builders.host_facts(engines=(down,), gaps={"docker": said})
    assert judge(host, builders.plan(), image_facts(offer())).detail == said.detail
    other = builders.host_facts(engines=(down,), gaps={"docker": Failure(Reason.PART_INCOMPLETE, "cut")})
    assert judge(other, builders.plan(), image_facts(offer())).reason is Reason.ENGINE_DENIED


def test_an_engine_in_a_machine_of_its_own_has_that_machine_s_kernel():
    host = builders.host_facts()
    assert kernel_of(host, VM).platform == ARM64
    assert kernel_of(host, replace(VM, platform=None)).platform is None
    assert kernel_of(host, builders.docker()) is host.kernel


def test_what_is_not_known_of_a_host_contradicts_nothing():
    unknown = replace(builders.kernel(), platform=None)
    assert discrepancies(unknown, (builders.docker(),)) == ()
    assert discrepancies(unknown, (builders.docker(), builders.podman(ARM64)))[0].startswith("the engines disagree")
    assert discrepancies(builders.kernel(), (builders.docker(None),)) == ()
    assert discrepancies(builders.kernel(), (VM,))[0].endswith("not on this kernel")


# ---------------------------------------------------------------- the judgement


def test_without_a_copy_no_offer_is_the_one_that_runs():
    assert (
        running_offer(builders.workload(), image_facts(offer()), builders.docker(), builders.host_facts().kernel)
        is None
    )


@pytest.mark.parametrize(("binary", "expected"), [(AMD64, Reason.NATIVE), (ARM64, Reason.WRONG_BINARY)])
def test_an_image_of_the_host_alone_is_judged_by_its_program_where_that_was_read(binary, expected):
    local = facts.LocalImage(digest("c"), (), "", AMD64, program=program(binary))
    workload = builders.workload(local=local, stage=Stage.STOPPED, state="created")
    assert judge(builders.host_facts(), workload, None).reason is expected


def up(*live, **more):
    local = facts.LocalImage(digest("c"), (f"r.example/app@{builders.INDEX}",), digest("a"), AMD64)
    return builders.workload(local=local, state="running", settled=True, live=live, engine="docker", **more)


def test_what_the_kernel_shows_to_run_natively_says_nothing_new_of_what_is_ok():
    image = image_facts(offer(program=program()))
    shown = judge(builders.host_facts(), up(LiveProcess("app", "/app", elf())), image)
    assert shown.status is Status.OK
    assert any(one.layer == "kernel" for one in shown.evidence)


def test_what_runs_is_no_proof_against_itself():
    kernel = builders.kernel()
    assert kernel_shows(kernel, up(LiveProcess("app", "/app", elf(183)))) is None
    assert kernel_shows(kernel, up(LiveProcess("app", "/app", b""))) is None
    assert kernel_shows(kernel, up()) is None


OF_ARM64 = facts.BinfmtEntry(
    "qemu-aarch64", True, "/usr/bin/qemu-aarch64", "F", magic=bytes.fromhex("7f454c460201010000000000000000000200b700"),
    mask=bytes.fromhex("ffffffffffffff00fffffffffffffffffeffffff"),
)  # fmt: skip


def test_what_is_ok_by_its_bytes_is_emulated_where_the_kernel_shows_an_emulator():
    host = builders.host_facts(binfmt=Binfmt(True, (OF_ARM64,)))
    live = LiveProcess("app", OF_ARM64.interpreter, elf())
    assert judge(host, up(live), image_facts(offer(program=program()))).reason is Reason.EMULATED


def test_nothing_is_known_of_a_container_whose_copy_nobody_told():
    assert judge(builders.host_facts(), builders.workload(), None).reason is Reason.IMAGE_LOCAL_ONLY


def test_what_started_although_its_copy_is_for_another_cpu_is_not_explained_by_a_volume():
    local = facts.LocalImage(digest("c"), (f"r.example/app@{builders.INDEX}",), digest("a"), builders.S390X)
    workload = builders.workload(local=local, state="exited", exit_code=0, stage=Stage.STOPPED, engine="docker")
    broken = offer(builders.S390X, program=program(problem=Failure(Reason.ENTRYPOINT_MISSING, "/app is gone")))
    found = judge(
        builders.host_facts(), workload, image_facts(replace(broken, program=replace(broken.program, chain=())))
    )
    assert found.status is Status.BROKEN


def test_a_pin_of_the_host_s_own_platform_is_what_is_needed():
    pinned = builders.plan(pinned=AMD64, pinned_at="compose.yml:3")
    found = judge(builders.host_facts(), pinned, image_facts(offer(ARM64)))
    assert found.reason is Reason.PLATFORM_MISSING
    assert "linux/amd64" in found.fix.summary + "".join(found.fix.commands)


def test_a_handler_that_takes_the_host_s_own_programs_is_named():
    own = facts.BinfmtEntry(
        "qemu-x86_64", True, "/usr/bin/qemu-x86_64", "F", magic=bytes.fromhex("7f454c4602010100000000000000000002003e00"),
        mask=bytes.fromhex("ffffffffffffff00fffffffffffffffffeffffff"),
    )  # fmt: skip
    found = judge(
        builders.host_facts(binfmt=Binfmt(True, (own,))), builders.plan(), image_facts(offer(program=program()))
    )
    assert found.reason is Reason.NATIVE_SHADOWED
    assert "qemu-x86_64" in found.fix.summary


# ---------------------------------------------------------------- remedies


def trouble(**more):
    return Trouble(**({"host": "h", "image": APP, "needed": AMD64} | more))


def test_hosts_where_it_fits_are_named_up_to_five():
    given = fix(Reason.PLATFORM_MISSING, trouble())
    assert with_hosts(given, (), ()) is given
    assert with_hosts(given, ("a", "b"), (ARM64,)).summary.endswith("(linux/arm64): a, b.")
    assert with_hosts(given, tuple("abcdef"), (ARM64,)).summary.endswith("a, b, c, d, e ….")


@pytest.mark.parametrize(
    ("reason", "more", "said"),
    [
        (Reason.PLATFORM_MISSING, {"native": AMD64, "pin": Pin(ARM64, "compose.yml:3")}, "Take platform: linux/arm64 out in compose.yml:3"),
        (Reason.PLATFORM_MISSING, {"native": AMD64, "pin": Pin(ARM64, "x"), "workload": builders.workload(source=Source.INVENTORY, stage=Stage.PLANNED)}, "Take platform: linux/arm64 out in x"),
        (Reason.PLATFORM_MISSING, {"native": AMD64, "pin": Pin(ARM64), "workload": builders.plan()}, "of the inventory's planned image"),
        (Reason.PLATFORM_MISSING, {"native": AMD64, "pin": Pin(ARM64), "workload": builders.workload(source=Source.COMPOSE, stage=Stage.PLANNED)}, "out of its plan"),
        (Reason.PLATFORM_MISSING, {"native": AMD64, "pin": Pin(ARM64, is_default=True)}, "DOCKER_DEFAULT_PLATFORM (set on the host) chose it"),
        (Reason.EMULATED, {"emulator": Handler("rosetta", "/rosetta", "Rosetta")}, "through an emulator"),
        (Reason.EMULATOR_UNUSABLE, {"emulator": Handler("q", "/q", "QEMU", is_fixed=True)}, "fails at this program: build the image for linux/amd64"),
        (Reason.EMULATOR_UNUSABLE, {"emulator": Handler("q", "/q", "QEMU", enabled=False)}, "switched off"),
        (Reason.EMULATOR_UNUSABLE, {"emulator": Handler("q", "/q", "QEMU"), "binfmt_off": True}, "switched off"),
        (Reason.EMULATOR_UNUSABLE, {"emulator": Handler("q", "/q", "QEMU")}, "without the F flag"),
        (Reason.EMULATOR_UNUSABLE, {}, "does not work inside containers"),
        (Reason.NATIVE_SHADOWED, {}, "A binfmt_misc handler takes"),
        (Reason.NATIVE_SHADOWED, {"emulator": Handler("q", "/q", "QEMU")}, "The binfmt_misc handler q takes"),
        (Reason.BINARY_UNKNOWN, {"failure": Failure(Reason.BINARY_UNKNOWN, setting="PATH")}, "PATH of the image"),
        (Reason.BINARY_UNKNOWN, {"path": "/run"}, "What /run is, or leads to"),
        (Reason.BINARY_UNKNOWN, {}, "What argv leads to"),
        (Reason.HOST_STALE, {"failure": Failure(Reason.HOST_STALE, setting="push.secret")}, "to push its answers by itself"),
        (Reason.HOST_STALE, {}, "Scan the host, then ask again"),
    ],
)  # fmt: skip
def test_a_remedy_speaks_of_what_is_known(reason, more, said):
    assert said in fix(reason, trouble(**more)).summary


@pytest.mark.parametrize(("at", "said"), [
    ("a.container:3", "or Arch=/Variant=,"),
    ("compose.yml:3", "Take platform:"),
    ("shop/.env", "Take the DOCKER_DEFAULT_PLATFORM linux/arm64 out in shop/.env"),
])  # fmt: skip
def test_of_what_exists_its_maker_or_the_plan_s_file_tells_how_it_is_pinned(at, said):
    workload = builders.workload(maker=Maker(Source.COMPOSE, "api", "shop"))
    assert said in fix(Reason.WRONG_PLATFORM, trouble(native=AMD64, pin=Pin(ARM64, at), workload=workload)).summary


def test_apple_s_emulator_is_told_to_end():
    told = emulation.emulated(trouble(emulator=Handler("rosetta", "/r", emulation._ROSETTA)))
    assert "macOS 28" in told.summary


def test_where_nothing_else_is_offered_there_is_no_other_choice():
    assert another_choice(Reason.PLATFORM_MISSING, trouble()) is None
    assert another_choice(Reason.PLATFORM_MISSING, trouble(native=AMD64)) is None
    assert another_choice(Reason.ENTRYPOINT_MISSING, trouble(native=AMD64, workload=builders.workload())) is None


def test_a_stale_copy_of_what_starts_today_is_pulled_anew_whatever_was_wrong_with_it():
    for reason in (Reason.ENTRYPOINT_MISSING, Reason.WRONG_BINARY):
        told = another_choice(reason, trouble(native=AMD64, held=AMD64, workload=builders.workload()))
        assert "has an older copy" in told.summary
    told = another_choice(Reason.WRONG_PLATFORM, trouble(native=AMD64, workload=builders.workload()))
    assert "is for another platform" in told.summary


def test_a_container_that_exists_keeps_its_platform_until_it_is_made_anew():
    told = fix(Reason.WRONG_PLATFORM, trouble(native=AMD64, pin=Pin(ARM64, "x.yml:3"), workload=builders.workload()))
    assert told.commands[0] == "sed -n 3p x.yml"
    assert any("docker pull --platform linux/amd64" in one for one in told.commands)
    no_engine = another_choice(Reason.WRONG_PLATFORM, trouble(native=AMD64, held=ARM64, workload=builders.workload(source=Source.KUBERNETES)))  # fmt: skip
    assert no_engine.summary.endswith("then make the container anew.")


@pytest.mark.parametrize("kind", [Source.COMPOSE, Source.SWARM, Source.NOMAD, Source.KUBERNETES, Source.SYSTEMD])
def test_each_maker_is_asked_to_make_it_anew(kind):
    made = another_choice(Reason.WRONG_PLATFORM, trouble(native=AMD64, held=ARM64, workload=builders.workload(maker=Maker(kind, "api", "shop"))))  # fmt: skip
    assert "anew" in made.summary or "look at the tag again" in made.summary


def test_a_host_of_no_inventory_is_called_as_its_person_called_it():
    own = Failure(Reason.HOST_KEY_UNKNOWN, is_own=True, host="2001:db8::1", port=2222, user="me")
    theirs = trouble(failure=own)
    assert by_hand.target(theirs) == "me@[2001:db8::1]:2222"
    assert by_hand.again(theirs) == "archscan scan me@[2001:db8::1]:2222"
    assert by_hand.listed(theirs) == ()
    assert by_hand.target(trouble(failure=replace(own, host="web", port=22))) == "me@web"
    assert by_hand.target(trouble()) == "h"
    assert by_hand.again(trouble()) == "archscan inventory --check --host h"
    assert by_hand.listed(trouble()) == ("archscan inventory --host h",)


def test_sudo_that_is_not_there_is_installed():
    assert "install sudo" in fix(Reason.HOST_PROBE_MISSING, trouble(path="sudo")).summary
    assert "--yes opendoas " in fix(Reason.HOST_PROBE_MISSING, trouble(path="doas")).commands[0]
    by_doas = fix(Reason.HOST_SUDO_REFUSED, trouble(path=DOAS_RULES)).commands
    assert (
        by_doas[0]
        == f"ssh root@h 'echo permit nopass archscan cmd {PROBE_PATH} args >>/etc/doas.conf && doas -C /etc/doas.conf'"
    )
    assert "/opt/probe" in fix(Reason.HOST_PROBE_MISSING, trouble(path="/opt/probe")).summary
    agent = Failure(Reason.HOST_AUTH_REJECTED, path="/run/a.sock", setting=IDENTITY_AGENT)
    by_agent = fix(agent.reason, trouble(failure=agent, path=agent.path)).commands
    assert by_agent[:2] == ("SSH_AUTH_SOCK=/run/a.sock ssh-add -l", "SSH_AUTH_SOCK=/run/a.sock ssh-add")
    assert "archscan setup" in fix(Reason.HOST_AUTH_REJECTED, trouble(failure=Failure(Reason.HOST_AUTH_REJECTED, setting="ssh.identity_file"))).commands[0]  # fmt: skip


# ---------------------------------------------------------------- texts


def test_a_word_that_only_looks_like_a_platform_is_none():
    told = explained("no matching manifest for linux/nothing/v9 in the manifest list entries")
    assert [one.reason for one in told] == [Reason.PLATFORM_MISSING]


def test_a_line_of_a_hundred_strings_has_no_more_candidates_than_the_limit():
    line = " ".join(f'"exec format error number {number:04d}"' for number in range(100))
    assert len(wrapping.candidates(line)) == wrapping.MAX_CANDIDATES


def test_no_more_prefixes_are_taken_off_than_the_limit():
    line = "Error: " * (wrapping.MAX_PREFIXES + 4) + "exec format error"
    assert "exec format error" not in wrapping.candidates(line)
    assert "exec format error" in wrapping.candidates("Error: Error: exec format error")


# ---------------------------------------------------------------- surveys


PROGRAM = Elf(62, 64, "little", AMD64, type=3, interpreter="/lib/ld.so")


def a_file(path, kind=SurveyedKind.ELF, **more):
    return SurveyedFile(path, kind, 0o755, PROGRAM if kind is SurveyedKind.ELF else None, **more)


def surveyed(*files, links=None):
    return ImageSurvey({one.path: one for one in files}, links or {})


def test_programs_for_other_systems_lie_on_no_way():
    image = surveyed(a_file("/a.exe", SurveyedKind.PE), a_file("/a.dylib", SurveyedKind.MACHO), a_file("/bin/a"))
    assert [str(one.way) for one in located(image, SurveyedProcess("/bin"))] == ["none", "none", "PATH"]
    assert survey_of(image, SurveyedProcess("/bin")).elves == 1


@pytest.mark.parametrize(
    ("named", "way"),
    [("/app/tool", "named"), ("app/tool", "named"), ("/loop/tool", "application"), ("/", "application"), ("/bin", "application")],
)  # fmt: skip
def test_a_name_is_followed_through_links_up_to_their_limit(named, way):
    image = surveyed(a_file("/srv/app/tool"), links={"/app": "srv/./x/../app", "/loop": "/loop"})
    assert str(next(located(image, SurveyedProcess("/bin", named=(named,)))).way) == way


def test_units_are_followed_where_something_starts_them():
    unit = a_file("/etc/systemd/system/a.service", SurveyedKind.UNIT, names=("/opt/a/run",))
    image = surveyed(unit, a_file("/opt/a/run"))
    assert [str(one.way) for one in located(image, SurveyedProcess("/bin", starts_units=True))] == ["named"]
    assert [str(one.way) for one in located(image, SurveyedProcess("/bin"))] == ["application"]


def test_who_has_no_configuration_is_told_what_makes_the_one_that_an_old_host_needs():
    said = [
        fix(
            Reason.HOST_PROTOCOL,
            Trouble("old", "", failure=Failure(Reason.HOST_PROTOCOL, setting="ssh.algorithms", is_own=own)),
        )
        for own in (True, False)
    ]
    assert ["which archscan setup makes" in one.summary for one in said] == [True, False]
