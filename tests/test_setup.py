"""The set-up that a newcomer runs: its scripts, its lock, its list of packages."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()
PINS = {canonicalize_name(name): version for name, version in re.findall(r"^([\w.\[\]-]+)==(\S+)$", LOCK, re.MULTILINE)}


@pytest.mark.parametrize("script", [".ci/run", ".ci/setup", ".ci/audit"])
def test_shellcheck_has_no_complaint(script, require):
    done = subprocess.run(
        [require("shellcheck", "shellcheck"), ROOT / script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("wanted", PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"])
def test_the_lock_satisfies_every_dependency(wanted):
    requirement = Requirement(wanted)
    assert PINS[canonicalize_name(requirement.name)] in requirement.specifier


def test_the_lock_pins_a_package_once():
    names = [line.partition("==")[0].lower().replace("_", "-") for line in LOCK.splitlines() if "==" in line]
    assert sorted(set(names)) == sorted(names)


def test_the_lock_names_no_machine_and_no_index():
    lines = LOCK.splitlines()
    assert [line for line in lines if not line.startswith("#") and not re.fullmatch(r"[\w.-]+==[\w.+!]+", line)] == []


def test_the_package_list_is_sorted_and_without_repeats():
    names = [line for line in (ROOT / "tests/packages.txt").read_text().splitlines() if not line.startswith("#")]
    assert names == sorted(set(names))


def test_every_required_program_s_package_is_on_the_list():
    listed = set((ROOT / "tests/packages.txt").read_text().split())
    asked = {
        match[1]
        for path in (ROOT / "tests").rglob("*.py")
        for match in re.finditer(r'\brequire\(\s*[^,()]+(?:\[[^]]+\])?,\s*"([\w.-]+)"', path.read_text())
    } - {"nosuch-package"}
    assert asked
    assert asked <= listed


def test_ci_runs_what_a_contributor_runs_before_a_merge():
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("lint architecture collection && exec make test")
    planned = subprocess.run(["make", "-C", ROOT, "-n", "check"], capture_output=True, text=True, check=True).stdout
    promised = ["ruff check .", "ruff format --check .", "mypy", "pytest tests/test_architecture.py", "pytest -n 4"]
    assert sorted(promised, key=planned.index) == promised  # what takes seconds comes before what takes minutes


def test_every_make_target_is_in_the_help():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"python", "packages"}
    shown = subprocess.run(
        ["make", "-C", ROOT, "--no-print-directory", "help"], capture_output=True, text=True, check=True
    )
    assert {line.split()[1] for line in shown.stdout.splitlines()} == targets


def test_a_program_that_somebody_else_brought_needs_no_package(tmp_path, require):
    require("dpkg-query", "dpkg")
    for folder in (".ci", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / ".ci/setup").write_text((ROOT / ".ci/setup").read_text())
    (tmp_path / "tests/packages.txt").write_text("# one or another\nnosuch-package # or sh\n")
    done = subprocess.run(["sh", tmp_path / ".ci/setup", "packages"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list((tmp_path / ".setup").glob("packages-*"))
