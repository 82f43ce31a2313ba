"""The files that take longest are started first, so that all workers end together."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

LIST = Path(__file__).parents[1] / "data" / "longest_files.txt"
LONGEST = tuple(LIST.read_text().split())
"""Longest first. Their number of tests, which xdist goes by, says little: what starts engines has few. A file that is not
there comes behind them, one with many tests before one with few."""
REAL_ROOMS = ("tests/system/", "tests/faults/", "tests/cli/", "tests/hooks/", "tests/hosts/")
"""Their files start real parts or whole commands: a new one of a single test may take longer than a thousand others."""


def pytest_configure(config: pytest.Config) -> None:
    """Have workers take files in the order in which they are collected."""
    config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whole files change places, no test moves within its file; one process alone keeps the order of the tree."""
    if hasattr(config, "workerinput"):
        items[:] = longest_first(items)


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The same items, those of ``LONGEST`` before all others, those of ``REAL_ROOMS`` next."""
    place = {name: number for number, name in enumerate(LONGEST)}
    size = Counter(item.location[0] for item in items)

    def key(item: pytest.Item) -> tuple[int, bool, int, str]:
        name = item.location[0]
        return place.get(name, len(place)), not name.startswith(REAL_ROOMS), -size[name], name

    return sorted(items, key=key)
