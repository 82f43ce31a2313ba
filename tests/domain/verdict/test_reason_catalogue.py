"""The page of reasons."""

from __future__ import annotations

from pathlib import Path

from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.reason_catalogue import MEANING, page

ROOT = Path(__file__).parents[3]


def test_every_reason_has_its_sentence():
    assert set(MEANING) == set(Reason)
    assert all(sentence.endswith(".") for sentence in MEANING.values())


def test_the_page_of_reasons_is_what_the_code_says():
    assert (ROOT / "docs/reasons.md").read_text() == page(), (
        "run: python -m scanner.domain.verdict.reason_catalogue > docs/reasons.md"
    )
