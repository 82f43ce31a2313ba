"""How other tools match platforms."""

import json
from pathlib import Path

import pytest

from scanner.domain import peers
from scanner.domain.platform.platform import Platform

_VECTORS = Path(__file__).parents[2] / "data" / "vectors"


def rows(name):
    return json.loads((_VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def of(row):
    """The platform of a row; CPU features, which only these tools know, stand among the os features."""
    if row is None or isinstance(row, str):
        return row and Platform(*row.split("/"))
    features = (*row.get("os.features", ()), *(f"cpu:{name}" for name in row.get("features", ())))
    return Platform(row["os"], row["architecture"], row.get("variant") or "", row.get("os.version", ""), features)


RULES = {
    "regclient Compatible": peers.regclient_compatible,
    "regclient Match": peers.regclient_match,
    "ggcr Equals": peers.ggcr_equals,
    "ggcr Satisfies": peers.ggcr_satisfies,
    "ggcr remote matchesPlatform": peers.ggcr_satisfies,
    "oras Match": peers.oras_match,
}


def rule_of(row):
    return next((rule for name, rule in RULES.items() if row["rule"].startswith(name)), None)


@pytest.mark.parametrize(
    "row", [r for r in rows("match") if rule_of(r)], ids=lambda r: f"{r['rule'][:20]}: {r['image']} on {r['host']}"
)
def test_each_tool_matches_as_it_does_itself(row):
    assert rule_of(row)(of(row["host"]), of(row["image"])) == row["runs"]


@pytest.mark.parametrize("row", rows("match_oracle"), ids=lambda r: f"{r['image']} on {r['host']}")
def test_regclient_agrees_with_its_own_run(row):
    assert peers.regclient_compatible(of(row["host"]), of(row["image"])) == row["regclient"]


@pytest.mark.parametrize("row", rows("match_windows_oracle"), ids=str)
def test_regclient_wants_the_same_windows_build(row):
    host, image = (Platform("windows", "amd64", os_version=row[f"{side}_os_version"]) for side in ("host", "image"))

    assert peers.regclient_compatible(host, image) == row["regclient"]


@pytest.mark.parametrize("row", rows("better"), ids=lambda r: r["note"])
def test_regclient_prefers_what_it_prefers(row):
    assert peers.regclient_better(of(row["host"]), of(row["candidate"]), of(row["prev"])) == row["better"]


@pytest.mark.parametrize(
    "row", [r for r in rows("select") if "regclient" in r], ids=lambda r: f"{r['index']} on {r['host']}"
)
def test_regclient_chooses_what_it_chooses(row):
    assert peers.regclient_choose(of(row["host"]), [of(entry) for entry in row["list"]]) == row["regclient"]


LOCAL = Platform("linux", "amd64", "v4")
"""The machine on which the rows were made."""


@pytest.mark.parametrize("row", [r for r in rows("normalize") if r["kind"] == "specifier"], ids=lambda r: r["in"])
def test_regclient_reads_a_specifier_in_its_own_way(row):
    if row["regclient"] is None:
        with pytest.raises(ValueError, match="regclient refuses"):
            peers.regclient_parse(row["in"], LOCAL)
    else:
        assert peers.regclient_parse(row["in"], LOCAL) == of(row["regclient"])


def test_an_entry_without_platform_is_linux_amd64_to_ggcr():
    assert peers.ggcr_satisfies(Platform("linux", "amd64"), None)
    assert not peers.ggcr_satisfies(Platform("linux", "arm64"), None)


def test_regclient_takes_the_local_windows_build_where_none_is_named():
    local = Platform("windows", "amd64", os_version="10.0.20348.1")

    assert peers.regclient_parse("windows/amd64", local).os_version == "10.0.20348.1"
    assert peers.regclient_parse("local", local) == local
