"""What the real shells, launchers, loaders, emulators, a runtime say on this machine, heard as it was meant."""

import json
import os
import struct
import subprocess
from pathlib import Path

import pytest

from scanner.domain.text import printable
from scanner.domain.verdict.error_phrases import explain, observe
from scanner.domain.verdict.reason import Reason
from tests.real.elf import BASE, executable

LINES_KEPT = 5
"""As many of a log as the probe sends."""


def speak(argv, folder, **environment):
    """The last lines that a program says where it cannot start another, with its exit code."""
    surroundings = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"} | environment
    done = subprocess.run(
        argv, cwd=folder, env=surroundings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=60, check=False,
    )  # fmt: skip
    lines = [printable(line, 500) for line in done.stdout.split(b"\n")]
    code = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return [line for line in lines if line][-LINES_KEPT:], code


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of files that no kernel of this machine starts, each for a reason of its own."""
    folder = tmp_path_factory.mktemp("files")
    machine = os.uname().machine
    own, other = ("amd64", "arm64") if machine == "x86_64" else ("arm64", "amd64")
    illegal = bytearray(executable(own))
    entry = struct.unpack_from("<Q", illegal, 24)[0] - BASE
    illegal[entry : entry + 4] = b"\x0f\x0b\x0f\x0b" if own == "amd64" else b"\0\0\0\0"
    content = {
        "foreign": executable(other),
        "loaderless": executable(own, interpreter="/lib/no-such-loader.so.1"),
        "foreign-loaderless": executable("arm64", interpreter="/lib/no-such-loader.so.1"),
        "illegal": bytes(illegal),
        "interpreterless": b"#!/no/such/shell\n",
        "carriage": b"#!/usr/bin/env sh\r\necho\r\n",
        "denied": b"#!/bin/sh\n",
    }
    for name, body in content.items():
        (folder / name).write_bytes(body)
        (folder / name).chmod(0o644 if name == "denied" else 0o755)
    (folder / "directory").mkdir()
    (folder / "proc").mkdir()
    return folder


SAID = [
    # package, argv, reason
    ("bash", "bash -c ./foreign;exit", Reason.EXEC_FORMAT_ERROR),
    ("bash", "bash -c exec|./foreign", Reason.EXEC_FORMAT_ERROR),
    ("bash", "bash ./foreign", Reason.NOT_A_PROGRAM),
    ("bash", "bash -c ./interpreterless;exit", Reason.INTERPRETER_MISSING),
    ("bash", "bash -c exec|./loaderless", Reason.INTERPRETER_MISSING),
    ("bash", "bash -c exec|./denied", Reason.ENTRYPOINT_NOT_EXECUTABLE),
    ("bash", "bash -c exec|./directory", Reason.ENTRYPOINT_DIRECTORY),
    ("bash", "bash -c exec|./missing", Reason.ENTRYPOINT_MISSING),
    ("bash", "bash -c ./illegal;exit|$?", Reason.ILLEGAL_INSTRUCTION),
    ("dash", "dash -c exec|./foreign", Reason.EXEC_FORMAT_ERROR),
    ("dash", "dash -c exec|./loaderless", Reason.ENTRYPOINT_MISSING),
    ("dash", "dash -c exec|./denied", Reason.ENTRYPOINT_NOT_EXECUTABLE),
    ("dash", "dash ./missing", Reason.ENTRYPOINT_MISSING),
    ("dash", "dash -c ./illegal;exit|$?", Reason.ILLEGAL_INSTRUCTION),
    ("busybox", "busybox sh -c exec|./foreign", Reason.EXEC_FORMAT_ERROR),
    ("busybox", "busybox sh -c ./missing", Reason.ENTRYPOINT_MISSING),
    ("busybox", "busybox sh -c ./denied", Reason.ENTRYPOINT_NOT_EXECUTABLE),
    ("busybox", "busybox sh -c ./illegal;exit|$?", Reason.ILLEGAL_INSTRUCTION),
    ("busybox", "busybox env ./interpreterless", Reason.INTERPRETER_MISSING),
    ("coreutils", "./carriage", Reason.CRLF_SHEBANG),
    ("coreutils", "env ./foreign", Reason.EXEC_FORMAT_ERROR),
    ("coreutils", "env ./loaderless", Reason.INTERPRETER_MISSING),
    ("coreutils", "env ./denied", Reason.ENTRYPOINT_NOT_EXECUTABLE),
    ("coreutils", "timeout 5 ./interpreterless", Reason.INTERPRETER_MISSING),
    ("coreutils", "nice ./denied", Reason.ENTRYPOINT_NOT_EXECUTABLE),
    ("util-linux", "setpriv ./foreign", Reason.EXEC_FORMAT_ERROR),
    ("util-linux", "setpriv ./loaderless", Reason.INTERPRETER_MISSING),
    ("util-linux", "setsid -w ./denied", Reason.ENTRYPOINT_NOT_EXECUTABLE),
    ("tini", "tini -s ./foreign", Reason.EXEC_FORMAT_ERROR),
    ("tini", "tini -s ./loaderless", Reason.INTERPRETER_MISSING),
    ("tini", "tini -s ./denied", Reason.ENTRYPOINT_NOT_EXECUTABLE),
    ("dumb-init", "dumb-init ./loaderless", Reason.INTERPRETER_MISSING),
    ("dumb-init", "dumb-init ./denied", Reason.ENTRYPOINT_NOT_EXECUTABLE),
    ("gosu", "gosu root ./foreign", Reason.EXEC_FORMAT_ERROR),
    ("gosu", "gosu root ./missing", Reason.ENTRYPOINT_MISSING),
    ("gosu", "gosu nobody-at-all ./foreign", Reason.USER_MISSING),
    ("qemu-user", "qemu-aarch64 /bin/true", Reason.EXEC_FORMAT_ERROR),
    ("qemu-user", "qemu-aarch64 ./foreign-loaderless", Reason.LOADER_MISSING),
]  # fmt: skip
"""Arguments part at blanks, ``|`` is a blank inside one. glibc's execvp has /bin/sh read what the kernel refused."""


