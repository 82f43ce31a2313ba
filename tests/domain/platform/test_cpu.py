"""CPU levels, from what /proc/cpuinfo says."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.platform.cpu import (
    X86_LEVELS,
    arm64_ladder,
    arm_variant_of_cpuinfo,
    arm_variant_of_machine,
    has_level,
    power_of_cpuinfo,
    riscv_of_isa,
    x86_level_of_flags,
    z_of_cpuinfo,
)

_VECTORS = Path(__file__).parents[2] / "data" / "vectors"
_LEVELS = json.loads((_VECTORS / "cpu_levels.json").read_text(encoding="utf-8"))
_ARM = json.loads((_VECTORS / "arm_cpuinfo.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", _LEVELS["cases"], ids=lambda c: f"{c['level']} {c.get('note', '')}")
def test_flags_add_up_to_a_level(case):
    found = x86_level_of_flags(case["flags"])

    assert (f"v{found}" if found else None) == case["level"]


def test_the_levels_are_those_of_the_rule():
    rule = _LEVELS["rule"]

    assert X86_LEVELS[1:] == (frozenset(rule["v2"]), frozenset(rule["v3_adds"]), frozenset(rule["v4_adds"]))


@given(st.sets(st.sampled_from(sorted(frozenset().union(*X86_LEVELS))), min_size=1))
def test_more_flags_never_mean_a_lower_level(flags):
    level = x86_level_of_flags(flags)

    assert all(x86_level_of_flags(flags | more) >= level for more in X86_LEVELS)


@pytest.mark.parametrize("row", [r for r in _ARM if "cpu_architecture" in r], ids=str)
def test_cpuinfo_tells_the_arm_variant(row):
    found = arm_variant_of_cpuinfo(row["cpu_architecture"], row["model_name"], row["goarch"])

    assert (found or "unknown") == row["variant"]


@pytest.mark.parametrize("row", [r for r in _ARM if "uname_fallback" in r], ids=lambda r: r["uname_fallback"])
def test_the_machine_name_tells_the_arm_variant_where_cpuinfo_does_not(row):
    known = row["out"] not in (None, "unknown")

    assert arm_variant_of_machine(row["uname_fallback"]) == (f"v{row['out']}" if known else None)


@pytest.mark.parametrize(
    ("variant", "ladder"),
    [
        ("", ("v8",)),
        ("v8.2", ("v8.2", "v8.1", "v8")),
        ("v9.1", ("v9.1", "v9", "v8.6", "v8.5", "v8.4", "v8.3", "v8.2", "v8.1", "v8")),
        ("v10", ()),
        ("v8.10", ()),
        ("v9.8", ()),
    ],
)
def test_arm64_generations_follow_one_another(variant, ladder):
    assert arm64_ladder(variant) == ladder


@pytest.mark.parametrize("architecture", ["amd64", "arm", "arm64", "ppc64le", "riscv64", "mips", "386"])
@given(cpu=st.sampled_from(["", "v1", "v3", "v6", "v8.2", "v9", "power9", "rva20u64", "x"]))
def test_a_cpu_always_has_its_own_level(architecture, cpu):
    assert has_level(architecture, cpu, cpu) is not False


@pytest.mark.parametrize(
    ("line", "variant"),
    [
        ("POWER9 (architected), altivec supported", "power9"),
        ("POWER9, altivec supported", "power9"),
        ("POWER8E (raw), altivec supported", "power8"),
        ("POWER8NVL (raw)", "power8"),
        ("POWER10 (architected), altivec supported", "power10"),
        ("Power11 (architected)", "power11"),
        ("POWER7 (raw)", None),
        ("PPC970", None),
        ("", None),
    ],
)
def test_a_power_cpu_tells_its_generation(line, variant):
    assert power_of_cpuinfo(line) == variant


@pytest.mark.parametrize(
    ("line", "variant"),
    [
        ("version = FF,  identification = 0133E8,  machine = 3906", "z14"),
        ("version = 00,  identification = 2B0DE8,  machine = 3931", "z16"),
        ("version = FF,  identification = 100003,  machine = 2964", "z13"),
        ("version = FF,  identification = 100003,  machine = 0000", None),
        ("", None),
    ],
)
def test_a_z_machine_type_tells_its_generation(line, variant):
    assert z_of_cpuinfo(line) == variant


_RVA22 = "zicbom_zicboz_zicntr_zicsr_zifencei_zihpm_zfhmin_zba_zbb_zbs"
_RVA23 = "zcb_zcmop_zfa_zicond_zimop_zawrs_zvbb_zvfhmin"


@pytest.mark.parametrize(
    ("isa", "profile"),
    [
        ("rv64imafdc", "rva20u64"),
        ("rv64imafdc_zicntr_zicsr", "rva20u64"),
        (f"rv64imafdc_{_RVA22}", "rva22u64"),
        (f"rv64imafdch_{_RVA22}_zkt", "rva22u64"),
        (f"rv64imafdcv_{_RVA22}_{_RVA23}", "rva23u64"),
        (f"rv64imafdcv_{_RVA23}", "rva20u64"),
        ("rv64ima", None),
        ("rv32imafdc", None),
        ("", None),
    ],
)
def test_a_riscv_isa_line_tells_the_profile_it_shows_in_full(isa, profile):
    assert riscv_of_isa(isa) == profile
