"""Commands that are written as one text, split as Compose splits them."""

import json
import random
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.formats import compose_words
from scanner.formats.compose_words import ShellwordsError
from scanner.formats.variables.interpolation import InterpolationError, Value, substitute
from tests import counted

VARIABLES = {"A": "1", "E": "", "L": "x y"}
LETTERS = [
    "a",
    " ",
    "\\",
    "'",
    '"',
    ";",
    "&",
    "|",
    "<",
    ">",
    "`",
    "(",
    "$(",
    "2>",
    "n",
    "t",
    "\t",
    "\n",
    "é",
    "1",
    "#",
    "*",
]
PIECES = [
    "$", "$$", "{", "}", "A", "E", "N", ":-", "-", "+", ":+", "?", ":?", "x", " ", "${A", "${N:-", "${E:+", "${A}", "${N}",
    "\n", "$A", "1", "_", ":", "'", '"', "\\", "é", "a.b",
]  # fmt: skip


def made_up(pieces, longest, count=1000):
    """The same texts in each run."""
    made = random.Random(7)
    return ["".join(made.choice(pieces) for _ in range(made.randint(1, longest))) for _ in range(count)]


def understood(texts, read):
    found = {}
    for text in texts:
        try:
            found[text] = read(text)
        except ValueError:
            continue
    return found


@pytest.fixture(scope="module")
def config(enter_root):
    """What Compose makes of commands: one project, a service for each."""
    root = enter_root("trixie")
    program = root.program("docker-compose")

    def asked(commands):
        path = root.folder / "commands.json"
        services = {f"s{number}": {"image": "i", "command": command} for number, command in enumerate(commands)}
        path.write_text(json.dumps({"services": services}))
        argv = [program, "-p", "x", "-f", path, "config", "--format", "json"]
        environment = {"PATH": "/usr/bin:/bin", "HOME": "/root"} | VARIABLES
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr[-1000:]
        read = json.loads(done.stdout)["services"]
        return [
            [word.replace("$$", "$") for word in read[f"s{number}"]["command"] or []] for number in range(len(commands))
        ]

    return asked


def test_made_up_commands_are_split_as_compose_splits_them(config):
    found = understood(made_up(LETTERS, 8), compose_words.split)
    theirs = config([text.replace("$", "$$") for text in found])

    assert len(found) > 400
    assert {text: words for text, words in zip(found, theirs, strict=True) if list(found[text]) != words} == {}


def test_made_up_variables_are_put_in_place_as_compose_puts_them(config):
    known = {name: Value(text) for name, text in VARIABLES.items()}
    found = understood(made_up(PIECES, 9), lambda text: substitute(text, known).text)
    (theirs,) = config([list(found)])

    assert len(found) > 400
    assert {text: got for text, got in zip(found, theirs, strict=True) if found[text] != got} == {}


@pytest.mark.parametrize("text", ["'", '"', "`", "a (b)", "$(", "a\\", "x" * (compose_words.MAX_CHARS + 1)])
def test_a_command_that_cannot_be_split_is_refused(text):
    with pytest.raises(ShellwordsError):
        compose_words.split(text)


def test_a_variable_that_nothing_sets_can_be_marked():
    known = {"A": Value("1"), "B": Value("x", ("C",))}

    marked = substitute("$A-$N-${N:-d}-${N:?must}-$B", known, "?")

    assert marked == Value("1-?-d-?-?", ("N", "C"))
    with pytest.raises(InterpolationError):
        substitute("${N:?must}", known)


@given(st.text(max_size=100))
def test_any_text_is_words_or_refused(text):
    assert all(isinstance(word, str) for word in understood([text], compose_words.split).get(text, ()))


@pytest.mark.parametrize("piece", ["a ", "'", "\\", "`", "$(", "2", "a" * 50])
def test_no_command_costs_more_than_its_length(piece):
    with counted.in_proportion():
        understood([piece * (100_000 // len(piece))], compose_words.split)
