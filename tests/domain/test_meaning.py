"""The page of reasons."""

from __future__ import annotations

from pathlib import Path

from scanner.domain.meaning import MEANING, page
from scanner.domain.reason import Reason

ROOT = Path(__file__).parents[2]


def test_every_reason_has_its_sentence():
    assert set(MEANING) == set(Reason)
    assert all(sentence.endswith(".") for sentence in MEANING.values())


def test_the_page_of_reasons_is_what_the_code_says():
    assert (ROOT / "docs/reasons.md").read_text() == page(), "run: python -m scanner.domain.meaning > docs/reasons.md"
