"""Every row of the fault catalogue is proved by a test that is there."""

import pytest

from tests.faults.catalogue import CATALOGUE, IDS
from tests.faults.named_tests import exists
from tests.faults.test_fleet_faults import ROWS


def test_every_row_is_there_once():
    assert tuple(CATALOGUE) == IDS
    assert len({claim for claim, _ in CATALOGUE.values()}) == len(IDS)


@pytest.mark.parametrize("row", CATALOGUE)
def test_the_tests_of_a_row_are_there(row):
    _, proofs = CATALOGUE[row]
    assert proofs
    assert [proof for proof in proofs if not exists(proof)] == []


def test_a_row_that_claims_a_healthy_fleet_is_injected_into_one():
    injected = {row for row, *_ in ROWS}
    parametrized = ("costs_itself", "never_falsely_ok")
    claimed = {row for row, (_, proofs) in CATALOGUE.items() if any(proof.endswith(parametrized) for proof in proofs)}
    assert claimed == injected
