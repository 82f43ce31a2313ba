"""The pages that are made from the code."""

import pytest

from docs.generate import client_types
from docs.generate.pages import CLIENT, DOCS, PAGES, write
from docs.generate.settings import rows


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_makes(name):
    assert (DOCS / name).read_text() == PAGES[name](), "run: python -m docs.generate"


def test_the_manual_is_written_in_what_every_troff_reads():
    assert PAGES["archscan.1"]().isascii()


def test_the_manual_says_what_may_be_chosen():
    manual = PAGES["archscan.1"]()
    for choice in (
        "<table|json|junit|sarif|csv|markdown|html>",
        "<mismatch|degraded|emulated|never>",
        "[default: table]",
    ):
        assert choice in manual


def test_one_command_writes_all_pages(tmp_path):
    write(tmp_path)
    assert {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*.*")} == {
        name: PAGES[name]() for name in PAGES
    }


def test_the_client_s_types_are_what_the_description_of_the_api_says():
    assert CLIENT.read_text() == client_types.module(), "run: python -m docs.generate"


def test_each_page_names_the_command_that_makes_it():
    assert [
        name for name, page in PAGES.items() if not name.endswith(".json") and "`python -m docs.generate`" not in page()
    ] == []


def test_every_setting_has_a_type_and_a_sentence():
    shown = list(rows())
    assert len(shown) == len({row.path for row in shown})
    assert [row.path for row in shown if not row.type or not row.description.strip()] == []


@pytest.mark.parametrize(
    ("path", "kind", "limits", "default"),
    [
        ("ssh.connect_timeout", "duration", "100ms to 5m", "10s"),
        ("ssh.max_output", "size", "64KiB to 64MiB", "4MiB"),
        ("ssh.identity_file", "path", "", "null"),
        ("ssh.jump", "mapping of text to text", "", "none"),
        ("registries.<registry>.plain_http", "true or false", "", "false"),
        ("registries.<registry>.rate", "number", "0.01 to 10000", "200.0"),
        ("inventory[](static).hosts.<name>.address", "text", "", "empty"),
        ("inventory[](static).hosts.<name>.port", "port", "1 to 65535", "null"),
        ("inventory[](local).planned[].engine", "docker | podman | containerd | cri", "", "null"),
        ("inventory[](ssh_config).hosts", "list of text", "", "*"),
        (
            "web.tokens[].scopes",
            "list of read | gate | operate | push | rollback | rollback_agent",
            "not empty",
            "required",
        ),
        ("waivers[].match.host", "text", "", "*"),
    ],
)
def test_a_row_tells_type_unit_range_and_default(path, kind, limits, default):
    (row,) = (row for row in rows() if row.path == path)
    assert (row.type, row.range, row.default) == (kind, limits, default)
