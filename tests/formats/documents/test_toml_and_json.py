"""TOML, JSON of strangers: what costs more than its bytes is refused."""

import pytest

from scanner.formats.documents import lenient_json, toml
from scanner.formats.documents.lenient_json import JsonError
from scanner.formats.documents.strict_json import read_object
from scanner.formats.documents.toml import TomlError
from tests import counted

BOMBS = {
    "deep lists": "[" * 900_000,
    "deep objects": '{"a":' * 200_000,
    "a huge number": "9" * 900_000,
    "a long text": '"' + "x" * 900_000 + '"',
    "many escapes": '"' + "\\u0041" * 150_000 + '"',
    "one million and one values": "[" + "0," * 1_000_001 + "0]",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_json_bomb_costs_little(bomb):
    with counted.in_proportion():
        try:
            lenient_json.loads(BOMBS[bomb])
        except JsonError as error:
            assert len(str(error)) < 100  # noqa: PT017 - both ends are fine
        read_object(BOMBS[bomb].encode())


@pytest.mark.parametrize(
    ("text", "problem"),
    [("{", "is not JSON: Expecting property name"), ("[" * 200_000, "nested too deeply"), (b"\xff", "is not"), ("9" * 5000, "a number is too long")],
)  # fmt: skip
def test_json_that_is_refused_says_why(text, problem):
    with pytest.raises(JsonError, match=problem):
        lenient_json.loads(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a", "is not TOML: "), ("a=" + "[" * 100_000, "nested too deeply"), ("a" + ".a" * 1001 + "=1", "more than 1000 dots"),
        ("#" * (toml.MAX_CHARS + 1), "is longer than 262144 characters"), ("a=" + "1" * 200_000, "is not TOML: "),
    ],
)  # fmt: skip
def test_toml_that_is_refused_says_why(text, problem):
    with pytest.raises(TomlError, match=problem):
        toml.loads(text)
