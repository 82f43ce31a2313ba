"""The list of parts of a release, held against the library of those who own its format."""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release import sbom as release_sbom
from release.sbom import UnpinnedError, closure, pins, sbom

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()


@pytest.fixture(scope="module")
def made():
    return sbom(PROJECT, LOCK)


def test_its_owners_find_it_valid(made):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(made)) is None


def test_it_names_every_runtime_dependency_at_its_pin(made):
    named = {one["name"]: one["version"] for one in made["components"]}
    wanted = [*PROJECT["dependencies"], *(one for extra in PROJECT["optional-dependencies"].values() for one in extra)]
    for text in wanted:
        requirement = Requirement(text)
        name = str(canonicalize_name(requirement.name))
        assert named[name] == pins(LOCK)[name]
        assert named[name] in requirement.specifier


def test_it_names_what_those_need_in_turn_and_nothing_of_the_tests(made):
    named = {one["name"] for one in made["components"]}
    assert {"starlette", "httpcore", "pydantic-core", "mako", "cffi", "psycopg-binary"} <= named
    assert not {"pytest", "ruff", "hypothesis", "coverage"} & named
    references = {one["bom-ref"] for one in made["components"]} | {made["metadata"]["component"]["bom-ref"]}
    assert all({one["ref"], *one["dependsOn"]} <= references for one in made["dependencies"])


def test_a_part_without_a_pin_makes_no_list():
    with pytest.raises(UnpinnedError, match=r"no pin for .*jinja2"):
        sbom(PROJECT, LOCK.replace("Jinja2==", "Other=="))


def test_an_extra_that_is_asked_for_later_counts_too(monkeypatch):
    class Told:
        requires = ('b; extra == "x"', 'c; python_version < "3"')

    monkeypatch.setattr(release_sbom, "distribution", lambda name: Told() if name == "a" else type("No", (), {"requires": None}))  # fmt: skip
    assert closure(["a"]) == {"a": ()}
    assert closure(["a", "a[x]"]) == {"a": ("b",), "b": ()}
    assert closure(["a[x]", "a"]) == {"a": ("b",), "b": ()}


def test_make_release_is_one_command():
    told = subprocess.run(["make", "-C", ROOT, "-n", "release"], capture_output=True, text=True, check=True).stdout
    assert "-m release.build" in told


def test_who_checks_asks_for_known_weaknesses_too():
    told = subprocess.run(["make", "-C", ROOT, "-n", "check"], capture_output=True, text=True, check=True).stdout
    assert ".ci/audit" in told
