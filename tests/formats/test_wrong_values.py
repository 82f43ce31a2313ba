"""What pydantic finds wrong is told in words of ours, whatever it finds."""

import re

import pytest
from pydantic_core import PydanticKnownError
from pydantic_core._pydantic_core import list_all_errors

from scanner.formats.wrong_values import choice, words

ITS_OWN = re.compile(r"Input should|Value error|Field required|Extra inputs|dictionary|tuple|should ")


SAID_BY_US = {"value_error", "assertion_error"}
OF_CALLS = {"dataclass_type", "named_tuple_type", "arguments_type"}
KNOWN = [one for one in list_all_errors() if one["type"] not in SAID_BY_US | OF_CALLS]


@pytest.mark.parametrize("known", KNOWN, ids=[one["type"] for one in KNOWN])
def test_each_kind_of_error_has_words_of_ours(known):
    raised = PydanticKnownError(known["type"], known.get("example_context"))
    error = {"type": raised.type, "msg": raised.message(), "ctx": raised.context or {}, "input": None}
    said = words(error)
    assert said
    assert ITS_OWN.search(said) is None


def test_numbers_to_choose_from_are_told():
    error = {"type": "literal_error", "msg": "", "ctx": {"expected": "'a 1', 2 or 3"}, "input": 4}
    assert words(error) == "must be one of a 1, 2, 3"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("mismatsh", "must be one of ok, mismatch; did you mean mismatch?"),
        (5, "must be one of ok, mismatch"),
    ],
)
def test_a_word_that_is_none_is_answered_with_the_nearest(value, said):
    assert choice(value, ["ok", "mismatch"]) == said
