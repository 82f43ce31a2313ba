"""The page about differences between engines says what was recorded."""

from tests.system.truth import page
from tests.system.truth.recordings import all_recordings


def test_the_page_on_engines_is_what_the_recordings_say():
    assert page.PAGE.read_text() == page.written(all_recordings()), "python -m tests.system.truth.page renews it"


def test_every_table_has_a_title():
    assert set(page.TITLES) == set(page.MODULES)


def test_the_page_is_text_whatever_an_engine_said():
    assert [line for line in page.PAGE.read_text().splitlines() if not line.isprintable()] == []
