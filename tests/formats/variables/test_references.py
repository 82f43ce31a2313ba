"""References are found as a regular expression would find them, in one pass."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.formats.variables.references import Grammar
from tests import counted

GRAMMARS = [
    (Grammar("{", "}", forbidden=":"), re.compile(r"\$\$|\$\{([^}:]*)\}")),
    (Grammar("(", ")"), re.compile(r"\$(?:\$|\(([^)]*)\))")),
]


@pytest.mark.parametrize(("grammar", "pattern"), GRAMMARS, ids=["systemd", "Kubernetes"])
@given(text=st.text(st.sampled_from("$({:})ab"), max_size=40))
def test_what_is_found_is_what_the_grammar_says(grammar, pattern, text):
    assert [tuple(one) for one in grammar.within(text)] == [(*one.span(), one[1]) for one in pattern.finditer(text)]


@pytest.mark.parametrize(("grammar", "opened"), [(GRAMMARS[0][0], "${"), (GRAMMARS[1][0], "$(")])
@pytest.mark.parametrize("end", ["", ":", "x"])
def test_many_that_nothing_closes_cost_one_pass(grammar, opened, end):
    with counted.in_proportion():
        assert list(grammar.within(opened * 500_000 + end)) == []
