"""The order in which workers read test files, in which they take them: all begin together, all end together."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

TESTS = Path(__file__).parents[1]
LIST = TESTS / "data" / "longest_files.txt"
LONGEST = tuple(LIST.read_text().split())
"""Longest first. Their number of tests, which xdist goes by, says little: what starts engines has few. A file that is not
there comes behind them, one with many tests before one with few."""
REAL_ROOMS = ("tests/system/", "tests/faults/", "tests/cli/", "tests/hooks/", "tests/hosts/")
"""Their files start real parts or whole commands: a new one of a single test may take longer than a thousand others."""


def pytest_configure(config: pytest.Config) -> None:
    """Have workers take files in the order in which they are collected; have each begin to read at another place.

    In a fresh clone whoever reads a file first compiles it, with pytest's asserts in it, and keeps that for the others.
    Were all to read the same files at the same time, each would compile all of them: half of what a start costs.
    """
    config.option.loadscopereorder = False
    if hasattr(config, "workerinput") and config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        number = int(config.workerinput["workerid"].removeprefix("gw"))
        config.args = [str(entry) for entry in turned(TESTS, number, config.workerinput["workercount"])]


def turned(folder: Path, number: int, count: int) -> list[Path]:
    """What stands in a folder, from the place on where worker ``number`` of ``count`` begins its share, then the rest."""
    entries = sorted(
        entry for entry in folder.iterdir() if (entry.is_dir() and entry.name != "__pycache__") or is_test(entry)
    )
    sizes = [sum(file.stat().st_size for file in entry.rglob("*.py")) + 1 if entry.is_dir() else 1 for entry in entries]
    before = list(itertools.accumulate(sizes, initial=0))
    begin = next(place for place, size in enumerate(before) if size * count >= number * before[-1])
    return entries[begin:] + entries[:begin]


def is_test(file: Path) -> bool:
    """Whether pytest takes a file as one with tests, unasked."""
    return file.name.startswith("test_") and file.suffix == ".py"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whole files change places, no test moves within its file; one process alone keeps the order of the tree."""
    if hasattr(config, "workerinput"):
        items[:] = longest_first(items)


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The same items, those of ``LONGEST`` before all others, those of ``REAL_ROOMS`` next."""
    place = {name: number for number, name in enumerate(LONGEST)}
    size = Counter(map(file_of, items))

    def key(item: pytest.Item) -> tuple[int, bool, int, str]:
        name = file_of(item)
        return place.get(name, len(place)), not name.startswith(REAL_ROOMS), -size[name], name

    return sorted(items, key=key)


def file_of(item: pytest.Item) -> str:
    """The file that has a test; its ``location`` may be that of what wraps its function, in another file."""
    return item.nodeid.partition("::")[0]
