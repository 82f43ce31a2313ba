"""What run-parts executes for a script that waits for it."""

import subprocess

import pytest

from scanner.binary.inspect import inspect
from scanner.binary.program.argv import Command
from scanner.binary.program.services import run_parts
from scanner.binary.program.shell.image_paths import PathKind
from scanner.domain.verdict.reason import Reason
from tests.binary.program.shell.witness import RealFiles

NATIVE, FOREIGN = 62, 183


@pytest.mark.parametrize("words", ["", "--exit-on-error", "-v", "--reverse --arg=x -a y", "--umask=022 -u 022"])
def test_run_parts_takes_the_names_that_it_takes(tmp_path, require, words):
    program = require("run-parts", "debianutils")
    for name in ("10a", "b_c-d", "run.sh", "x~", "README", ".hidden"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "not").write_text("#!/bin/sh\n")
    (tmp_path / "folder").mkdir()
    listed = subprocess.run([program, "--test", *words.split(), tmp_path], capture_output=True, text=True, check=True)
    command = Command(("run-parts", *words.split(), f"{tmp_path}/"), ())
    told = [each.argv[0] for each in run_parts.programs(RealFiles(), command)]
    assert sorted(told) == sorted(listed.stdout.split())


@pytest.mark.parametrize("words", ["--test /d", "--list /d", "/d /e", "--nosuch /d", "/none", ""])
def test_run_parts_that_executes_nothing_tells_nothing(words):
    class Files(RealFiles):
        def names(self, path):
            return ("a",) if path == "/d" else None

        def stands(self, path):
            raise AssertionError(f"{path}: {PathKind.FILE} is asked for")

    assert not list(run_parts.programs(Files(), Command(("run-parts", *words.split()), ())))


@pytest.mark.parametrize(
    ("text", "machine", "name", "why"),
    [
        ("set -e\nrun-parts --exit-on-error /d\nexec /last", FOREIGN, "20-b", Reason.BINARY_UNKNOWN),
        ("set -e\nrun-parts /d\nexec /last", FOREIGN, "20-b", Reason.BINARY_UNKNOWN),
        ("run-parts /d && exec /last", FOREIGN, "20-b", Reason.BINARY_UNKNOWN),
        ("set -e\nrun-parts --regex=sh /d\nexec /last", FOREIGN, "b.sh", Reason.BINARY_UNKNOWN),
        ("set -e\nrun-parts /d\nexec /last", FOREIGN, "b.sh", None),
        ("set -e\nrun-parts /d\nexec /last", NATIVE, "20-b", None),
        ("set -e\nrun-parts /d || true\nexec /last", FOREIGN, "20-b", None),
        ("run-parts /d\nexec /last", FOREIGN, "20-b", None),
    ],
)
async def test_a_script_that_waits_for_run_parts_needs_all_that_it_executes(images, build, text, machine, name, why):
    files = {"bin/sh": build.elf(), "usr/bin/run-parts": build.elf(), "last": build.elf()}
    files |= {f"d/{name}": build.elf(machine=machine), "entry.sh": f"#!/bin/dash\n{text}\n".encode()}
    files |= {"bin/dash": build.elf()}
    offer = build.offer(images.layer(list(files.items())), entrypoint=("/entry.sh",))
    program = await inspect(offer, None, images.open)
    assert (program.problem.reason if program.problem else None) is why, program.problem


@pytest.mark.parametrize("machine", [NATIVE, FOREIGN])
async def test_what_a_script_that_run_parts_executes_leads_to_is_needed_too(images, build, machine):
    files = {f"bin/{name}": build.elf() for name in ("sh", "dash")} | {"usr/bin/run-parts": build.elf()}
    files |= {"d/10-a": b"#!/bin/dash\nexec /first\n", "first": build.elf(machine=machine), "last": build.elf()}
    offer = build.offer(images.layer(list(files.items())), entrypoint=("/bin/sh", "-c", "run-parts /d && exec /last"))
    program = await inspect(offer, None, images.open)
    assert (program.problem is None) is (machine == NATIVE), program
