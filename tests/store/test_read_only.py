"""A look at a database that no service has made, or written into, yet."""

from __future__ import annotations

import sqlite3

import pytest

from scanner.store.error import StoreError
from scanner.store.read_only import images_of, last_report_of, releases_of, trail_of


def trail(url):
    with trail_of(url) as rows:
        return list(rows.leaves())


LOOKS = [trail, last_report_of, images_of, lambda url: releases_of(url, "web-1", "api")]


@pytest.mark.parametrize("look", LOOKS)
def test_who_looks_before_any_service_has_begun_is_told_of_the_service_not_of_folders(look, tmp_path):
    with pytest.raises(StoreError, match="is not there yet: archscan serve makes it"):
        look(f"sqlite:///{tmp_path}/archscan.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("look", LOOKS)
def test_a_database_without_our_tables_is_told_as_one_that_no_service_has_written_into(look, tmp_path):
    sqlite3.connect(tmp_path / "empty.db").close()
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="archscan serve, which writes here as it starts, has not yet"):
        look(f"sqlite:///{tmp_path}/empty.db")


@pytest.mark.parametrize("look", LOOKS)
def test_a_folder_in_the_store_s_place_is_told_as_one(look, tmp_path):
    with pytest.raises(StoreError, match=r"point store\.url at a file in it"):
        look(f"sqlite:///{tmp_path}")
