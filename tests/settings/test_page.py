"""The page of settings."""

from __future__ import annotations

from pathlib import Path

from scanner.settings.load import load
from scanner.settings.page import page

ROOT = Path(__file__).parents[2]


def test_the_page_of_settings_is_what_the_code_says():
    assert (ROOT / "docs/configuration.md").read_text() == page(), (
        "run: python -m scanner.settings.page > docs/configuration.md"
    )


def test_the_example_configuration_is_good():
    settings = load(ROOT / "config/archscan.yml", {})
    assert [source.kind for source in settings.inventory] == ["static"]
