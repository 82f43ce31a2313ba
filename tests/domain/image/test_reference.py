"""The reference grammar against the answers of distribution/reference."""

import contextlib
import gc
import json
import time
import weakref
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.image.reference import (
    MAX_REFERENCE_CHARS,
    Digest,
    ImageReference,
    digest_of,
    image_reference,
    parse,
    parse_strict,
)
from tests.rows import each_row

ROWS = json.loads((Path(__file__).parents[2] / "data/vectors/references.json").read_text())
GOOD = [row for row in ROWS if "error" not in row]
BAD = [row for row in ROWS if "error" in row]
STRICT_GOOD = [row for row in ROWS if "error" not in row["strict_parse"]]
STRICT_BAD = [row for row in ROWS if "error" in row["strict_parse"]]
SHA = "0123456789abcdef" * 4


def _named(row):
    return row["in"][:80] or "empty"


@each_row("row", GOOD, ids=_named)
def test_a_reference_is_normalised_as_docker_does(row):
    reference = parse(row["in"])
    assert (reference.registry, reference.repository) == (row["domain"], row["path"])
    assert (reference.tag, reference.digest) == (row["tag"], row["digest"])
    assert str(reference) == row["full"]


@each_row("row", BAD, ids=_named)
def test_what_is_no_reference_is_refused_with_dockers_words(row):
    with pytest.raises(ValueError) as refusal:
        parse(row["in"])
    assert str(refusal.value) == row["error"]


@each_row("row", STRICT_GOOD, ids=_named)
def test_the_bare_grammar_splits_without_normalising(row):
    written = parse_strict(row["in"])
    assert {
        "domain": written.domain,
        "path": written.path,
        "tag": written.tag,
        "digest": written.digest,
    } == row["strict_parse"]
    assert str(written) == row["in"]


@each_row("row", STRICT_BAD, ids=_named)
def test_the_bare_grammar_refuses_with_dockers_words(row):
    with pytest.raises(ValueError) as refusal:
        parse_strict(row["in"])
    assert str(refusal.value) == row["strict_parse"]["error"]


@each_row("row", GOOD, ids=_named)
def test_parsing_what_was_printed_gives_the_same_reference(row):
    reference = parse(row["in"])
    assert parse(str(reference)) == reference


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("İ/x", "repository name must be lowercase"),
        ("\u212a/x", "repository name must be lowercase"),
        ("x/\u212a", "invalid reference format: repository name (x/\u212a) must be lowercase"),
        ("x\ty", "invalid reference format"),
        ("X\ty", "invalid reference format: repository name (library/X\\ty) must be lowercase"),
        ("nginx\n", "invalid reference format"),
        ("nginx:1\n", "invalid reference format"),
        (f"nginx@sha256:{SHA}\n", "invalid reference format"),
        ("x/٣", "invalid reference format"),
        ("x:٣", "invalid reference format"),
        ("r.io:٣/x", "invalid reference format"),
        ("x/%2f", "invalid reference format"),
        ("x:../x", "invalid reference format"),
        ("x@sha256:../../x", "invalid reference format"),
        (f"x@sha256:{SHA.upper()}", "invalid checksum digest format"),
        ("x@sha256:" + "g" * 64, "invalid reference format"),
        ("[::1/x", "invalid reference format"),
        ("[::1]x/x", "invalid reference format"),
        ("[::1]:/x", "invalid reference format"),
        ("[::ffff:127.0.0.1]/x", "invalid reference format"),
        ("host:/x", "invalid reference format"),
        ("user@host/x", "invalid reference format"),
        ("host/x?y", "invalid reference format"),
        ("host/x#y", "invalid reference format"),
        ("a" * 10_000_000, "invalid reference format: more than 512 characters"),
        ("A" * 4000 + "!", "invalid reference format: more than 512 characters"),
    ],
)
def test_traps_of_unicode_newlines_and_urls_are_refused(text, why):
    with pytest.raises(ValueError) as refusal:
        parse(text)
    assert str(refusal.value) == why


