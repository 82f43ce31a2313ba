"""Globs against bash, which owns them, and against patterns that once stopped everything."""

import random
import subprocess

import pytest

from scanner.formats.shell import patterns
from scanner.formats.shell.globs import glob_of
from tests import counted

CASES = 1500
SCRIPT = r"""
while IFS=$'\t' read -r text pattern; do
  text=${text#.} pattern=${pattern#.}
  case $text in $pattern) said=1;; *) said=0;; esac
  printf '%s\t.%s\t.%s\t.%s\t.%s\t.%s\t.%s\n' \
    "$said" "${text#$pattern}" "${text##$pattern}" "${text%$pattern}" "${text%%$pattern}" "${text/$pattern/<>}" "${text//$pattern/<>}"
done
"""


def made(pattern):
    return patterns.pattern_of([(pattern, True)])


def ours(text, pattern):
    glob = made(pattern)
    return [
        str(int(bool(patterns.matches(text, glob)))),
        patterns.cut_prefix(text, glob, longest=False),
        patterns.cut_prefix(text, glob, longest=True),
        patterns.cut_suffix(text, glob, longest=False),
        patterns.cut_suffix(text, glob, longest=True),
        patterns.replaced(text, glob, "<>", everywhere=False),
        patterns.replaced(text, glob, "<>", everywhere=True),
    ]


def test_globs_mean_what_bash_makes_of_them():
    chosen = random.Random(7)
    asked = set()
    while len(asked) < CASES:
        text = "".join(chosen.choices("ab/", k=chosen.randrange(7)))
        pattern = "".join(
            chosen.choices(["a", "b", "/", "*", "?", "[ab]", "[!a]", "[[:alpha:]]", "**"], k=chosen.randrange(5))
        )
        asked.add((text, pattern))
    ordered = sorted(asked)
    lines = "".join(f".{text}\t.{pattern}\n" for text, pattern in ordered)
    done = subprocess.run(["bash", "-c", SCRIPT], input=lines, capture_output=True, text=True, check=True)
    said = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(said) == len(ordered)
    for (text, pattern), (fits, *cut) in zip(ordered, said, strict=True):
        expected = [fits, *(each[1:] for each in cut)]
        if not text and not pattern.strip("*"):
            expected[5:] = ours(text, pattern)[5:]  # bash replaces nothing in nothing, ksh and we something
        assert ours(text, pattern) == expected, (text, pattern)


@pytest.mark.parametrize(
    "pattern", ["*a" * 8 + "b", "*a" * 1000 + "b", "*" * 4000 + "b", "*[a]?" * 300 + "b", "?*" * 900 + "b"]
)
def test_many_stars_cost_no_more_than_text_times_pattern(pattern):
    text, glob = "a" * patterns.MAX_MATCHED, made(pattern)

    def work():
        assert patterns.matches(text, glob) is False
        assert patterns.cut_prefix(text, glob, longest=True) == text
        assert patterns.cut_suffix(text, glob, longest=True) == text
        patterns.replaced(text[: patterns.MAX_SEARCHED], glob, "x", everywhere=True)

    assert counted.calls(work) < 100 * len(text)


def test_a_bracket_that_does_not_end_is_cheap_and_not_known_where_quotes_are_in_it():
    glob_of.cache_clear()
    assert counted.calls(lambda: glob_of((("[" * 4096, True),))) < 20 * 4096
    assert glob_of((("[" * 4096, True),)) is not None
    assert counted.calls(lambda: glob_of((("[" * 60_000, True),))) < 100
    assert glob_of((("[" * 60_000, True),)) is None
    assert glob_of((("[a", True), ("]", False))) is None
