import re

import pytest

from scanner.domain.fleet_picture import EMPTY, NARROW, WIDE, Cell, cells_of, drawn
from tests.web.fleets import fleet_of


def cells_in(picture):
    """How many cells the strokes of each kind have."""
    return {
        kind: sum(int(length) // picture.step for length in re.findall(r"h(\d+)", d))
        for kind, d in picture.paths.items()
    }


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("count", [0, 1, 10, 300, 10_000])
def test_every_host_is_one_cell_whatever_the_size_of_the_fleet(count, width):
    made = list(cells_of(fleet_of(count, workloads=1)))
    picture = drawn(made, width)
    assert sum(cells_in(picture).values()) == count
    assert sum(len(band.names) for band in picture.bands) == count
    assert {kind: n for band in picture.bands for kind, n in band.counts.items()}.keys() == cells_in(picture).keys()
    assert sum(map(len, picture.paths.values())) < 30_000
    assert all(int(x) <= width for d in picture.paths.values() for x in re.findall(r"M(\d+)", d))


def test_no_two_cells_lie_on_each_other():
    picture = drawn(cells_of(fleet_of(300)), NARROW)
    taken = set()
    for d in picture.paths.values():
        for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)", d):
            row = {(int(x) + at, int(y)) for at in range(0, int(length), picture.step)}
            assert not row & taken
            taken |= row
    assert len(taken) == 300


def test_the_worst_stand_first_in_their_band():
    picture = drawn([Cell("b", "p", "ok"), Cell("a", "p", "mismatch"), Cell("c", "p", EMPTY)], WIDE)
    assert picture.bands[0].names == ("a", "b", "c")


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("count", [10, 10_000])
def test_a_cell_and_its_gap_are_a_step_wide(count, width):
    picture = drawn(cells_of(fleet_of(count, workloads=1)), width)
    assert picture.cell + picture.gap == pytest.approx(picture.step)
    assert picture.gap > 0
