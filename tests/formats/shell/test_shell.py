"""The syntax tree of shell scripts."""

import subprocess
import sys
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.formats.shell import grammar, masking
from scanner.formats.shell.syntax import (
    AndOr,
    ArithmeticPart,
    Case,
    For,
    Function,
    Group,
    If,
    Literal,
    Loop,
    NotUnderstood,
    Parameter,
    Pipeline,
    Redirected,
    Sequence,
    Simple,
    Subshell,
)  # fmt: skip
from scanner.formats.shell.tree import tree_of
from tests import counted


def only(text):
    (item,) = grammar.parse(text.encode()).items
    return item.statement


WORDS = [
    ("a b  c", ["a", "b", "c"]),
    ("a 'b c' \"d e\" f\\ g", ["a", "b c", "d e", "f g"]),
    ("a\\\n b", ["a", "b"]),
    ("a 2>&1 >x b", ["a", "b"]),
    ("exec 3>&1 a", ["exec", "a"]),
    ("a # b", ["a"]),
    ("a {} \\; +", ["a", "{}", ";", "+"]),
    ("[ a = b ]", ["[", "a", "=", "b", "]"]),
    ("a é 'ü'", ["a", "é", "ü"]),
]


@pytest.mark.parametrize(("text", "expected"), WORDS)
def test_a_command_is_split_into_its_words(text, expected):
    assert [word.literal for word in only(text).words] == expected


KINDS = [
    ("a && b || c", AndOr), ("a | b", Pipeline), ("! a", Pipeline), ("if a; then b; fi", If), ("(a)", Subshell),
    ("{ a; }", Group), ("case a in b) c;; esac", Case), ("while a; do b; done", Loop), ("until a; do b; done", Loop),
    ("for x in a b; do c; done", For), ("f() { a; }", Function), ("{ a; } > b", Redirected), ("a > b", Simple),
    ("select x in a; do b; done", NotUnderstood), ("for ((i=0;i<1;i++)); do a; done", Group),
    ("for ((i=0;i<1;i++)); do continue; done", NotUnderstood),
    ("cat <<A <<B\na\nA\nb\nB", NotUnderstood), ("a <(b)", Simple),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind"), KINDS)
def test_each_kind_of_command_is_its_own_value(text, kind):
    assert isinstance(grammar.parse(text.encode()).items[0].statement, kind)


def test_a_redirection_behind_a_list_belongs_to_its_last_command():
    found = only("a && b > f")
    assert found.first.redirects == ()
    assert [redirect.target.literal for redirect in found.rest[0][1].redirects] == ["f"]


def test_an_expansion_keeps_its_operator_with_its_word():
    (_, word) = only('a "${X:-b c}"').words
    assert word.parts == (Parameter("X", ":-", word.parts[0].word, quoted=True, line=1),)
    assert word.parts[0].word.parts == (Literal("b c", quoted=True),)


def test_a_here_document_is_the_text_of_its_redirection():
    items = grammar.parse(b"cat <<E >f\nx\nE\nexec y").items
    assert items[0].statement.redirects[0].here.literal == "x\n"
    assert [word.literal for word in items[1].statement.words] == ["exec", "y"]


@pytest.mark.parametrize(
    "raw",
    [
        b"a" * (grammar.MAX_BYTES + 1),
        b"a\0b",
        b"a\r\n",
        b"(" * 5000,
        b"a && " * 300 + b"a",
        b"a|" * 1001,
        b"a" + b"|" * 11000,
        b"a\n" * 20000,
    ],
)
def test_beyond_a_limit_the_whole_script_is_not_understood(raw):
    found = grammar.parse(raw)
    statement = found if isinstance(found, NotUnderstood) else found.items[0].statement
    assert isinstance(statement, NotUnderstood)


@settings(deadline=None, max_examples=200)
@given(st.one_of(st.binary(max_size=300), st.text("a'\"$`(){}[]<>|&;#\\\n= *~!", max_size=80).map(str.encode)))
def test_no_bytes_raise(raw):
    assert isinstance(grammar.parse(raw), Sequence | NotUnderstood)


@pytest.mark.parametrize("part", [b"'a'b", b"a ", b"a'b' ", b"a$b", b'"$a"b '])
def test_words_cost_work_in_proportion(part):
    def work(times):
        return counted.calls(lambda: grammar.parse(part * times + b" a" * times))

    assert work(2000) < 2.5 * work(1000)


@pytest.mark.parametrize("sum_", ["$((a - b))", "$(( a + (b - 1) ))", "$((a-b))"])
def test_a_sum_between_brackets_stays_one(sum_):
    (item,) = grammar.parse(f"[ {sum_} -ge $T ]".encode()).items
    assert isinstance(item.statement, Simple)
    assert isinstance(item.statement.words[1].parts[0], ArithmeticPart)


@pytest.mark.parametrize(
    "raw",
    [
        b"[ $((" * 9000,
        b"[ $((" + b"()" * 9000 + b" ]",
        rb"[ \( " * 9000,
        b" [ " * 20000,
        b"1<>" + b" " * 60000,
        b"= '" * 20000,
    ],
)
def test_what_is_hidden_from_the_grammar_costs_time_in_proportion(raw):
    with counted.in_proportion():
        masking.masked(raw)


def test_a_script_that_was_read_leaves_nothing_behind():
    raw = b"a=b\n" * 8000
    tree_of(raw)
    tracemalloc.start()
    try:
        for _ in range(3):
            tree_of(raw)
        left = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert left < len(raw)


def test_the_grammar_is_loaded_only_where_a_script_is_met():
    script = "import sys, scanner.binary.inspect; sys.exit('tree_sitter' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
