"""The registry's fuzz target runs without its engine: on any bytes, then on pieces of what registries really say."""

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

_SPEC = importlib.util.spec_from_file_location("fuzz_registry", Path(__file__).with_name("fuzz_registry.py"))
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)
one_input = _MODULE.one_input

PIECES = [
    b'"mediaType":', b'"digest":', b'"size":', b'"platform":{', b'"architecture":"', b'"os":"linux"', b"amd64", b"sha256:" + b"a" * 64,
    b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b"\\ud800", b"null", b"-1", b"1e999", b"NaN", b"\x00", b"\xff", b"\xc3\xa9",
    b"Bearer ", b"Basic ", b'realm="https://r.example/token"', b'realm="https://evil.example@r.example"', b'scope="repository:app:pull"', b"=",
    b"https://", b"//", b"r.example", b"r.example.", b"evil.example", b"@", b"/../", b"%2f", b"\r\n", b"\t", b" ",
    b"[[registry]]\n", b'location = "', b'[host."https://m.example"]\n', b"skip_verify = true\n", b'"token":"', b'"expires_in":', b'"auths":{',
]  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(raw=st.binary(max_size=2000))
def test_any_bytes_are_accepted(raw):
    one_input(raw)


@settings(deadline=None, max_examples=200)
@given(raw=st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))
def test_any_order_of_what_registries_say_is_accepted(raw):
    one_input(raw)


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"a":' * 100_000, b"9" * 10_000, b'"' + b"\\" * 50_000])
def test_what_exhausts_a_parser_is_accepted(deep):
    one_input(deep)
