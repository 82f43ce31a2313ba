"""Files of variables: four grammars, each compared with the program that owns it."""

import json
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.formats.variables import dotenv, env_file, environment_file
from scanner.formats.variables.env_file import EnvFileError
from scanner.formats.variables.interpolation import MAX_CHARS, InterpolationError, Value, substitute
from tests.formats.variables.env_texts import EVERY, OUTSIDE, shortened

ANSWERS = Path(__file__).parents[2] / "data" / "env_files"
READERS = {"docker": env_file.docker, "podman": env_file.podman, "systemd": environment_file.systemd}
BEFORE_254 = {b"# c\\\nA=1\nB=2\n"}
"""Comments that end with a backslash: systemd has read them in two ways."""


def recorded(owner):
    answers = json.loads((ANSWERS / f"{owner}.json").read_text())
    assert len(answers) == len(EVERY), "run python -m tests.formats.variables.record_env_files"
    return zip(EVERY, answers, strict=True)


def shown(owner, raw):
    """What a reader found, as the owner shows it; none where it refuses."""
    try:
        found = READERS[owner](raw)
    except EnvFileError:
        return None
    put = {}
    for name, value in found.items():
        if value is None and name.endswith("*") and owner == "podman":
            put |= {outer: told for outer, told in OUTSIDE.items() if outer.startswith(name[:-1])}
        elif value is not None or name in OUTSIDE:
            put[name] = OUTSIDE[name] if value is None else value
    return sorted(shortened(as_shown(f"{name}={value}")) for name, value in put.items())


def as_shown(text):
    """A text as Go prints what is no UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@pytest.mark.parametrize("owner", READERS)
def test_a_file_of_variables_is_read_as_its_owner_reads_it(owner):
    differ = {raw: (shown(owner, raw), answer) for raw, answer in recorded(owner) if shown(owner, raw) != answer}

    assert {raw: both for raw, both in differ.items() if owner != "systemd" or raw not in BEFORE_254} == {}


@pytest.fixture(scope="module")
def trixie(enter_root):
    """Debian 13 with its Compose, which needs no engine to read files."""
    return enter_root("trixie")


def test_an_env_file_is_read_as_compose_reads_it(trixie):
    compose, folder = trixie.program("docker-compose"), trixie.folder / "env-files"
    folder.mkdir()
    outside = {name: Value(text) for name, text in OUTSIDE.items()}
    ours = {}
    for number, raw in enumerate(EVERY):
        (folder / f"{number}.env").write_bytes(raw)
        try:
            ours[number] = {name: as_shown(value.text) for name, value in dotenv.variables(raw, outside).items()}
        except EnvFileError:
            ours[number] = None
    services = {f"s{n}": {"image": "i", "env_file": [f"{n}.env"]} for n, found in ours.items() if found is not None}
    (folder / "compose.json").write_text(json.dumps({"services": services}))

    def config(*options):
        argv = [
            compose,
            "--project-directory",
            folder,
            *options,
            "-f",
            folder / "compose.json",
            "config",
            "--format",
            "json",
        ]
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder)} | OUTSIDE
        return subprocess.run(argv, env=environment, cwd=folder, capture_output=True, text=True, check=False)

    told = config()
    assert not told.returncode, told.stderr[-2000:]
    read = json.loads(told.stdout)["services"]
    theirs = {
        n: {k: v.replace("$$", "$") for k, v in read[f"s{n}"].get("environment", {}).items()}
        for n in ours
        if f"s{n}" in read
    }
    differ = {EVERY[n]: (ours[n], found) for n, found in theirs.items() if ours[n] != found}
    assert differ == {}
    accepted = [
        EVERY[n] for n, found in ours.items() if found is None and not config("--env-file", f"{n}.env").returncode
    ]
    assert accepted == []


@pytest.mark.parametrize(("text", "line"), [("A=1\nB C=2\n", 2), ("\n\nA='x\n\n", 3), ("A=1\n\nB=${X:?must}\n", 3)])
def test_a_refused_file_is_told_with_its_line(text, line):
    with pytest.raises(EnvFileError) as refused:
        dotenv.variables(text.encode(), {})
    assert refused.value.line == line


def test_a_value_that_rests_on_a_variable_that_nothing_sets_says_so():
    found = dotenv.variables(b"A=x$NO\nB=$A\nC=${NO:-c}\n", {})

    assert found == {"A": Value("x", ("NO",)), "B": Value("x", ("NO",)), "C": Value("c")}


@pytest.mark.parametrize("reader", [*READERS.values(), lambda raw: dotenv.variables(raw, {})])
@pytest.mark.parametrize(
    "raw",
    [
        b"A=x\n" * 10_000, b"# \\\n" * 10_000, b"A='" * 60_000, b'A="' + b"\\" * 50_000, b"A=" + b"${B:-" * 10_000,
        b"A=" + b"${B:-x}" * 10_000, b"A" * 100_000, b"\n" * 100_000, b"export " * 10_000, b"A=" + b"${B}" * 9 + b"{" * 50_000,
        b"=" * 100_000, b"A=${B:-" + b"{" * 40_000 + b"}", b"A=" + b"${B:-{" * 10_000 + b"}\n", b"A=1\n\t#" * 10_000,
    ],
    ids=lambda raw: repr(raw[:12]),
)  # fmt: skip
def test_no_file_of_variables_costs_more_than_its_length(reader, raw):
    began = time.process_time()
    with suppress(EnvFileError):
        reader(raw)
    assert time.process_time() - began < 60


def test_variables_that_multiply_are_refused():
    raw = b"A0=xxxxxxxxxx\n" + b"".join(b"A%d=%s\n" % (n + 1, b"$A%d" % n * 10) for n in range(9))

    with pytest.raises(EnvFileError, match="stand for more than"):
        dotenv.variables(raw, {})
    with pytest.raises(InterpolationError, match=str(MAX_CHARS)):
        substitute("$A" * 3, {"A": Value("x" * (MAX_CHARS // 2))})


@pytest.mark.parametrize("reader", [*READERS.values(), lambda raw: dotenv.variables(raw, {})])
@given(raw=st.binary(max_size=200))
def test_any_bytes_are_variables_or_refused(reader, raw):
    with suppress(EnvFileError):
        assert isinstance(reader(raw), dict)
