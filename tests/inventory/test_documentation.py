from pathlib import Path

from scanner.inventory.ansible.groups import KEPT

PAGE = Path(__file__).parents[2] / "docs" / "inventory.md"


def test_every_variable_that_is_read_is_documented():
    page = PAGE.read_text()
    assert [name for name in sorted(KEPT) if f"`{name}`" not in page] == []
