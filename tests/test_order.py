"""What the workers of a run take first."""

from dataclasses import dataclass
from pathlib import Path

from tests.real.order import LONGEST, longest_first

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Item:
    file: str
    number: int

    @property
    def location(self):
        return self.file, self.number, ""


def test_the_longest_files_come_first_then_real_parts_then_most_tests_each_in_its_own_order():
    first, second, real = LONGEST[0], LONGEST[1], "tests/system/test_of_tomorrow.py"
    given = [
        Item(name, number) for name in ("a", "b", real, second, first) for number in range(3 if name == "b" else 2)
    ]
    assert [(item.file, item.number) for item in longest_first(given)] == [
        (first, 0), (first, 1), (second, 0), (second, 1), (real, 0), (real, 1), ("b", 0), ("b", 1), ("b", 2), ("a", 0), ("a", 1),
    ]  # fmt: skip


def test_every_file_that_is_named_is_there():
    assert [name for name in LONGEST if not (ROOT / name).is_file()] == []
    assert len(set(LONGEST)) == len(LONGEST)
