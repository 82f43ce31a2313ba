"""Regular expressions, against what bash finds."""

import random
import subprocess

import pytest

from scanner.formats.shell.regexes import MAX_PARTED, MAX_TEXT, regex_of
from tests.counted import in_proportion

ATOMS = ("a", "b", ".", "[ab]", "[^a]", "(a|b)", "(ab)", "(a*b)", "x", r"\.")
REPEATS = ("", "", "*", "+", "?", "{1,2}")


def made(chance):
    """An expression, a text."""
    row = (chance.choice(ATOMS) + chance.choice(REPEATS) for _ in range(chance.randint(1, 4)))
    written = (
        chance.choice(("", "", "^"))
        + "".join(row)
        + chance.choice(("", "", "$"))
        + chance.choice(("",) * 6 + ("|b+x",))
    )
    return written, "".join(chance.choice("abx.") for _ in range(chance.randint(0, 7)))


def regex(written, *, basic=False):
    return regex_of(((written, True),), basic=basic)


def told(written, text):
    """As the script below prints it; the groups are left out where they are not known."""
    found = regex(written)
    if not found.is_in(text):
        return "-"
    match = found.match(text)
    return "+" if match is None else "".join(f"+{each or ''}" for each in (match[0], *match.groups()))


def test_bash_finds_the_same():
    chance = random.Random(3)
    rows = [made(chance) for _ in range(300)]
    asked = "re='{}'; if [[ '{}' =~ $re ]]; then printf '+%s' \"${{BASH_REMATCH[@]}}\"; else printf -- -; fi; echo"
    script = "\n".join(asked.format(written, text) for written, text in rows)
    bash = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()
    wrong = [(row, said) for row, said in zip(rows, bash, strict=True) if told(*row) not in {said, said[:1]}]
    assert not wrong
    assert sum(told(*row) == said and len(said) > 1 for row, said in zip(rows, bash, strict=True)) >= 30


@pytest.mark.parametrize(
    "written", [r"\w", r"(a)\1", "a{", "a)", "(a", "*a", "[[.a.]]", "a**", "é", "(^a|b)", "a" * 600]
)
def test_what_only_some_take_for_the_same_is_not_known(written):
    assert regex(written) is None


@pytest.mark.parametrize(
    ("written", "text", "is_in"),
    [
        (r"a\(b*\)c", "abbc", True),
        ("a+", "aa", False),
        ("a*b$", "aab", True),
        (r"x\{2\}", "xx", True),
        ("a|b", "b", False),
    ],
)
def test_basic_ones_have_their_signs_behind_backslashes(written, text, is_in):
    assert regex(written, basic=True).is_in(text) is is_in


@pytest.mark.parametrize("written", ["a*a*a*b", "a?" * 30 + "a" * 30, "(a*)*b", "[^x]*a[^x]*b", "x{0,200}y"])
def test_none_takes_longer_than_text_times_pattern(written):
    found = regex(written)
    with in_proportion():
        assert found.is_in("a" * MAX_TEXT) is ("?" in written)
        found.match("a" * MAX_PARTED)


def test_longer_texts_are_not_searched():
    assert regex("a").is_in("a" * (MAX_TEXT + 1)) is None
    assert regex("a").match("a" * (MAX_PARTED + 1)) is None
