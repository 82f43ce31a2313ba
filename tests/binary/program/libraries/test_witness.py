"""Our search for libraries against the loaders that own it: glibc's and musl's run in scratch roots."""

from __future__ import annotations

import pytest

from scanner.domain.verdict.reason import Reason
from tests.binary.program.libraries.cases import CASES
from tests.binary.program.libraries.kit import Root
from tests.binary.program.libraries.symbol_cases import SYMBOL_CASES

SAID_OF_WHAT_IS_TOO_OLD = ("not found (required by", "undefined symbol", "not defined in file", ": symbol not found")


@pytest.mark.parametrize("case", [*CASES, *SYMBOL_CASES], ids=lambda case: case.name)
def test_a_program_ends_in_its_loader_only_where_the_loader_says_so(kit, tmp_path, case):
    root = Root(tmp_path / "root", kit.folder.parent / "base")
    root.put(case.files(kit))
    if case.cache is not None:
        root.ldconfig(*case.cache)
    root.put(case.after(kit) if case.after else {})
    run = root.judged(case.argv, case.env)
    reason = run.problem.reason if run.problem else None
    outcome = root.outcome(case.argv, case.env)
    assert (reason, run.problem) == (case.expected, run.problem), outcome
    if reason is not Reason.BINARY_UNKNOWN:
        assert (reason is None) == (outcome == "ran"), f"{run.problem}: {outcome}"
    if reason is Reason.LIBRARY_TOO_OLD:
        assert any(words in outcome for words in SAID_OF_WHAT_IS_TOO_OLD), outcome


def test_the_table_is_large_enough_to_mean_something():
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)
