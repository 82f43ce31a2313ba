"""A table in one test is as strict as a test for each row."""

import pytest

CASES = """
import pytest
from tests.rows import each_row

@pytest.fixture
def limit():
    return 2

@each_row("number, word", [(1, "a"), pytest.param(2, "b", id="two"), (3, "c"), pytest.param(4, "d", id="four")])
def test_two_rows_fail(number, word, limit):
    assert number <= limit, f"{word} is too much"

@each_row("number", [1, 2], ids="no {}".format)
def test_a_row_that_raises_what_is_no_assertion_fails(number):
    [][number]

@each_row("number", [1, 2])
def test_a_row_that_does_not_raise_what_it_must_fails(number):
    with pytest.raises(ValueError):
        int("1")

@each_row("number", [1])
def test_a_row_that_skips_fails(number):
    pytest.skip("never")

@each_row("number", (n for n in (1, 2)))
def test_all_rows_hold(number, limit):
    assert number <= limit
"""


def test_every_row_is_looked_at_and_every_fault_names_its_row(pytester):
    pytester.makepyfile(CASES)
    outcome = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:asyncio")
    outcome.assert_outcomes(passed=1, failed=4)
    outcome.stdout.fnmatch_lines([
        "2 of 4 rows", "row 2: 3 - 'c'", "*line 10, in*", "*c is too much", "row 3: four", "*d is too much",
        "2 of 2 rows", "row 0: no 1", "IndexError*", "row 1: no 2", "row 0: 1", "*DID NOT RAISE*", "row 0: 1", "it skips*",
    ])  # fmt: skip


def test_of_many_faults_the_rows_are_named_all_the_same(pytester, monkeypatch):
    monkeypatch.delenv("CI", raising=False)  # pytest tells all of it twice there
    pytester.makepyfile("""
from tests.rows import each_row

@each_row("number", range(100))
def test_numbers(number):
    assert number < 50
""")
    outcome = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:asyncio")
    outcome.stdout.fnmatch_lines(["50 of 100 rows", "row 50: 50", "Traceback*", "row 99: 99"])
    assert outcome.stdout.str().count("Traceback") == 20


WRONG = {
    "a table without rows": 'each_row("number", [])(lambda number: None)',
    "a parameter that no test has": 'each_row("number", [1])(lambda word: None)',
    "rows that wait": 'each_row("number", [1])(wait)',
    "rows with marks": 'each_row("number", [pytest.param(1, marks=pytest.mark.skip)])(lambda number: None)',
}


@pytest.mark.parametrize("what", WRONG)
def test_what_would_test_nothing_is_refused(what, pytester):
    pytester.makepyfile(f"import pytest\nfrom tests.rows import each_row\nasync def wait(number): ...\n{WRONG[what]}\n")
    outcome = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:asyncio")
    outcome.assert_outcomes(errors=1)
    outcome.stdout.fnmatch_lines(["*AssertionError*"])


def test_a_row_of_another_length_than_its_names_is_a_fault(pytester):
    pytester.makepyfile("""
from tests.rows import each_row

@each_row("a, b", [(1, 2), (1, 2, 3)])
def test_pairs(a, b):
    assert a < b
""")
    pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:asyncio").assert_outcomes(failed=1)
