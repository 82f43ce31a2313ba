"""Units with their drop-ins, beside systemd's own reading."""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from scanner.formats import systemd_unit
from scanner.probe.planned.plans import UnclearError
from scanner.probe.planned.units import unit_environment, unit_files
from scanner.probe.planned.units.commands import command_lines
from scanner.probe.planned.units.specifiers import Specifiers
from scanner.probe.planned.units.systemd import refused, settings_of
from tests.probe.planned.units import expansions
from tests.probe.planned.units.record import DATA
from tests.probe.planned.units.systemd_cases import CASES

DIRECTORIES = {"etc": "/etc/systemd/system", "run": "/run/systemd/system", "usr": "/usr/lib/systemd/system"}
PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|([0-7]{3})|(.))")
WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')


def named(case, text):
    return text.replace("U", f"c{list(CASES).index(case)}")


def files(case):
    return {named(case, path): text for path, text in CASES[case].items()}


def units_of(case):
    """The names of what can be loaded, instances where drop-ins or files name them."""
    found = set()
    for path in files(case):
        name = path.split("/")[1].removesuffix(".d")
        if not name.endswith(("@.service", "-.service")) and "-@" not in name:
            found.add(name)
    return sorted(found)


@pytest.fixture(scope="module")
def home():
    """A folder that every account may read: pytest closes its own to others whenever another run of it starts."""
    with tempfile.TemporaryDirectory(prefix="archscan-units-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def dumped(require, home):
    """What ``systemd --test`` shows of every unit: it loads all of them, starts none."""
    program = require("systemd-analyze", "systemd").resolve().parents[1] / "lib" / "systemd" / "systemd"
    wants = []
    for case in CASES:
        for path, text in files(case).items():
            place = home / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, newline="")
        wants += units_of(case)
    (home / "etc" / "all.target").write_text("[Unit]\n" + "".join(f"Wants={name}\n" for name in wants))
    argv = [program, "--test", "--system", "--unit=all.target", "--no-pager"]
    if os.geteuid() == 0:  # it does not test as root
        argv = [require("setpriv", "util-linux"), "--reuid=65534", "--regid=65534", "--clear-groups", *argv]
    search = ":".join(str(home / directory) for directory in DIRECTORIES)
    done = subprocess.run(
        argv, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": search, "LC_ALL": "C.UTF-8", "HOME": "/root"},
    )  # fmt: skip
    return dict(sections(done.stdout))


def sections(text):
    for part in text.split("\t-> Unit ")[1:]:
        name, _, body = part.partition(":\n")
        yield name, body


def loaded(body):
    """State, commands by key, variables."""
    commands, key = [], ""
    for line in body.splitlines():
        if line.startswith("\t\t-> Exec"):
            key = line.strip()[3:-1]
        elif line.startswith("\t\t\tCommand Line: "):
            commands.append((key, words(line.removeprefix("\t\t\tCommand Line: "))))
    state = re.search(r"Unit Load State: (\S+)", body)[1]
    return state, commands, re.findall(r"^\t\tEnvironment: (.*)$", body, re.MULTILINE)


def words(line):
    """A command line as systemd quotes it for people."""
    return tuple(unescaped(quoted) if bare == "" else bare for quoted, bare in WORD.findall(line))


def unescaped(text):
    def one(found):
        number = int(found[1], 16) if found[1] else int(found[2], 8) if found[2] else None
        return chr(number) if number is not None else PLAIN.get(found[3], found[3])

    return ESCAPE.sub(one, text)


def ours(case):
    """The same of us, by the name of the unit; none for one that is a gap."""
    texts = {}
    for path, text in files(case).items():
        directory, _, rest = path.partition("/")
        texts[f"{DIRECTORIES[directory]}/{rest}"] = text.encode()
    found = {}
    for unit in unit_files.services(texts):
        specifiers = Specifiers(unit.name)
        try:
            settings, _ = settings_of(unit, texts, systemd_unit.settings)
        except UnclearError:
            found[unit.name] = None
            continue
        lines = list(command_lines(settings, specifiers, None))
        if any(not line.words for line in lines) or refused(settings, lines):
            found[unit.name] = None
            continue
        env = unit_environment.of_service(settings, specifiers, lambda _: None)
        commands = [(line.setting.key, line.words) for line in lines]
        found[unit.name] = commands, [f"{name}={value}" for name, value in env.known.items()]
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_unit_is_what_systemd_makes_of_it(case, dumped):
    found = ours(case)

    for name in units_of(case):
        state, commands, env = loaded(dumped[name])
        if state != "loaded":
            assert found.get(name) is None
            continue
        assert found[name] is not None
        own_commands, own_env = found[name]
        if case == "another name":
            commands = [(key, ("/bin/echo", *rest[1:])) for key, rest in commands]
        assert sorted(own_commands, key=lambda one: one[0]) == sorted(commands, key=lambda one: one[0])
        assert sorted(own_env) == sorted(env)


RECORDED = json.loads(DATA.read_text())


@pytest.mark.parametrize("case", expansions.CASES)
def test_variables_are_put_in_place_as_systemd_puts_them(case):
    written, words = expansions.CASES[case]
    prefix, rest = (":", words[1:]) if words.startswith(":") else ("", words)
    text = f"[Service]\n{written.replace('@FILE@', '/file')}\nExecStart={prefix}/dump {rest}\n"
    settings = systemd_unit.settings(text, "/a.service")
    specifiers = Specifiers(f"c{list(expansions.CASES).index(case)}.service")
    files = {"/file": expansions.FILE.encode(), "/nonexistent/file": b""}

    env = unit_environment.of_service(settings, specifiers, files.get)
    (line,) = command_lines(settings, specifiers, env)

    assert list(line.words[1:]) == RECORDED[case]
