"""One layer of evidence after the other, down to what only some images have."""

from dataclasses import replace

import pytest

from scanner.domain.facts import Binfmt, BinfmtEntry
from scanner.domain.failure import Failure
from scanner.domain.image.image_survey import AlikeFiles, ReachedBy, Survey
from scanner.domain.image.offers import Elf, Executable, FileKind, Offer, Program
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.evidence_layers import agree, offered
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth
from tests import builders
from tests.builders import AMD64, ARM64, digest, executable

KERNEL = builders.kernel()
HERE, FOREIGN = executable(AMD64), executable(ARM64, "/foreign")
SCRIPT = Executable("/run", "entrypoint", FileKind.SCRIPT, shebang="/bin/sh")
LOONG64, OLD_WORLD = Platform("linux", "loong64"), Platform("linux", "loong64", "abi1")
OLD_KERNEL = replace(KERNEL, platform=LOONG64, release="4.19.0-19-loongson-3")
UNSEEN = replace(KERNEL, binfmt=None)
UNREAD = Failure(Reason.IMAGE_UNREACHABLE, "down")


def outcome(program=None, *, entry=None, config=AMD64, kernel=KERNEL, depth=Depth.BINARY, indexed=False, **more):
    made = Offer(digest(), entry, config, program=program, **more)
    return offered(kernel, made, indexed=indexed, depth=depth)


def reason(*arguments, **more):
    return outcome(*arguments, **more).reason


def program(*files, **more):
    return Program(("/app",), files, **more)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (reason(config=UNREAD), Reason.IMAGE_UNREACHABLE),
        (reason(config=None), Reason.IMAGE_ARCH_UNKNOWN),
        (reason(entry=AMD64, config=None, indexed=True, depth=Depth.INDEX), Reason.NATIVE),
        (reason(entry=AMD64, config=UNREAD, indexed=True, depth=Depth.INDEX), Reason.NATIVE),
        (reason(entry=AMD64, config=None, depth=Depth.INDEX), Reason.IMAGE_ARCH_UNKNOWN),
        (reason(config=Platform("linux", ""), depth=Depth.CONFIG), Reason.IMAGE_ARCH_UNKNOWN),
        (reason(config=Platform("", "amd64")), Reason.BINARY_NOT_INSPECTED),
        (reason(program(HERE), config=Platform("", "amd64")), Reason.CONFIG_DISAGREES),
        (reason(program(FOREIGN), config=Platform("", "amd64")), Reason.WRONG_BINARY),
        (reason(program(), config=Platform("", "amd64")), Reason.BINARY_UNKNOWN),
        (reason(program(executable(None)), config=Platform("", "amd64"), kernel=UNSEEN), Reason.BINARY_UNKNOWN),
        (reason(), Reason.BINARY_NOT_INSPECTED),
        (reason(entry=ARM64, config=AMD64, indexed=True, depth=Depth.CONFIG), Reason.CONFIG_DISAGREES),
        (reason(entry=AMD64, config=ARM64, indexed=True, depth=Depth.CONFIG), Reason.CONFIG_DISAGREES),
        (reason(entry=builders.S390X, config=ARM64, indexed=True, depth=Depth.CONFIG), Reason.WRONG_PLATFORM),
        (reason(entry=AMD64, config=AMD64, indexed=True, depth=Depth.CONFIG), Reason.NATIVE),
        (reason(program(HERE), entry=ARM64, config=AMD64, indexed=True), Reason.CONFIG_DISAGREES),
        (reason(program(HERE), config=ARM64), Reason.MISLABELLED),
        (reason(program(FOREIGN), config=ARM64), Reason.WRONG_PLATFORM),
        (reason(program(FOREIGN), config=AMD64), Reason.WRONG_BINARY),
        (reason(program(replace(FOREIGN, role="library")), config=AMD64), Reason.WRONG_LIBRARY),
        (reason(program(SCRIPT)), Reason.BINARY_UNKNOWN),
        (reason(program(HERE)), Reason.NATIVE),
        (reason(program(HERE), config=Platform("linux", "amd64", "v4")), Reason.CPU_LEVEL_UNKNOWN),
        (reason(program(executable(OLD_WORLD)), config=LOONG64, kernel=OLD_KERNEL), Reason.NATIVE),
        (reason(program(executable(LOONG64)), config=LOONG64, kernel=OLD_KERNEL), Reason.CPU_LEVEL_UNKNOWN),
        (reason(config=LOONG64, kernel=OLD_KERNEL, depth=Depth.CONFIG), Reason.CPU_LEVEL_UNKNOWN),
        (reason(program(HERE, problem=Failure(Reason.LAYER_UNKNOWN))), Reason.LAYER_UNKNOWN),
        (reason(program(problem=Failure(Reason.ENTRYPOINT_MISSING))), Reason.ENTRYPOINT_MISSING),
        (reason(program(HERE, at_run_time="eval")), Reason.SURVEY_PENDING),
        (reason(program(at_run_time="eval")), Reason.SURVEY_PENDING),
        (reason(program(HERE, at_run_time="eval"), survey=UNREAD), Reason.IMAGE_UNREACHABLE),
        (reason(program(HERE, at_run_time="eval"), survey=Survey(whole=True)), Reason.NATIVE),
        (reason(program(HERE, at_run_time="eval"), survey=Survey(whole=False)), Reason.SURVEY_PENDING),
        (reason(program(HERE), survey=UNREAD), Reason.NATIVE),
    ],
)  # fmt: skip
def test_each_layer_has_its_say(found, expected):
    assert found is expected


