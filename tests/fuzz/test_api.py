"""A short, seeded run of what ``make api-fuzz`` does at length."""

import pytest

from tests.fuzz.api import fuzz, service

pytestmark = pytest.mark.system

PHASES = "examples,fuzzing,stateful"
"""Without the phase coverage, whose fifteen hundred requests are the same in every run: ``make api-fuzz`` sends them."""


def test_schemathesis_finds_nothing(tmp_path):
    (tmp_path / "service").mkdir()
    with service(tmp_path / "service") as (address, registry):
        found = fuzz(address, registry, 2, 1, tmp_path, "--phases", PHASES)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "Tested: 4" in found.stdout  # of some forty operations
