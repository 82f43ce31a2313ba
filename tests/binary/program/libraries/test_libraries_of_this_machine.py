"""Our search for libraries against this machine's own loader, on the programs that are installed here."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from scanner.binary.program.argv import resolve
from scanner.binary.program.execve import Search
from scanner.domain.facts import Process
from tests.binary.program.libraries.directory_view import DirectoryView

FOLDERS = (Path("/usr/bin"), Path("/usr/sbin"))
WANTED = 100
_LINE = re.compile(r"(?:(\S+) => )?(/\S+) \(0x[0-9a-f]+\)")


def programs():
    """Real dynamic programs, each once however many names it has."""
    seen = set()
    for path in sorted(entry for folder in FOLDERS for entry in folder.iterdir()):
        if not path.is_file() or not os.access(path, os.X_OK) or path.stat().st_ino in seen:
            continue
        with path.open("rb") as file:
            head = file.read(4)
        if head == b"\x7fELF":
            seen.add(path.stat().st_ino)
            yield path


def as_the_loader_says(path):
    """The files that ldd lists, real paths; ``None`` for what is no dynamic program of this loader."""
    shown = subprocess.run(
        ["/lib64/ld-linux-x86-64.so.2", "--list", str(path)],
        capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    if shown.returncode:
        return None
    found = [os.path.realpath(match[2]) for match in map(_LINE.search, shown.stdout.splitlines()) if match]
    return sorted(each for each in found if "/ld-linux" not in each)


def test_libraries_are_found_where_the_loader_of_this_machine_finds_them():
    view, compared, wrong = DirectoryView(), 0, []
    for path in programs():
        expected = as_the_loader_says(path)
        if expected is None:
            continue
        command = resolve(Process((str(path),), env=(("PATH", "/usr/bin:/bin"),)), None)
        run = Search(view).start(command, "entrypoint")
        found = sorted(file.path for file in run.files if file.role == "library")
        if run.problem is not None or found != expected:
            wrong.append((str(path), run.problem, sorted(set(found) ^ set(expected))))
        compared += 1
        if compared == WANTED:
            break
    assert wrong == []
    if compared < WANTED:
        pytest.fail(f"only {compared} programs were compared: this machine has too few to mean anything")