@pytest.mark.parametrize(
    ("branches", "survey", "expected"),
    [
        ((program(HERE), program(FOREIGN)), None, Reason.SURVEY_PENDING),
        ((program(HERE), program(FOREIGN)), Survey(whole=True), Reason.FOREIGN_BINARIES),
        ((program(HERE), program(problem=Failure(Reason.ENTRYPOINT_MISSING))), Survey(whole=True), Reason.BINARY_UNKNOWN),
        ((program(FOREIGN), program(problem=Failure(Reason.ENTRYPOINT_MISSING))), None, Reason.WRONG_BINARY),
        ((program(HERE), program(HERE)), None, Reason.NATIVE),
    ],
)  # fmt: skip
def test_ways_that_fare_differently_prove_nothing(branches, survey, expected):
    assert reason(Program(("/run",), (SCRIPT,), branches=branches), survey=survey) is expected


def groups(*ways):
    return Survey(tuple(AlikeFiles(ARM64, 183, way, True, (), 1, ("/x",)) for way in ways), 1, 0, whole=True)


def test_what_a_survey_finds_on_a_way_outweighs_a_program_that_starts_and_nothing_else():
    assert reason(program(HERE), survey=groups(ReachedBy.PATH)) is Reason.FOREIGN_USERLAND
    assert reason(program(HERE), survey=groups(ReachedBy.NONE)) is Reason.NATIVE
    assert reason(program(HERE), config=ARM64, survey=groups(ReachedBy.PATH)) is Reason.MISLABELLED


def test_a_service_that_its_supervisor_goes_on_without_outweighs_what_only_the_run_tells():
    lacking = (program(HERE), Program(("/sv/a/run",), (SCRIPT,), branches=(program(HERE), program(FOREIGN))))
    found = outcome(program(HERE, at_run_time="runsvdir starts services", services=lacking))
    assert (found.reason, found.path) == (Reason.FOREIGN_USERLAND, "/foreign")
    assert "/sv/a/run" in found.detail
    assert reason(program(HERE, problem=UNREAD, services=lacking)) is Reason.FOREIGN_USERLAND
    assert reason(program(FOREIGN, services=lacking)) is Reason.WRONG_BINARY
    assert reason(program(SCRIPT, services=lacking)) is Reason.BINARY_UNKNOWN
    assert reason(program(HERE, services=(program(HERE), program(SCRIPT)))) is Reason.NATIVE


