"""YAML of strangers: read as PyYAML reads it, counted as what it stands for, refused before it costs anything."""

import contextlib
import datetime as dt
import itertools
import tracemalloc
from dataclasses import replace

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from scanner.formats.documents import bounded_yaml, yaml_scalars
from scanner.formats.documents.bounded_yaml import Rules, YamlError
from scanner.inventory.reading.inventory_file import RULES as INVENTORY
from scanner.probe.planned.manifest_files import KUBERNETES as PLANS
from scanner.settings.yaml_source import _RULES as SETTINGS
from tests.counted import calls

LOOSE = Rules(1 << 20, 60, 10_000, 10_000, 1 << 20, max_documents=10, tagged=lambda tag, value: (tag, value))

CALLS_EACH, CALLS_FROM, MEMORY_BYTES = 8, 300, 50 << 20
"""Twice what the dearest character costs; what some characters stand for is not in it."""


class Dateless(yaml.SafeLoader):
    """PyYAML without dates."""


Dateless.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if not tag.endswith((":timestamp", ":value"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(text, rules=LOOSE):
    return bounded_yaml.document(text, rules)


# ---------------------------------------------------------------- as PyYAML reads it


@pytest.mark.parametrize(
    "text",
    [
        "", "~", "null", "a", "12", "-12", "+1_000", "017", "0x1F", "0b101", "1:30", "-1:30:10", "1.5", "1e+3", ".5", "-.inf", "1:30.5", "yes", "NO", "'yes'",
        "08", "1e3", "!!str 12", "!!int '12'", "!!float 1", "! 12", "a: 1", "[a, [b, {c: d}]]", "{a: 1, a: 2}", "? a\n: b", "a: &x [1, 2]\nb: *x",
        "a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}", "a: &x {p: 1}\nb: &y {p: 2, r: 3}\nc: {<<: [*x, *y]}", "a: &x {p: 1}\nb: {q: 3, <<: *x}",
        "a: &x {p: 1}\nb: &y {<<: *x, q: 2}\nc: {<<: *y, p: 9}", "{<<: {a: 1}, <<: {a: 2}}", "'<<': 1", "1: a\ntrue: b\n~: c", "|\n a\n b\n", ">-\n a\n b\n",
        "--- a", "a: !!map {b: !!seq [c]}", "- - - a\n    - b",
    ],
)  # fmt: skip
def test_a_text_means_what_pyyaml_says(text):
    expected = yaml.load(text, Dateless)
    found = read(text)
    assert found == expected
    assert type(found) is type(expected)


def test_dates_stay_text():
    assert read("2001-12-14") == "2001-12-14"
    assert yaml.safe_load("2001-12-14") == dt.date(2001, 12, 14)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(TREES, st.booleans())
def test_what_pyyaml_wrote_is_what_is_read(tree, flow):
    assert read(yaml.safe_dump(tree, default_flow_style=flow)) == tree


@given(st.text("abc:-[]{}'\"\n #&*!|>%@`0123456789,?<~", max_size=100))
@example("&a [*a]")
@example("? {a: b}\n: c")
@example("? *a")
def test_any_text_is_a_value_or_a_refusal(text):
    try:
        bounded_yaml.documents(text, LOOSE)
    except YamlError as error:
        assert error.problem  # noqa: PT017 - both ends are fine


# ---------------------------------------------------------------- counted as what it stands for


@st.composite
def alias_graphs(draw):
    """A list of anchored nodes, each made of words and of aliases to those before it."""
    lines = []
    for number in range(draw(st.integers(1, 6))):
        parts = draw(st.lists(st.sampled_from(["x", *(f"*n{i}" for i in range(number))]), max_size=4))
        keyed = draw(st.booleans())
        body = (
            "{" + ", ".join(f"k{i}: {part}" for i, part in enumerate(parts)) + "}" if keyed else f"[{', '.join(parts)}]"
        )
        lines.append(f"- &n{number} {body}")
    return "\n".join(lines)


def size(value):
    if isinstance(value, dict):
        return 1 + sum(size(key) + size(inner) for key, inner in value.items())
    return 1 + sum(map(size, value)) if isinstance(value, list) else 1


@given(alias_graphs())
def test_the_count_is_the_size_of_the_real_expansion(text):
    written = sum(isinstance(e, yaml.NodeEvent) for e in yaml.parse(text, yaml.SafeLoader))
    whole = yaml.safe_load(text)
    added = size(whole) - written
    assert read(text, Rules(10_000, 60, 10_000, added, 10_000, tagged=str)) == whole
    if added:
        with pytest.raises(YamlError, match="aliases that stand for more"):
            read(text, Rules(10_000, 60, 10_000, added - 1, 10_000, tagged=str))


@given(alias_graphs())
def test_a_merge_counts_at_least_what_it_makes(text):
    mappings = [f"*n{i}" for i, line in enumerate(text.splitlines()) if "{" in line]
    merged = f"{text}\n- {{<<: [{', '.join(mappings)}]}}"
    whole = yaml.safe_load(merged)
    written = sum(isinstance(e, yaml.NodeEvent) for e in yaml.parse(merged, yaml.SafeLoader))
    assert read(merged, LOOSE) == whole
    reading = bounded_yaml._Reading(LOOSE, None)
    reading.documents(yaml.parse(merged, yaml.SafeLoader))
    assert written + reading._aliased >= size(whole)


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("&a [*a]", "line 1: has an alias within what it stands for"),
        ("*a", "line 1: is not YAML: found undefined alias"),
        ("a: !!python/object/apply:os.system [id]", "has a tag that is not read here"),
        ("a: !!python/name:os.system x", "has a tag that is not read here"),
        ("!!binary aGk=", "has a tag that is not read here"),
        ("!!int x", "has a scalar that is no int, though its tag says so"),
        ("{a: {<<: 1}}", "has a << that names neither a mapping nor a list of mappings"),
        ("? [a]\n: b", "a key is a collection"),
        (f"{1 << 61}: a", "has a number as a key that is too long"),
        ("1" * 101, "has a number of more than 100 characters"),
        ("a: b: c", "line 1: is not YAML: mapping values are not allowed in this context"),
        ("a: \x00", "is not YAML: control characters are not allowed"),
        ("--- a\n" * 11, "has more than 10 documents"),
        ("[" * 61, "is nested deeper than 60 levels"),
    ],
)
def test_what_is_refused_says_why(text, problem):
    with pytest.raises(YamlError) as caught:
        bounded_yaml.documents(text, LOOSE)
    assert problem in str(caught.value)


