"""What counts as an override of what an image says."""

import pytest

from scanner.domain.facts import Process
from scanner.probe.engines.engine_section import USUAL_PATH, override

IMAGE = Process(("/app",), ("serve",))


@pytest.mark.parametrize(
    "container",
    [
        Process(("/app", "serve"), ()),
        Process(("/app", "serve"), (), path=USUAL_PATH),
        Process(("/app", "serve"), (), working_dir="/"),
    ],
)
def test_a_container_that_spells_out_what_the_image_leaves_open_overrides_nothing(container):
    assert override(container, IMAGE) is None


@pytest.mark.parametrize(
    "container",
    [
        Process(("/app",), ()),
        Process(("/app", "serve"), (), path="/bin"),
        Process(("/app", "serve"), (), working_dir="/srv"),
    ],
)
def test_another_command_path_or_directory_is_an_override(container):
    assert override(container, IMAGE) == container


def test_where_the_image_is_not_known_all_that_the_container_says_counts():
    container = Process(("/app", "serve"), ())
    assert override(container, None) == container