@pytest.mark.parametrize(
    "text",
    [
        "a" * 512,
        "a-" * 255,
        "a__" * 170,
        "A" * 511 + "!",
        "a." * 255 + "/x",
        "[" + ":" * 500,
        "x@" + "a+" * 250,
        "-" * 500,
    ],
)
def test_parsing_takes_no_time_whatever_the_text(text):
    began = time.perf_counter()
    for end in range(0, len(text) + 1, 8):
        with contextlib.suppress(ValueError):
            parse(text[:end])
    assert time.perf_counter() - began < 30


@pytest.mark.parametrize(
    "parts",
    [
        ("docker.io", "nginx"),
        ("", "nginx"),
        ("index.docker.io", "library/nginx"),
        ("example.com", "../x"),
        ("example.com", "a/%2f/b"),
        ("example.com/a", "b"),
        ("example.com", "a:b"),
        ("example.com", "a", "x/../y"),
        ("example.com", "a", "t", "sha256:" + SHA),
        ("user@example.com", "a"),
        ("example.com", "a@sha256:" + SHA),
        ("example.com", "a" * 256),
    ],
)
def test_a_reference_outside_the_grammar_cannot_be_made(parts):
    with pytest.raises(ValueError):
        ImageReference(*parts)


def test_a_digest_is_text_with_a_grammar():
    digest = Digest(f"sha256:{SHA}")
    assert digest == f"sha256:{SHA}"
    assert (digest.algorithm, digest.hex) == ("sha256", SHA)
    for wrong in (
        "",
        "sha256",
        "sha256:",
        f"sha256:{SHA}0",
        f"sha1:{SHA[:40]}",
        f"sha256:{SHA[:63]}/",
        f"sha256:{SHA}\n",
    ):
        with pytest.raises(ValueError):
            Digest(wrong)


def test_the_identifier_is_the_digest_then_the_tag_then_latest():
    assert parse("nginx").identifier == "latest"
    assert parse("nginx:1").identifier == "1"
    assert parse(f"nginx:1@sha256:{SHA}").identifier == f"sha256:{SHA}"


def test_the_longest_reference_of_a_tag_and_a_digest_fits():
    text = f"{'h' * 30}.example/{'a' * 255}:{'t' * 128}@sha256:{SHA}"
    assert len(text) <= MAX_REFERENCE_CHARS
    assert str(parse(text)) == text


_PIECES = st.sampled_from(
    ["a", "Z", "0", "/", ":", "@", ".", "_", "__", "-", "[", "]", "localhost", "docker.io", "index.docker.io", "sha256:",
     SHA, "library", "%", "\n", "é", "\ud800", "\u0130", " "]
)  # fmt: skip


@given(st.one_of(st.text(max_size=80), st.lists(_PIECES, max_size=12).map("".join)))
def test_any_text_is_a_reference_that_round_trips_or_a_value_error(text):
    try:
        reference = parse(text)
    except ValueError:
        return
    assert parse(str(reference)) == reference
    assert text.endswith(reference.suffix)


@given(st.one_of(st.text(max_size=80), st.lists(_PIECES, max_size=12).map("".join)))
def test_any_text_is_something_or_a_value_error(text):
    for read in (parse, parse_strict, Digest):
        with contextlib.suppress(ValueError):
            assert str(read(text))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("registry.example:5000/shop/api:1.2", ("registry.example:5000/shop/api", "api")),
        ("nginx", ("nginx", "nginx")),
        (f"shop/api:1@sha256:{'a' * 64}", ("shop/api", "api")),
        ("a", ("a", "a")),
        ("docker.io/library/nginx:1", ("docker.io/library/nginx", "nginx")),
    ],
)
def test_what_stands_before_its_suffix_is_the_name_as_written(text, parts):
    reference = parse(text)
    assert (text.removesuffix(reference.suffix), reference.last_component) == parts


@pytest.mark.parametrize("read", [image_reference, digest_of])
def test_what_is_too_long_to_be_one_is_not_kept(read):
    class Text(str):  # noqa: SLOT000 -- with slots nothing could refer to it weakly
        """Of which one can tell whether it is there still."""

    made = Text("a" * (MAX_REFERENCE_CHARS + 1))
    seen = weakref.ref(made)
    assert not isinstance(read(made), str | ImageReference)
    del made
    gc.collect()
    assert seen() is None
