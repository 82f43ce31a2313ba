"""What starts on which kernel and CPU."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.facts import Binfmt, BinfmtEntry, Kernel
from scanner.domain.platform.binfmt import parse_entry
from scanner.domain.platform.platform import Platform, parse
from scanner.domain.verdict.execution import How, executes
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from tests.rows import each_row

_VECTORS = Path(__file__).parents[2] / "data" / "vectors"
_ROWS = json.loads((_VECTORS / "kernel_native.json").read_text(encoding="utf-8"))
_ENTRIES = json.loads((_VECTORS / "binfmt.json").read_text(encoding="utf-8"))


def entry(name, *, enabled=True, flags="F"):
    """A handler of this name as real kernels print it."""
    row = next(r for r in _ENTRIES if r["name"] == name and r.get("content"))
    found = parse_entry(name, row["content"])
    return BinfmtEntry(name, enabled, found.interpreter, flags, found.offset, found.magic, found.mask)


def handlers(*entries, enabled=True):
    return Binfmt(enabled, entries)


NO_HANDLERS = handlers()


def kernel(platform, machine="", **facts):
    return Kernel("Linux", machine, platform=parse(platform), **facts)


def _aarch32(facts):
    if "kernel_compat" in facts:
        return facts["kernel_compat"]
    match facts.get("aarch32_el0"):
        case "all":
            return True
        case "none":
            return False
        case "some":
            return facts["allow_mismatched_32bit_el0"]
    return None


def _binfmt(facts):
    if "binfmt" not in facts:
        return NO_HANDLERS
    entries = [
        entry(text.split()[0], enabled="enabled" in text, flags="F" if text.endswith(" F") else "")
        for text in facts["binfmt"]
    ]
    return handlers(*entries, enabled=facts.get("binfmt_status") != "disabled")


def _kernel_of(row):
    facts = row["host_facts"]
    level = facts.get("cpu_level")
    return kernel(
        row["host"],
        cpu_level=int(level[1:]) if level else None,
        aarch32=_aarch32(facts),
        ia32=facts.get("ia32_emulation"),
        arm_version=facts.get("cpu"),
        kernel_bits=facts.get("kernel_bits"),
        release=facts.get("release", ""),
        binfmt=_binfmt(facts),
    )


def _need(text):
    os, architecture, *variant = text.split("/")
    return Platform(os, architecture, *variant)


@each_row("row", _ROWS, ids=lambda r: f"{r['image']} on {r['host']} {r['host_facts']}")
def test_what_really_runs_is_what_was_measured(row):
    found = executes(_kernel_of(row), _need(row["image"]))

    native = {How.NATIVE: True, How.UNKNOWN: None}.get(found.how, False)
    assert native == row["runs_natively"], found
    if "runs_emulated" in row:
        assert (found.how is How.EMULATED) == row["runs_emulated"], found


ROSETTA, QEMU_ARM64, QEMU_ARM = entry("rosetta"), entry("qemu-aarch64"), entry("qemu-arm")
QEMU_AMD64, QEMU_386 = entry("qemu-x86_64"), entry("qemu-i386")


@pytest.mark.parametrize(
    ("host", "need", "reason"),
    [
        # levels of one architecture
        (kernel("linux/amd64", cpu_level=2), "linux/amd64/v3", Reason.CPU_LEVEL_TOO_LOW),
        (kernel("linux/amd64", cpu_level=3), "linux/amd64/v3", Reason.NATIVE),
        (kernel("linux/amd64"), "linux/amd64/v2", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/amd64"), "linux/amd64/v1", Reason.NATIVE),
        (kernel("linux/amd64", cpu_level=4), "linux/amd64/v9", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/arm64", arm_version="v8.2"), "linux/arm64/v8.1", Reason.NATIVE),
        (kernel("linux/arm64", arm_version="v8.2"), "linux/arm64/v9", Reason.CPU_LEVEL_TOO_LOW),
        (kernel("linux/arm64", arm_version="v9"), "linux/arm64/v8.5", Reason.NATIVE),
        (kernel("linux/arm64", arm_version="v9"), "linux/arm64/v9.1", Reason.CPU_LEVEL_TOO_LOW),
        (kernel("linux/arm64", arm_version="v8"), "linux/arm64/v8.1", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/arm64"), "linux/arm64/v42", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/arm/v7", arm_version="v6"), "linux/arm/v7", Reason.CPU_LEVEL_TOO_LOW),
        (kernel("linux/arm/v6"), "linux/arm", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/arm/v7"), "linux/arm", Reason.NATIVE),
        (kernel("linux/ppc64le"), "linux/ppc64le/power8", Reason.NATIVE),
        (kernel("linux/ppc64le"), "linux/ppc64le/power9", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/ppc64le", cpu_variant="power8"), "linux/ppc64le/power9", Reason.CPU_LEVEL_TOO_LOW),
        (kernel("linux/ppc64le", cpu_variant="power10"), "linux/ppc64le/power9", Reason.NATIVE),
        (kernel("linux/s390x"), "linux/s390x/z14", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/s390x", cpu_variant="z13"), "linux/s390x/z14", Reason.CPU_LEVEL_TOO_LOW),
        (kernel("linux/s390x", cpu_variant="z16"), "linux/s390x/z14", Reason.NATIVE),
        (kernel("linux/riscv64"), "linux/riscv64/rva22u64", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/riscv64", cpu_variant="rva20u64"), "linux/riscv64/rva22u64", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/riscv64", cpu_variant="rva23u64"), "linux/riscv64/rva22u64", Reason.NATIVE),
        (kernel("linux/riscv64", cpu_variant="rva23u64"), "linux/riscv64/zbc", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/loong64", release="6.1.0"), "linux/loong64", Reason.NATIVE),
        (kernel("linux/loong64", release="4.19.0-19-loongson-3"), "linux/loong64/abi1", Reason.NATIVE),
        (kernel("linux/loong64", release="6.1.0"), "linux/loong64/abi1", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/loong64", release="4.19.0-19-loongson-3"), "linux/loong64", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/loong64"), "linux/loong64/abi1", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/loong64"), "linux/loong64", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/loong64", release="6.1.0"), "linux/loong64/lasx", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/mips"), "linux/mips/softfloat", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/386"), "linux/386/softfloat", Reason.NATIVE),
        # 32-bit programs on 64-bit kernels
        (kernel("linux/arm64"), "linux/arm/v7", Reason.AARCH32_UNKNOWN),
        (kernel("linux/arm64", aarch32=False, binfmt=NO_HANDLERS), "linux/arm/v7", Reason.AARCH32_MISSING),
        (kernel("linux/arm64", aarch32=False), "linux/arm/v7", Reason.EMULATOR_UNKNOWN),
        (kernel("linux/arm64", aarch32=True), "linux/arm", Reason.NATIVE),
        (kernel("linux/arm64", userland_bits=32), "linux/arm/v7", Reason.NATIVE),
        (kernel("linux/amd64"), "linux/386", Reason.IA32_UNKNOWN),
        (kernel("linux/amd64", ia32=True), "linux/386", Reason.NATIVE),
        (kernel("linux/amd64", ia32=False, binfmt=NO_HANDLERS), "linux/386", Reason.IA32_MISSING),
        (kernel("linux/amd64", userland_bits=32), "linux/386", Reason.NATIVE),
        (kernel("linux/s390x"), "linux/s390", Reason.HOST_ARCH_UNKNOWN),
        # 64-bit programs where a 32-bit shell answered
        (kernel("linux/386", "i686", binfmt=NO_HANDLERS), "linux/amd64", Reason.HOST_ARCH_UNKNOWN),
        (kernel("linux/386", "i586", binfmt=NO_HANDLERS), "linux/amd64", Reason.WRONG_PLATFORM),
        (kernel("linux/386", "i686", kernel_bits=32, binfmt=NO_HANDLERS), "linux/amd64", Reason.WRONG_PLATFORM),
        (kernel("linux/386", "i686", kernel_bits=64, cpu_level=2), "linux/amd64/v3", Reason.CPU_LEVEL_TOO_LOW),
        (kernel("linux/arm/v8", "armv8l", binfmt=NO_HANDLERS), "linux/arm64", Reason.HOST_ARCH_UNKNOWN),
        # foreign architectures
        (kernel("linux/amd64"), "linux/arm64", Reason.EMULATOR_UNKNOWN),
        (kernel("linux/amd64", binfmt=NO_HANDLERS), "linux/arm64", Reason.WRONG_PLATFORM),
        (kernel("linux/amd64", binfmt=handlers(QEMU_ARM64)), "linux/arm64", Reason.EMULATED),
        (kernel("linux/amd64", binfmt=handlers(QEMU_ARM64)), "linux/arm/v7", Reason.WRONG_PLATFORM),
        (kernel("linux/amd64", binfmt=handlers(QEMU_ARM64, enabled=False)), "linux/arm64", Reason.EMULATOR_UNUSABLE),
        (
            kernel("linux/amd64", binfmt=handlers(entry("qemu-aarch64", enabled=False))),
            "linux/arm64",
            Reason.EMULATOR_UNUSABLE,
        ),
        (
            kernel("linux/amd64", binfmt=handlers(entry("qemu-aarch64", flags="OC"))),
            "linux/arm64",
            Reason.EMULATOR_UNUSABLE,
        ),
        (
            kernel("linux/amd64", binfmt=handlers(QEMU_ARM64, entry("qemu-aarch64", flags=""))),
            "linux/arm64",
            Reason.EMULATOR_UNKNOWN,
        ),
        (kernel("linux/arm64", binfmt=handlers(ROSETTA)), "linux/amd64", Reason.EMULATED),
        (kernel("linux/arm64", binfmt=handlers(ROSETTA)), "linux/amd64/v3", Reason.CPU_LEVEL_UNKNOWN),
        (kernel("linux/arm64", binfmt=handlers(ROSETTA)), "linux/386", Reason.WRONG_PLATFORM),
        (kernel("linux/amd64", binfmt=handlers(QEMU_ARM)), "linux/arm/v7", Reason.EMULATED),
        (kernel("linux/arm64", binfmt=handlers(QEMU_ARM)), "linux/arm/v7", Reason.EMULATED),
        # handlers for what the host executes itself
        (kernel("linux/amd64", binfmt=handlers(QEMU_AMD64)), "linux/amd64", Reason.NATIVE_SHADOWED),
        (kernel("linux/amd64", ia32=True, binfmt=handlers(QEMU_386)), "linux/386", Reason.NATIVE_SHADOWED),
        (kernel("linux/arm64", aarch32=True, binfmt=handlers(QEMU_ARM)), "linux/arm/v6", Reason.NATIVE_SHADOWED),
        (
            kernel("linux/amd64", binfmt=handlers(entry("qemu-x86_64", flags=""))),
            "linux/amd64",
            Reason.EMULATOR_UNUSABLE,
        ),
        (kernel("linux/amd64", binfmt=handlers(QEMU_AMD64, enabled=False)), "linux/amd64", Reason.NATIVE),
        # other systems, other things than images, machines that nobody understood
        (kernel("windows/amd64"), "linux/amd64", Reason.WRONG_PLATFORM),
        (kernel("linux/amd64"), "windows/amd64", Reason.WRONG_PLATFORM),
        (kernel("darwin/arm64", binfmt=NO_HANDLERS), "linux/arm/v7", Reason.AARCH32_MISSING),
        (kernel("darwin/arm64", binfmt=NO_HANDLERS), "linux/arm64", Reason.NATIVE),
        (kernel("darwin/arm64", binfmt=NO_HANDLERS), "darwin/arm64", Reason.WRONG_PLATFORM),
        (kernel("darwin/amd64"), "darwin/amd64", Reason.WRONG_PLATFORM),
        (kernel("freebsd/amd64"), "freebsd/amd64", Reason.NATIVE),
        (kernel("linux/amd64"), "unknown/unknown", Reason.IMAGE_NOT_AN_IMAGE),
        (kernel("linux/amd64"), "linux/sh4", Reason.IMAGE_ARCH_UNKNOWN),
        (kernel("linux/amd64"), "/amd64", Reason.IMAGE_ARCH_UNKNOWN),
        (kernel("linux/amd64"), "wasip1/wasm", Reason.WRONG_PLATFORM),
        (Kernel("Linux", "mips64"), "linux/mips64", Reason.HOST_ARCH_UNKNOWN),
        (Kernel("FreeBSD", "arm", platform=Platform("freebsd", "arm")), "freebsd/arm/v7", Reason.CPU_LEVEL_UNKNOWN),
    ],
)
def test_every_case_has_its_reason(host, need, reason):
    found = executes(host, _need(need))

    assert found.reason == reason, found
    expected = {
        Status.OK: How.NATIVE, Status.EMULATED: How.EMULATED, Status.MISMATCH: How.NO, Status.UNKNOWN: How.UNKNOWN,
    }  # fmt: skip
    assert found.how == expected[STATUS_OF[reason]]
    assert found.detail or found.how is How.NATIVE


def test_the_detail_names_the_emulator():
    host = kernel("linux/arm64", binfmt=handlers(ROSETTA))

    assert "Rosetta (/mnt/lima-rosetta/rosetta)" in executes(host, Platform("linux", "amd64")).detail


def test_large_pages_are_told_though_they_prove_nothing():
    host = kernel("linux/arm64", page_size=16384)

    found = executes(host, Platform("linux", "arm", "v7"))

    assert (found.reason, "16384" in found.detail) == (Reason.AARCH32_UNKNOWN, True)


def test_the_other_byte_order_is_called_so():
    found = executes(kernel("linux/ppc64le", binfmt=NO_HANDLERS), Platform("linux", "ppc64"))

    assert "byte order" in found.detail


@pytest.mark.parametrize("spelling", ["x86_64", "x86-64", "amd64"])
def test_a_need_is_understood_in_any_spelling(spelling):
    assert executes(kernel("linux/amd64"), Platform("Linux", spelling)).how is How.NATIVE


_ARCHITECTURES = st.sampled_from(["amd64", "386", "arm64", "arm", "ppc64le", "riscv64", "s390x", "mips", "armbe"])
_LEVELS = st.sampled_from(["", "v1", "v2", "v3", "v6", "v7", "v8", "v8.2", "v9", "power9", "rva22u64", "x"])
_KERNELS = st.builds(
    Kernel,
    st.just("Linux"),
    st.just(""),
    platform=st.builds(Platform, st.just("linux"), _ARCHITECTURES),
    cpu_level=st.sampled_from([None, 1, 2, 3, 4]),
    arm_version=st.sampled_from([None, "v6", "v7", "v8", "v8.2", "v9"]),
    aarch32=st.sampled_from([None, True, False]),
    ia32=st.sampled_from([None, True, False]),
    binfmt=st.sampled_from([
        None, NO_HANDLERS, handlers(ROSETTA), handlers(QEMU_ARM, QEMU_386), handlers(QEMU_ARM64, enabled=False),
        handlers(entry("qemu-arm", flags=""), QEMU_ARM64), handlers(entry("qemu-x86_64", enabled=False)),
    ]),
)  # fmt: skip
_NEEDS = st.builds(Platform, st.just("linux"), _ARCHITECTURES, _LEVELS)


@given(_KERNELS, _NEEDS, st.sampled_from(["cpu_level", "arm_version", "aarch32", "ia32", "platform"]))
def test_forgetting_a_fact_leaves_the_answer_or_makes_it_unknown(host, need, fact):
    known, forgotten = executes(host, need), executes(replace(host, **{fact: None}), need)

    assert forgotten.how in {known.how, How.UNKNOWN}


@given(_KERNELS, _NEEDS)
def test_unknown_handlers_never_prove_that_a_foreign_program_fails(host, need):
    found = executes(replace(host, binfmt=None), need)

    if found.how is How.NO:
        assert found.reason is Reason.CPU_LEVEL_TOO_LOW


@given(_KERNELS, _NEEDS)
def test_only_what_starts_by_itself_is_ok(host, need):
    found = executes(host, need)

    assert (found.how is How.NATIVE) == (STATUS_OF[found.reason] is Status.OK)
    assert (found.how is How.EMULATED) == (STATUS_OF[found.reason] is Status.EMULATED)
