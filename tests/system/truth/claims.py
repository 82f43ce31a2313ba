"""What must hold of every kind of image, whichever engine ran it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import pytest

from tests.system.truth import recordings
from tests.system.truth.build import Kind
from tests.system.truth.comparison import STARTS, Case
from tests.system.truth.generations import GENERATIONS


def rows(kinds: Iterable[Kind]) -> list[object]:
    """The kinds as parameters."""
    return [pytest.param(kind, id=kind.id) for kind in kinds]


_THE_SAME = {"config_disagrees": "mislabelled"}
"""A label lies: which one is told depends on which digests the engine remembers, of the index or of the manifest."""


def the_verdict_agrees(case: Case) -> None:
    """``ok`` if and only if it really started, ``mismatch`` or ``broken`` if and only if it really did not."""
    for finding in filter(None, (case.planned, case.container)):
        contradiction = case.disagreement(finding)
        assert not contradiction, contradiction


def it_was_recorded(kind: Kind, case: Case, generation: str) -> None:
    """What stands in for an engine where none runs is what that engine does."""
    outcome = _recording(generation).outcomes.get(kind.id)
    assert outcome is None or outcome.started == case.outcome.started, f"recorded: {outcome}; now it {case.outcome}"


@cache
def _recording(name: str) -> recordings.Recording:
    return recordings.load(next(each for each in GENERATIONS if each.name == name))


def running_changes_nothing(case: Case) -> None:
    """What was planned is judged as what has run; only what was unknown may be known by then."""
    if case.container is None:
        assert case.planned["status"] not in STARTS, "the engine made no container"
    elif "unknown" not in {case.planned["status"], case.container["status"]}:
        assert _told(case.container) == _told(case.planned), case.container["detail"]
    else:
        assert case.planned["status"] == "unknown", case.container


def _told(finding: Mapping[str, Any]) -> tuple[str, str]:
    return finding["status"], _THE_SAME.get(finding["reason"], finding["reason"])
