"""The library's own writer is the witness: a document in pieces is the one that ``json.dumps`` gives."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from scanner.formats.documents import json_writer

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


def written(head, rows):
    return "".join(json_writer.pieces(head, {name: iter(items) for name, items in rows.items()}))


@given(st.dictionaries(TEXT, VALUES, max_size=3), st.dictionaries(TEXT, st.lists(VALUES, max_size=4), max_size=2))
def test_pieces_are_the_document_that_the_library_writes(head, rows):
    rows = {name: items for name, items in rows.items() if name not in head}
    assert written(head, rows) == json.dumps(head | rows, indent=2, ensure_ascii=False)


def test_a_long_list_comes_in_many_pieces():
    rows = range(10 * json_writer.ROWS_A_PIECE)
    found = list(json_writer.pieces({"a": 1}, {"rows": rows}))
    assert json.loads("".join(found)) == {"a": 1, "rows": list(rows)}
    assert max(map(len, found)) < 20 * json_writer.ROWS_A_PIECE


def test_half_a_surrogate_pair_costs_that_letter_alone():
    assert json.loads(written({"\udc80": "a\ud800b"}, {"rows": [["\udfff"]]})) == {"�": "a�b", "rows": [["�"]]}
