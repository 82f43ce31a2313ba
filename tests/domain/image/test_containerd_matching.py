"""What containerd and Docker match."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.image import containerd_matching, containers_image
from scanner.domain.image.containerd_matching import accepts_config, only, only_strict
from scanner.domain.platform.platform import Platform
from tests.rows import each_row

_VECTORS = Path(__file__).parents[2] / "data" / "vectors"


def rows(name):
    return json.loads((_VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def of(row):
    if row is None or isinstance(row, str):
        return row and Platform(*row.split("/"))
    return Platform(
        row["os"], row["architecture"], row.get("variant") or "", row.get("os.version", ""), tuple(row.get("os.features", ()))
    )  # fmt: skip


RULES = {
    "containerd Only": lambda host, image: only(host).matches(image),
    "containerd OnlyStrict": lambda host, image: only_strict(host).matches(image),
    "containerd NewMatcher": lambda host, image: only_strict(host).matches(image),
    "containerd windows build compatibility": lambda host, image: only_strict(host).matches(image),
    "moby OnlyPlatformWithFallback": accepts_config,
    "containers/image WantedPlatforms": lambda host, image: bool(containers_image.choose(host, [image])),
}
"""The longest name that a row's rule begins with counts."""


def rule_of(row):
    names = [name for name in RULES if row["rule"].startswith(name) and "OnlyOS" not in row["rule"]]
    return RULES[max(names, key=len)] if names else None


@each_row(
    "row",
    [r for r in rows("match") if rule_of(r)],
    ids=lambda r: f"{r['rule'][:24]}: {of(r['image'])} on {of(r['host'])}",
)
def test_each_rule_matches_what_the_original_matches(row):
    assert rule_of(row)(of(row["host"]), of(row["image"])) == row["runs"]


@each_row("row", rows("match_oracle"), ids=lambda r: f"{r['image']} on {r['host']}")
def test_the_rules_agree_with_the_programs_they_are_taken_from(row):
    host, image = of(row["host"]), of(row["image"])
    found = {
        "Only": only(host).matches(image),
        "OnlyStrict": only_strict(host).matches(image),
        "mobyFallback": accepts_config(host, image),
        "containersImage": bool(containers_image.choose(host, [image])),
    }

    assert found == {name: row[name] for name in found}


@each_row("row", rows("match_windows_oracle"), ids=str)
def test_windows_builds_fit_as_containerd_says(row):
    host = Platform("windows", "amd64", os_version=row["host_os_version"])

    assert only(host).matches(Platform("windows", "amd64", os_version=row["image_os_version"])) == row["Only"]


_SELECT = rows("select")


@each_row("row", [r for r in _SELECT if "containerd_only_order" in r], ids=lambda r: f"{r['index']} on {of(r['host'])}")  # fmt: skip
def test_an_index_is_walked_as_containerd_podman_and_docker_walk_it(row):
    host, entries = of(row["host"]), [of(entry) for entry in row["list"]]
    order = list(containerd_matching.choose(only(host), entries))

    assert (order, next(iter(order), None)) == (row["containerd_only_order"], row["chosen"])
    assert next(iter(containers_image.choose(host, entries)), None) == row["containersImage"]
    assert next(iter(by_preference(host, entries)), None) == row["docker_local_any_prefer_host"]


def by_preference(host, entries):
    """What Docker's containerd store starts of a tag that is already there: any platform, the host's first."""
    return sorted(range(len(entries)), key=lambda place: only(host).sort_key(entries[place]))


@each_row("row", [r for r in _SELECT if "requested" in r], ids=str)
def test_docker_starts_a_local_platform_as_its_containerd_store_does(row):
    host, wanted, entries = of(row["host"]), of(row["requested"]), [of(entry) for entry in row["list"]]

    for strict in (True, False) if row["strict"] is None else (row["strict"],):
        rule = only_strict if strict else only
        order = containerd_matching.choose(rule(wanted), entries) if wanted else by_preference(host, entries)
        assert next(iter(order), None) == row["chosen"]


@each_row(
    "row", [r for r in _SELECT if r["rule"].startswith("containerd sort") and "(OnlyOS)" not in r["rule"]], ids=str
)
def test_entries_sort_as_containerd_sorts_them(row):
    host, entries = of(row["host"]), [of(entry) for entry in row["list"]]

    assert by_preference(host, entries) == row["sorted_order"]


@each_row("row", [r for r in _SELECT if r["rule"].startswith("containerd windowsMatch")], ids=str)
def test_windows_engines_take_the_highest_version_that_fits(row):
    order = list(containerd_matching.choose_on_windows(of(row["host"]), [of(entry) for entry in row["list"]]))

    if "chosen" in row:
        assert order[0] == row["chosen"]
    else:
        assert order == [place for place in row["sorted_order"] if place in order]
        assert sorted(order) == sorted(row["sorted_order"][: len(order)])


@each_row("row", [r for r in _SELECT if r["rule"].startswith("containers/image")], ids=str)
def test_podman_chooses_an_instance_as_containers_image_does(row):
    gzip = [False, True] if not row["rule"].endswith(("true", "false")) else [row["rule"].endswith("true")]

    for prefer_gzip in gzip:
        order = containers_image.choose(
            of(row["host"]), [of(e) for e in row["list"]], row.get("zstd", ()), prefer_gzip=prefer_gzip
        )
        assert next(iter(order), None) == row["chosen"]


@each_row("row", rows("wanted_platforms"), ids=lambda r: str(of(r["choice"])))
def test_podman_looks_for_one_platform_after_another(row):
    assert list(containers_image.wanted_platforms(of(row["choice"]))) == [
        of(wanted) for wanted in row["wanted_in_order"]
    ]


@each_row("row", [r for r in rows("normalize") if r["kind"] == "podman-libimage"], ids=lambda r: str(r["in"]))  # fmt: skip
def test_podman_reads_a_platform_option_in_its_own_way(row):
    assert containers_image.read_choice(of(row["in"])) == of(row["out"])


def test_a_huge_variant_costs_no_more_than_a_small_one():
    assert len(only(Platform("linux", "amd64", "v999999999")).wanted) <= containerd_matching.MAX_VARIANT_STEPS + 1


_PLATFORMS = st.builds(
    Platform,
    st.sampled_from(["linux", "windows", "darwin"]),
    st.sampled_from(["amd64", "386", "arm", "arm64", "ppc64le", "x86_64", "aarch64"]),
    st.sampled_from(["", "v1", "v2", "v3", "v6", "v7", "v8", "v9.2"]),
)


@given(_PLATFORMS, st.lists(_PLATFORMS, max_size=6))
def test_what_is_chosen_is_what_matches(host, entries):
    order = containerd_matching.choose(only(host), entries)

    assert sorted(order) == [place for place, entry in enumerate(entries) if only(host).matches(entry)]


@pytest.mark.parametrize("version", ["9999999999.0.1", "256.0.20348", "10.0", "10.x.1", "0.0.0"])
def test_a_windows_version_beyond_its_limits_is_none(version):
    assert containerd_matching._windows_build(version) is None
