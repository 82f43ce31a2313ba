"""What each reason means."""

from __future__ import annotations

from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.reason_catalogue import MEANING


def test_every_reason_has_its_sentence():
    assert set(MEANING) == set(Reason)
    assert all(sentence.endswith(".") for sentence in MEANING.values())
