"""What the workers of a run take first."""

from dataclasses import dataclass
from pathlib import Path

from tests.real.order import LONGEST, longest_first, turned

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Item:
    file: str
    number: int

    @property
    def nodeid(self):
        return f"{self.file}::test_it[{self.number}]"

    @property
    def location(self):
        return "tests/rows.py", self.number, ""


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


def test_each_worker_reads_the_same_from_another_place_on_so_that_each_compiles_its_share(tmp_path):
    for room, size in {"a": 10, "b": 60, "c": 30, "__pycache__": 1}.items():
        (tmp_path / room).mkdir()
        (tmp_path / room / "test_it.py").write_text("#" * size)
    (tmp_path / "test_it.py").touch()
    (tmp_path / "conftest.py").touch()
    read = [[entry.name for entry in turned(tmp_path, number, 2)] for number in (0, 1)]
    assert read == [["a", "b", "c", "test_it.py"], ["c", "test_it.py", "a", "b"]]


def test_where_a_worker_begins_to_read_changes_nothing_of_what_it_runs():
    given = [Item(name, number) for name in ("a", "b", "c") for number in range(2)]
    assert longest_first(given[2:] + given[:2]) == longest_first(given)