def test_a_service_of_which_nobody_can_tell_leaves_its_container_unknown():
    old = program(executable(Platform("linux", "386"), "/old"))
    asked = replace(KERNEL, ia32=None)
    found = outcome(program(HERE, services=(program(HERE), old)), kernel=asked)
    assert (found.reason, found.path) == (Reason.IA32_UNKNOWN, "/old")
    assert "may not start" in found.detail
    assert reason(program(HERE, services=(old, program(FOREIGN))), kernel=asked) is Reason.FOREIGN_USERLAND
    assert reason(program(HERE, services=(old,)), kernel=replace(KERNEL, ia32=True)) is Reason.NATIVE


def test_the_evidence_says_that_what_an_interpreter_loads_was_not_surveyed():
    python = executable(AMD64, "/usr/bin/python3.11")
    library = replace(executable(AMD64, "/lib/libc.so.6"), role="library")
    unread, read, other = (
        outcome(program(python, library)),
        outcome(program(python, library), survey=Survey((), 1, 0)),
        outcome(program(HERE)),
    )
    said = "what /usr/bin/python3.11 loads at run time was not surveyed"
    assert [said in [each.says for each in found.evidence] for found in (unread, read, other)] == [True, False, False]


def test_a_check_for_another_cpu_outweighs_a_program_that_starts():
    assert reason(program(HERE), checks=(program(HERE), program(FOREIGN))) is Reason.HEALTHCHECK_WRONG_BINARY
    assert reason(program(HERE), checks=(program(HERE), program(SCRIPT))) is Reason.NATIVE
    assert reason(program(FOREIGN), checks=(program(FOREIGN),)) is Reason.WRONG_BINARY
    assert reason(program(HERE), config=Platform("", "amd64"), checks=(program(FOREIGN),)) is Reason.CONFIG_DISAGREES


@pytest.mark.parametrize(
    ("binfmt", "expected"),
    [
        (None, Reason.BINARY_UNKNOWN),
        (Binfmt(enabled=False), Reason.WRONG_BINARY),
        (Binfmt(enabled=True), Reason.WRONG_BINARY),
        (Binfmt(True, (BinfmtEntry("x", False, "/x"),)), Reason.WRONG_BINARY),
        (Binfmt(True, (BinfmtEntry("x", True, "/x"),)), Reason.BINARY_UNKNOWN),
    ],
)
def test_a_machine_without_a_name_fails_only_where_no_handler_could_take_it(binfmt, expected):
    found = outcome(program(executable(None)), kernel=replace(KERNEL, binfmt=binfmt))
    assert found.reason is expected
    assert "ELF machine 0" in found.detail


@pytest.mark.parametrize(
    ("elf", "detail"),
    [
        (Elf(183, 32, "little", None), "32-bit and little-endian for ELF machine 183, of which no known platform is so (arm64 is 64-bit and little-endian; arm64be is 64-bit and big-endian)"),
        (Elf(62, 64, "big", None), "64-bit and big-endian for ELF machine 62, of which no known platform is so (amd64 is 64-bit and little-endian)"),
        (Elf(8, 32, "big", None, flags=0x20), "for mips's CPU (ELF machine 8), in an ABI that no known platform executes"),
        (Elf(247, 64, "little", None), "for ELF machine 247, which no known platform executes"),
    ],
)  # fmt: skip
def test_what_no_platform_executes_is_told_by_what_is_odd_about_it(elf, detail):
    found = outcome(program(replace(executable(None), elf=elf)))
    assert found.detail.endswith(f" is {detail}")


@pytest.mark.parametrize(
    ("elf", "host", "is_open"),
    [
        (Elf(62, 32, "little", None), "amd64", True),  # x32
        (Elf(183, 32, "little", None), "arm64", True),  # ILP32
        (Elf(8, 32, "little", None, flags=0x20), "mips64le", True),  # n32
        (Elf(8, 32, "little", None, flags=0x20), "mips64", False),
        (Elf(62, 32, "little", None), "arm64", False),
        (Elf(62, 64, "big", None), "amd64", False),
        (Elf(62, 32, "little", None), None, False),
    ],
)
def test_narrow_pointers_for_the_host_s_own_cpu_are_for_its_kernel_to_decide(elf, host, is_open):
    kernel = replace(KERNEL, platform=Platform("linux", host) if host else None, binfmt=Binfmt(enabled=False))
    found = outcome(program(replace(executable(None), elf=elf)), kernel=kernel)
    assert (found.reason is Reason.BINARY_UNKNOWN) is is_open