@pytest.mark.parametrize(("package", "argv", "reason"), SAID, ids=[argv for _, argv, _ in SAID])
def test_what_the_real_one_says_is_heard(package, argv, reason, files, require):
    words = [word.replace("|", " ") for word in argv.split(" ")]
    if not words[0].startswith("."):
        words[0] = str(require(words[0], package))
    said, code = speak(words, files)
    found = observe("", said, code, 0.0)
    assert found is not None, (said, code)
    assert (found.reason, code != 0) == (reason, True)
    assert reason in {each.reason for each in explain("\n".join(said))} or code == 127


@pytest.fixture(scope="module")
def linked(tmp_path_factory, require):
    """A program that needs the library ``libq.so.6``, beside this machine's own C library."""
    folder = tmp_path_factory.mktemp("linked")
    body = require("true", "coreutils").read_bytes()
    (folder / "app").write_bytes(body.replace(b"libc.so.6\0", b"libq.so.6\0"))
    (folder / "app").chmod(0o755)
    maps = Path("/proc/self/maps").read_text()
    libc = next(line.split()[-1] for line in maps.splitlines() if line.endswith("/libc.so.6"))
    (folder / "libc").write_bytes(Path(libc).read_bytes())
    return folder


def _classless(library):
    library[4] = 3 - library[4]


def _headless(library):
    library[:4] = b"text"


def _short(library):
    del library[100:]


def _shifted(library):
    """The first segment that is mapped lies a few bytes off its page."""
    start, size, count = (
        struct.unpack_from("<Q", library, 32)[0],
        struct.unpack_from("<H", library, 54)[0],
        struct.unpack_from("<H", library, 56)[0],
    )
    for number in range(count):
        at = start + number * size
        if struct.unpack_from("<I", library, at)[0] == 1:
            struct.pack_into("<Q", library, at + 16, struct.unpack_from("<Q", library, at + 16)[0] + 8)
            return


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_classless, Reason.WRONG_LIBRARY),
        (_headless, Reason.WRONG_LIBRARY),
        (_short, Reason.LIBRARY_MISSING),
        (_shifted, Reason.PAGE_SIZE_UNSUPPORTED),
    ],
)
def test_what_glibc_s_loader_says_of_a_library_is_heard(change, reason, linked):
    library = bytearray((linked / "libc").read_bytes())
    change(library)
    (linked / "libq.so.6").write_bytes(library)
    said, code = speak(["./app"], linked, LD_LIBRARY_PATH=str(linked))
    (linked / "libq.so.6").unlink()
    assert (code, observe("", said, code, 0.0).reason) == (127, reason), said
    assert [each.reason for each in explain("\n".join(said))] == [reason]


def test_what_glibc_s_loader_says_of_a_missing_library_is_heard(linked):
    said, code = speak(["./app"], linked)
    assert (code, observe("", said, code).reason) == (127, Reason.LIBRARY_MISSING)


def test_what_glibc_s_loader_says_of_a_missing_version_is_heard(linked, require):
    body = require("true", "coreutils").read_bytes()
    start = body.index(b"GLIBC_2.34\0")
    newer = linked / "newer"
    newer.write_bytes(body[:start] + b"GLIBC_9.99\0" + body[start + 11 :])
    newer.chmod(0o755)
    said, code = speak(["./newer"], linked)
    assert (code, observe("", said, code).reason) == (1, Reason.LIBRARY_TOO_OLD), said
    assert [each.reason for each in explain("\n".join(said))] == [Reason.LIBRARY_TOO_OLD]


PROCESS = {"terminal": False, "user": {"uid": 0, "gid": 0}, "env": ["PATH=/"], "cwd": "/"}


@pytest.mark.parametrize(
    ("args", "cwd", "reason"),
    [
        ("/foreign", "/", Reason.EXEC_FORMAT_ERROR),
        ("/loaderless", "/", Reason.INTERPRETER_MISSING),
        ("/missing", "/", Reason.ENTRYPOINT_MISSING),
        ("missing", "/", Reason.ENTRYPOINT_MISSING),
        ("/denied", "/", Reason.ENTRYPOINT_NOT_EXECUTABLE),
        ("/foreign", "/denied", Reason.WORKDIR_INVALID),
    ],
)
def test_what_runc_says_is_heard(args, cwd, reason, files, tmp_path, require, require_root):
    config = {
        "ociVersion": "1.0.2",
        "process": PROCESS | {"args": [args], "cwd": cwd},
        "root": {"path": str(files), "readonly": True},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {"namespaces": [{"type": "mount"}], "cgroupsPath": f"/archscan-test-{tmp_path.name}"},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    runc = str(require("runc", "runc"))
    said, code = speak(
        [runc, "--root", str(tmp_path / "state"), "run", "--bundle", str(tmp_path), tmp_path.name], tmp_path
    )
    heard = observe("", said, code, 0.0) or observe(said[-1], [], code)
    assert heard is not None, (said, code)
    assert (heard.reason, code != 0) == (reason, True)
    assert [each.reason for each in explain("\n".join(said))] == [reason]
