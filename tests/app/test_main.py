"""The program's start: who only asks for help waits for nothing else."""

import contextlib
import os
import pty
import subprocess
import sys

import pytest

HEAVY = {
    "alembic", "apscheduler", "asyncio", "asyncssh", "cryptography", "fastapi", "httpcore", "httpx", "jinja2",
    "prometheus_client", "pydantic", "rich", "sqlalchemy", "starlette", "structlog", "tree_sitter", "uvicorn", "yaml",
    "zstandard", "scanner.app.commands", "scanner.domain.facts",
}  # fmt: skip
"""Each takes a noticeable part of the time that a person waits, most of them more than all of Typer."""

PROGRAM = """
import atexit, sys
atexit.register(lambda: print("loaded:", *sys.modules, file=sys.stderr))
from scanner.app.main import main
sys.argv[:] = ["archscan", *sys.argv[1:]]
main()
"""

LIGHT = [
    (["--help"], "", "Find every container that cannot start"),
    (["--version"], "", "archscan "),
    (["explain", "exec /app: exec format error"], "", "exec_format_error (mismatch)"),
    (["explain", "-"], "exec /app: exec format error\n", "exec_format_error (mismatch)"),
    (["explain"], "all is well\n", "Nothing in it is a known sign"),
    (["explain", "--help"], "", "Example: docker logs api"),
    (["scan", "--help"], "", "Example: archscan scan"),
    (["config", "schema", "--help"], "", "Example: archscan config schema"),
]


def started(words, stdin=""):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    said, _, loaded = done.stderr.rpartition("loaded: ")
    return done.stdout, said, set(loaded.split())


@pytest.mark.parametrize(("words", "stdin", "shown"), LIGHT, ids=[" ".join(words) for words, _, _ in LIGHT])
def test_what_only_informs_imports_nothing_heavy(words, stdin, shown):
    stdout, said, loaded = started(words, stdin)
    assert (said, shown in stdout) == ("", True)
    assert "typer" in loaded
    assert loaded & HEAVY == set()


def test_what_works_imports_what_it_works_with():
    stdout, _, loaded = started(["config", "schema"])
    assert stdout.startswith("{")
    assert {"pydantic", "scanner.app.commands"} <= loaded


def test_who_needs_no_store_waits_for_no_database_library(tmp_path):
    """A scan without a store, an image, a check: the libraries of databases take longer to import than all of them."""
    config = tmp_path / "archscan.yml"
    config.write_text(
        "inventory: [{kind: static, hosts: {web-1: {address: 10.0.0.1}}}]\nssh: {identity_file: key, known_hosts_file: known_hosts}\n"
    )
    stdout, said, loaded = started(["inventory", "--config", str(config)])
    assert ("web-1" in stdout, said) == (True, "")
    assert "scanner.app.commands" in loaded
    assert loaded & {"alembic", "sqlalchemy", "fastapi", "uvicorn", "apscheduler"} == set()


DROPPED = """
import os, signal, sys

sought = sys.argv[1]

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == sought:
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                pass

sys.meta_path.insert(0, Finder())
from scanner.app.main import main
sys.argv[:] = ["archscan", "config", *sys.argv[2:]]
main()
"""


INTERRUPTED = """
import os, signal, sys

_, sought, *words = sys.argv

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == sought:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
from scanner.app.main import main
sys.argv[1:] = words
main()
"""


def test_an_interrupt_as_the_demonstration_begins_leaves_no_folder_behind(tmp_path):
    words = [sys.executable, "-c", INTERRUPTED, "scanner.app.serve", "demo", "--port", "0"]
    done = subprocess.run(words, env={**os.environ, "TMPDIR": str(tmp_path)}, timeout=60, check=False)
    assert (done.returncode, list(tmp_path.iterdir())) == (130, [])


def test_an_interrupt_that_ends_a_command_at_once_gives_the_terminal_its_cursor_back():
    ours, theirs = pty.openpty()
    words = [sys.executable, "-c", INTERRUPTED, "scanner.app.demonstration", "demo", "--once"]
    with subprocess.Popen(words, env={**os.environ, "TERM": "xterm"}, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # EIO: nobody has it open any more
            while piece := os.read(ours, 1 << 16):
                shown += piece
        os.close(ours)
        assert process.wait(60) == 130
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")


@pytest.mark.parametrize(
    ("imported", "words"),
    [("scanner.app.commands", ["schema"]), ("scanner.app.adapters", ["check", "--config", "nowhere"])],
)
def test_an_interrupt_that_an_import_would_drop_ends_a_command(imported, words):
    """As the callbacks of Python's own import lock do, from which an exception goes nowhere."""
    done = subprocess.run(
        [sys.executable, "-c", DROPPED, imported, *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