def test_a_tag_of_one_s_own_is_what_the_caller_says():
    assert read("a: !vault secret") == {"a": ("vault", "secret")}
    assert read("!x [1]") == ("x", [1])
    assert read("!x 12") == ("x", "12")


def chained(first, link, levels=9):
    names = "abcdefghijklmnop"[: levels + 1]
    return f"{names[0]}: &{names[0]} {first}\n" + "".join(
        f"{name}: &{name} {link(before)}\n" for before, name in itertools.pairwise(names)
    )


BOMBS = {
    "merges": chained("{k: v}", lambda p: "{<<: [" + ", ".join([f"*{p}"] * 9) + "]}"),
    "merges of many keys": chained(
        "{" + ", ".join(f"k{i}: v" for i in range(500)) + "}", lambda p: f"{{<<: [{', '.join([f'*{p}'] * 9)}]}}"
    ),
    "aliases": chained("[x, x]", lambda p: f"[{', '.join([f'*{p}'] * 9)}]"),
    "aliases of a long scalar": f"a: &a {'x' * 500_000}\nb: [{', '.join(['*a'] * 10_000)}]\n",
    "many aliases": "a: &a [x]\nb: [" + "*a, " * 200_000 + "]",
    "deep flow": "[" * 900_000,
    "deep block": "- " * 400_000,
    "deep keys": "? " * 400_000,
    "wide": "[" + "a," * 450_000 + "]",
    "wide mapping": "".join(f"k{i}:\n" for i in range(120_000)),
    "colliding keys": "".join(f"{i * ((1 << 61) - 1)}: a\n" for i in range(40_000)),
    "a huge number": "9" * 900_000,
    "a sexagesimal number": "1" + ":1" * 400_000,
    "a long scalar": "x" * 1_000_000,
    "a long quoted scalar": '"' + "\\n" * 400_000 + '"',
    "a long block": "|\n" + " x\n" * 300_000,
    "many documents": "---\n" * 200_000,
    "many tag directives": "".join(f"%TAG !a{i}! x\n" for i in range(40_000)) + "--- a",
    "a long comment": "#" * 1_000_000,
    "many anchors": "".join(f"- &a{i} x\n" for i in range(70_000)),
}


SHAPES_OF_GO = [
    # text, as yaml.v3 has it, as yaml.v2 does
    ("yes", "yes", True),
    ("N", "N", False),
    ("2020-01-01", dt.date(2020, 1, 1), "2020-01-01"),
    ("22:30", "22:30", "22:30"),
    ("017", 15, 15),
    ("1_0", 10, 10),
    ("{a: 1, <<: {a: 2, b: 2}}", {"a": 1, "b": 2}, {"a": 2, "b": 2}),
    ("{<<: {a: 2, b: 2}, a: 1}", {"a": 1, "b": 2}, {"a": 1, "b": 2}),
    ("{<<: [{a: 1}, {a: 2, b: 2}]}", {"a": 1, "b": 2}, {"a": 1, "b": 2}),
]


@pytest.mark.parametrize(("text", "of_v3", "of_v2"), SHAPES_OF_GO)
def test_go_s_libraries_read_each_in_its_own_way(text, of_v3, of_v2):
    v3 = replace(LOOSE, scalar=yaml_scalars.go_yaml, has_keys_once=True)
    v2 = replace(LOOSE, scalar=yaml_scalars.go_yaml_v2, merges_in_place=True)
    assert (read(text, v3), read(text, v2)) == (of_v3, of_v2)


@pytest.mark.parametrize("rules", [PLANS, INVENTORY, SETTINGS], ids=["plans", "inventory", "settings"])
@pytest.mark.parametrize("bomb", ["merges", "merges of many keys", "aliases", "aliases of a long scalar", "deep flow", "deep block", "deep keys", "colliding keys", "a huge number", "a sexagesimal number", "many tag directives"])  # fmt: skip
def test_a_bomb_is_refused(rules, bomb):
    if rules is SETTINGS and bomb in {"colliding keys", "a huge number", "a sexagesimal number"}:
        return  # keys are text there, numbers have at most eighteen digits
    if rules is PLANS and bomb == "a sexagesimal number":
        return  # it is text there
    with pytest.raises(YamlError):
        bounded_yaml.documents(BOMBS[bomb], rules)


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_costs_little_work_and_memory(bomb):
    def read_or_refused():
        with contextlib.suppress(YamlError):
            bounded_yaml.documents(BOMBS[bomb], PLANS)

    assert calls(read_or_refused) < CALLS_EACH * (CALLS_FROM + len(BOMBS[bomb]))
    tracemalloc.start()
    read_or_refused()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MEMORY_BYTES
