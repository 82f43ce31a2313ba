"""Runs scripts in real shells among tracer programs, to compare with what the interpretation says."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS, Command
from scanner.binary.program.shell import shell_command
from scanner.binary.program.shell.following import AtRunTime, Ended, Reached, Script, follow
from scanner.binary.program.shell.image_paths import PathKind, Standing
from scanner.binary.program.shell.state import ShellKind

SHELLS = {
    "dash": (ShellKind.DASH, ["/bin/dash"]),
    "bash": (ShellKind.BASH, ["/bin/bash"]),
    "busybox": (ShellKind.ASH, ["/bin/busybox", "sh"]),
}
TRACER = """#!/bin/dash
{ printf '%s\\0' "${0##*/}" "$PWD" "${FOO-unset}" "$@"; printf '\\n'; } >> "$TRACE"
"""
ENDS_WITHIN_S = 10
TRACED = ("app", "server", "other", "migrate", "redis-server", "gosu", "node", "x y", "--odd")


class RealFiles:
    """The scratch directory as the interpreter sees an image."""

    def stands(self, path):
        try:
            found = Path(path).stat()
        except OSError:
            return Standing(PathKind.MISSING)
        real = Path(path)
        kind = PathKind.FILE if real.is_file() else PathKind.DIRECTORY if real.is_dir() else PathKind.OTHER
        return Standing(kind, bool(found.st_mode & 0o111), found.st_size, os.path.realpath(path))

    def text(self, path):
        return Path(path).read_bytes()

    def names(self, path):
        return tuple(sorted(each.name for each in Path(path).iterdir())) if Path(path).is_dir() else ()

    def is_link(self, path):
        return Path(path).is_symlink()

    def is_called(self, name):
        return True

    def called_below(self, place, name):
        return tuple(sorted(str(each) for each in Path(place).rglob(name)))

    def forbids(self, path):
        return False

    def is_others(self, path):
        return False

    def lacks_applet(self, path):
        return False

    def architecture(self, path):
        return ""


def build(root: Path) -> Path:
    """A scratch image: tracers in bin and opt/app, files to test and to source."""
    for directory in ("bin", "opt/app", "etc", "init.d", "empty", "srv"):
        (root / directory).mkdir(parents=True, exist_ok=True)
    for name in TRACED:
        _program(root / "bin" / name)
    _program(root / "opt/app/run")
    (root / "linked").symlink_to("opt/app")
    _program(root / "opt/app/app")
    (root / "etc/env.sh").write_text('FOO=sourced\nBAR="$1"\nset -- from file\n')
    (root / "etc/functions").write_text('start() { exec app started "$@"; }\n')
    (root / "etc/exits").write_text("return 3\n")
    (root / "etc/config").write_text("x\n")
    (root / "etc/blank").write_text("")
    (root / "etc/lines").write_text("app x\nother y\n")
    (root / "etc/pairs").write_text("a=1\nbin=app\n")
    (root / "init.d/10-a.sh").write_text("A_WAS=here\n")
    (root / "init.d/20-b.sh").write_text("B_WAS=there\n")
    (root / "init.d/notes").write_text("\n")
    (root / "link").symlink_to("etc/config")
    return root


def _program(path: Path) -> None:
    path.write_text(TRACER)
    path.chmod(0o755)


def environment(root: Path) -> dict[str, str]:
    return {
        "PATH": f"{root}/bin:/usr/bin:/bin", "FOO": "foo", "EMPTY": "", "TWO": "a b", "HOME": f"{root}/srv",
        "TRACE": f"{root}/trace",
    }  # fmt: skip


def run(shell: str, script: Path, arguments, root: Path):
    """What the real shell started: name, directory, FOO, arguments of each tracer, in their order."""
    return started([*SHELLS[shell][1], str(script), *arguments], root, environment(root))


def started(argv, root: Path, env, text: str = "", executable: str | None = None):
    """What a command line started, given a text to read."""
    trace = root / "trace"
    trace.write_bytes(b"")
    ran = subprocess.Popen(
        argv, env=env, cwd=root / "srv", executable=executable,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        ran.communicate(text.encode(), timeout=ENDS_WITHIN_S)  # until whatever it left in the background has ended too
    finally:  # with whatever it has started: a script that goes on for ever does so on every branch
        with contextlib.suppress(ProcessLookupError):
            os.killpg(ran.pid, signal.SIGKILL)
        ran.communicate()
    lines = trace.read_bytes().decode().split("\0\n")
    return [line.split("\0") for line in lines if line]


def interpret(shell: str, text: str, script: Path, arguments, root: Path):
    """The endings that the interpretation finds."""
    env = environment(root)
    command = Command(
        (str(script),), tuple(env["PATH"].split(":")), str(root / "srv"), env=env, env_known=True, user=""
    )
    return follow(Script(text.encode(), SHELLS[shell][0], str(script), tuple(arguments), command), RealFiles())


def interpret_line(argv, root: Path, env, text: str, executable: str):
    """The endings of a shell that is given these words."""
    path = tuple(env["PATH"].split(":"))
    command = Command(tuple(argv), path, str(root / "srv"), env=env, env_known=True, user="", input=text)
    kind = shell_command.kind_of(argv[0], os.path.realpath(executable))
    found = shell_command.read(command, kind, RealFiles())
    return follow(found, RealFiles()) if isinstance(found, Script) else (AtRunTime(str(found)),)


def holds(endings, traced) -> bool:
    """Whether one of the endings is what happened."""
    if any(isinstance(ending, AtRunTime) for ending in endings):
        return True
    return any(_is(ending, traced) for ending in endings)


def _is(ending, traced) -> bool:
    if isinstance(ending, Ended):
        return not traced
    assert isinstance(ending, Reached)
    name = Path(ending.command.argv[0]).name
    is_there = "/" not in ending.command.argv[0] or Path(ending.command.cwd, ending.command.argv[0]).exists()
    if name not in TRACED and not (name == "run" and is_there):
        return not traced  # a preparing program that is the last one, or one that is not there
    if not traced:
        return False
    wanted = [name, ending.command.cwd, ending.command.env.get("FOO", "unset"), *ending.command.argv[1:]]
    return any(_alike(wanted, seen) for seen in (traced if not ending.execd else traced[-1:]))


def _alike(wanted, seen) -> bool:
    if UNKNOWN_WORDS in wanted:
        return wanted[: wanted.index(UNKNOWN_WORDS)] == seen[: wanted.index(UNKNOWN_WORDS)]
    if len(wanted) != len(seen):
        return False
    return all(a is None or UNKNOWN in a or a == b for a, b in zip(wanted, seen, strict=True))


def brief(endings):
    """Endings in a line."""
    return [
        (e.command.argv, e.command.cwd, e.command.env.get("FOO"), e.execd) if isinstance(e, Reached) else e
        for e in endings
    ]
