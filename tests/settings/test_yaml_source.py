import contextlib

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from scanner.settings.load import interpret
from scanner.settings.problem import SettingsError
from scanner.settings.schema import Settings
from scanner.settings.yaml_source import SettingsDocument, parse

TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
    max_leaves=20,
)


def tuples(value):
    if isinstance(value, dict):
        return {key: tuples(inner) for key, inner in value.items()}
    return tuple(map(tuples, value)) if isinstance(value, list) else value


@given(st.binary(max_size=300))
@example(b"? ? ?")
@example(b"\xef\xbb\xbfscan: {}")
@example(b"{" * 400)
def test_any_bytes_are_settings_or_a_refusal(content):
    with contextlib.suppress(SettingsError):
        interpret(parse(content, "f"), Settings)


@given(st.text("abc:-[]{}'\"\n #&*!|>%@`0123456789,?", max_size=200))
def test_any_text_is_settings_or_a_refusal(content):
    with contextlib.suppress(SettingsError):
        interpret(parse(content.encode(), "f"), Settings)


@given(TREES)
def test_what_yaml_wrote_is_what_is_read(tree):
    written = yaml.safe_dump(tree, default_style='"' if isinstance(tree, str) else None)
    assert parse(written.encode(), "f").value == tuples(tree)


@given(TREES)
def test_any_tree_is_settings_or_a_refusal(tree):
    with contextlib.suppress(SettingsError):
        interpret(SettingsDocument("f", tuples(tree)), Settings)
