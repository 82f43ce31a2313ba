"""Every claim of docs/security.md names tests that are there."""

import re

import pytest

from tests.faults.named_tests import ROOT, exists

_ROW = re.compile(r"^\| (.+?) \| (`tests/.+) \|$", re.MULTILINE)
CLAIMS = _ROW.findall((ROOT / "docs" / "security.md").read_text())


def test_there_are_claims():
    assert len(CLAIMS) > 15


@pytest.mark.parametrize(("claim", "named"), CLAIMS, ids=[claim[:40] for claim, _ in CLAIMS])
def test_the_tests_of_a_claim_are_there(claim, named):
    tests = re.findall(r"`([^`]+)`", named)
    assert tests
    assert [test for test in tests if not exists(test)] == []