QEMU = BinfmtEntry("qemu-aarch64", True, "/usr/bin/qemu-aarch64-static", "", magic=bytes.fromhex(
    "7f454c460201010000000000000000000200b700"), mask=bytes.fromhex("ffffffffffffff00fffffffffffffffffeffffff"))  # fmt: skip
"""Without the F flag: the interpreter is looked for inside the container."""

EMULATED = replace(KERNEL, binfmt=Binfmt(True, (QEMU,)))
INSIDE = Executable(QEMU.interpreter, "emulator", FileKind.ELF, Elf(62, 64, "little", AMD64))


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ((INSIDE,), Reason.EMULATED),
        ((), Reason.EMULATOR_UNUSABLE),
        (None, Reason.BINARY_UNKNOWN),
        ((replace(INSIDE, elf=None),), Reason.BINARY_UNKNOWN),
        ((replace(INSIDE, elf=replace(INSIDE.elf, interpreter="/lib/ld.so")),), Reason.BINARY_UNKNOWN),
        ((replace(INSIDE, elf=replace(INSIDE.elf, needs=None)),), Reason.BINARY_UNKNOWN),
        ((replace(INSIDE, elf=replace(INSIDE.elf, needs=ARM64)),), Reason.BINARY_UNKNOWN),
    ],
    ids=["static", "none", "not known", "a script", "with a loader", "of no CPU", "for another CPU"],
)
def test_a_handler_without_its_flag_needs_its_emulator_inside_the_image(inside, expected):
    found = outcome(program(FOREIGN, emulators=inside), config=ARM64, kernel=EMULATED)
    status = {Reason.BINARY_UNKNOWN: "unknown", Reason.EMULATED: "emulated", Reason.EMULATOR_UNUSABLE: "mismatch"}
    assert str(found.status) == status[expected], found


def test_a_service_that_an_emulator_starts_is_no_native_one():
    by_host = replace(KERNEL, binfmt=Binfmt(True, (replace(QEMU, flags="F"),)))
    found = outcome(program(HERE, services=(program(HERE), program(FOREIGN))), kernel=by_host)
    assert (found.reason, "starts only through an emulator" in found.detail) == (Reason.EMULATED, True)
    pending = program(HERE, at_run_time="it starts services", services=(program(FOREIGN),))
    assert reason(pending, kernel=by_host) is Reason.SURVEY_PENDING


def test_every_file_that_was_read_stands_in_the_evidence():
    library = Executable("/lib/x.so", "library", FileKind.ELF, HERE.elf)
    many = [replace(library, path=f"/lib/{number}.so") for number in range(21)]
    chain = (SCRIPT, replace(SCRIPT, kind=FileKind.SCRIPT, shebang=""), HERE, *many)
    says = [one.says for one in outcome(program(*chain, partly_read=(digest("b"),))).evidence]
    assert any("script /bin/sh" in one for one in says)
    assert any(one == f"entrypoint /run: {FileKind.SCRIPT}" for one in says)
    assert any("the 21 libraries it needs were read" in one and one.endswith("…") for one in says)
    assert any(one.startswith(digest("b")[:19] + ":") for one in says)
    more = outcome(program(HERE, partly_read=(digest("b"), digest("c"), digest("d")))).evidence
    assert any("with 2 more" in one.says for one in more)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (None, AMD64, False),
        (AMD64, ARM64, False),
        (Platform("linux", "arm", "v6"), Platform("linux", "arm", "v7"), False),
        (Platform("linux", "arm64", "v8"), ARM64, True),
        (Platform("linux", "amd64", "v2"), AMD64, True),
    ],
)
def test_labels_agree_where_a_variant_is_left_out(one, other, same):
    assert agree(one, other) is same
