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
    x86_level_of_flags,
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
