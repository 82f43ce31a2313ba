"""Containers by what surrounds argv on the command line: users, rights, directories, init, mounts, all of one image."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.real.images import File, Image, Pusher, capability
from tests.system.truth.build import Tree, on_debian
from tests.system.truth.comparison import Case
from tests.system.truth.outcomes import Command, created, started
from tests.system.truth.programs import FOREIGN, NATIVE, SAYS, WRAPPER
from tests.system.truth.scanning import Scanner

HOST_FOLDER = "@folder"
"""Stands in options for a folder of the host that holds a program called app."""

_HELLO = f"#!/bin/sh\necho {SAYS}\n".encode()
_ACCOUNTS = {
    "etc/passwd": File(b"root:x:0:0::/:/bin/sh\napp:x:1000:1001::/:/bin/sh\n77:x:0:0::/:/bin/sh\n", mode=0o644),
    "etc/group": File(b"root:x:0:\napp:x:1001:\nstaff:x:50:app\n", mode=0o644),
}
TREE: Tree = {
    **_ACCOUNTS,
    "app": NATIVE,
    "arm": FOREIGN,
    "sbin/tini": WRAPPER,
    "srv": File(folder=True),
    "srv/app": NATIVE,
    "own": File(NATIVE, mode=0o700, uid=1000),
    "not-for-its-owner": File(NATIVE, mode=0o077, uid=1000),
    "of-root": File(NATIVE, mode=0o700),
    "of-group": File(NATIVE, mode=0o710, gid=50),
    "of-root-s-group": File(NATIVE, mode=0o710),
    "of-others": File(NATIVE, mode=0o001),
    "large": File(NATIVE, mode=0o700, uid=3_000_000, gid=3_000_000),
    "closed": File(folder=True, mode=0o700),
    "closed/app": NATIVE,
    "closed/only-here": NATIVE,
    "into-closed": File(link="closed/app"),
    "searched": File(folder=True, mode=0o711),
    "searched/app": NATIVE,
    "listed": File(folder=True, mode=0o744),
    "listed/app": NATIVE,
    "home": File(folder=True, mode=0o700, uid=1000),
    "home/app": NATIVE,
    "hello.sh": _HELLO,
    "unreadable.sh": File(_HELLO, mode=0o711),
    "own.sh": File(_HELLO, mode=0o500, uid=1000),
    "of-root.sh": File(_HELLO, mode=0o700),
    "through-closed.sh": b"#!/closed/app\n",
    "text": f"echo {SAYS}\n".encode(),
    "text-arm": b"exec /arm\n",
    "data": File(b"x", mode=0o644),
    "loop": File(link="loop"),
    "to-data": File(link="data"),
    "to-srv": File(link="srv"),
    "dangling": File(link="/nowhere"),
    "dev/app": NATIVE,
    "wants-ipc-lock": File(NATIVE, capability=capability(14)),
    "wants-net-raw": File(NATIVE, capability=capability(13)),
    "proc/app": NATIVE,
    "sys/app": NATIVE,
    "run/app": NATIVE,
}


@dataclass(frozen=True)
class Row:
    """One container: options before the image's name, words after it; what is to be said of it before it starts.

    ``reason`` is Docker 20.10's, ``podman`` Podman 4.3's where that differs. Where the engine refuses to make the
    container nothing is judged.
    """

    id: str
    words: tuple[str, ...]
    options: tuple[str, ...] = ()
    reason: str = "native"
    podman: str = ""

    def expected(self, engine: str) -> str:
        """The reason of its verdict on a host with this engine."""
        return self.podman if engine == "podman" and self.podman else self.reason

    @property
    def name(self) -> str:
        """Its container."""
        return f"process-{self.id}"


def _as(user: str, *words: str, reason: str = "native", name: str = "") -> Row:
    spelt = (name or f"{user}-{'-'.join(words)}").replace("/", "").replace(":", ".")
    return Row(f"as-{spelt}", words, ("--user", user), reason)


def _init(name: str, *words: str, options: tuple[str, ...] = (), reason: str = "native") -> Row:
    return Row(f"init-{name}", words, ("--init", *options), reason)


def _asks(name: str, script: str, mount: str, reason: str = "native") -> Row:
    """A shell that looks at what a mount brings along."""
    return Row(name, ("/bin/sh", "-c", script), ("--volume", f"{HOST_FOLDER}:{mount}"), reason)


USERS = (
    *(_as(user, "/app") for user in ("0", "root", "1000", "1000:1000", "app", "app:staff", "app:7", "2147483647", ":50", "77")),
    _as("app:", "/app", name="app-and-colon"),
    *(_as(user, "/app", reason="user_missing") for user in ("nobody", "app:nobodies", "0:nobodies", "2147483648", "0:2147483648")),
    _as("-5", "/app", reason="user_missing", name="negative"),
)  # fmt: skip
RIGHTS = (
    _as("1000", "/own"),
    _as("app", "/own"),
    _as("1001", "/own", reason="permission_denied"),
    _as("1000", "/not-for-its-owner", reason="permission_denied"),
    _as("0", "/not-for-its-owner"),
    _as("1000", "/of-root", reason="permission_denied"),
    _as("77", "/of-root", reason="permission_denied"),
    _as("app", "/of-group"),
    _as("1000", "/of-group"),
    _as("1000:1001", "/of-group", reason="permission_denied"),
    _as("2000:50", "/of-group"),
    _as("2000", "/of-root-s-group"),
    _as("1000", "/of-root-s-group", reason="permission_denied"),
    _as("1000", "/of-others"),
    _as("0", "/of-others"),
    _as("3000000", "/large"),
    _as("1000", "/large", reason="permission_denied"),
    _as("1000", "/closed/app", reason="permission_denied"),
    _as("0", "/closed/app"),
    _as("1000", "/into-closed", reason="permission_denied"),
    _as("1000", "/searched/app"),
    _as("1000", "/listed/app", reason="permission_denied"),
    _as("1000", "/home/app"),
    _as("1001", "/home/app", reason="permission_denied"),
    _as("1000", "/hello.sh"),
    _as("1000", "/unreadable.sh", reason="permission_denied"),
    _as("0", "/unreadable.sh"),
    _as("1000", "/own.sh"),
    _as("1000", "/of-root.sh", reason="permission_denied"),
    _as("1000", "/through-closed.sh", reason="permission_denied"),
    _as("0", "/through-closed.sh"),
    _as("1000", "/sbin/tini", "--", "/of-root", reason="permission_denied"),
    _as("0", "/sbin/tini", "--", "/of-root"),
    _as("1000", "env", "/of-root", reason="permission_denied"),
    _as("1000", "/sbin/tini", "--", "/own"),
    Row("path-in-a-closed-directory", ("only-here",), ("--user", "1000", "-e", "PATH=/closed:/bin"), "permission_denied"),
    Row("path-past-a-closed-directory", ("app",), ("--user", "1000", "-e", "PATH=/closed:/srv"), "binary_unknown"),
    Row("path-past-a-closed-directory-by-root", ("app",), ("-e", "PATH=/closed:/srv")),
)  # fmt: skip
DIRECTORIES = (
    Row("workdir-there", ("./app",), ("--workdir", "/srv")),
    Row("workdir-made", ("../app",), ("--workdir", "/made"), "native", "workdir_invalid"),
    Row("workdir-by-a-link", ("./app",), ("--workdir", "/to-srv")),
    Row("workdir-with-parents", ("./app",), ("--workdir", "/nowhere/../srv")),
    Row("workdir-closed", ("/app",), ("--workdir", "/closed", "--user", "1000")),
    Row("workdir-a-file", ("/app",), ("--workdir", "/data"), "workdir_invalid"),
    Row("workdir-a-link-to-a-file", ("/app",), ("--workdir", "/to-data"), "workdir_invalid"),
    Row("workdir-a-loop", ("/app",), ("--workdir", "/loop"), "workdir_invalid"),
    Row("workdir-dangling", ("/app",), ("--workdir", "/dangling"), "native", "workdir_invalid"),
)
WORDS = (
    Row("path-empty", ("app",), ("-e", "PATH="), "entrypoint_missing", "binary_unknown"),
    Row("path-empty-there", ("app",), ("-e", "PATH=", "--workdir", "/srv"), "entrypoint_missing", "binary_unknown"),
    Row("path-nowhere", ("app",), ("-e", "PATH=/nowhere"), "entrypoint_missing"),
    Row("path-by-default", ("hello.sh",), (), "entrypoint_missing"),
    Row("variable", ("/app",), ("-e", "A=b=c")),
    Row("word-empty", ("",), (), "no_command"),
    Row("below-dev", ("/dev/app",), (), "entrypoint_missing"),
    Row("below-proc", ("/proc/app",), (), "entrypoint_missing"),
    Row("below-sys", ("/sys/app",), (), "entrypoint_missing"),
    Row("below-dev-shm", ("/dev/shm/app",), (), "entrypoint_missing"),
    Row("below-run", ("/run/app",)),
)  # fmt: skip
INITS = (
    _init("program", "/app"),
    _init("program-by-path", "app", options=("-e", "PATH=/srv")),
    _init("foreign", "/arm", reason="wrong_binary"),
    _init("missing", "/missing", reason="entrypoint_missing"),
    _init("not-executable", "/data", reason="entrypoint_not_executable"),
    _init("text", "/text"),
    _init("text-to-foreign", "/text-arm", reason="wrong_binary"),
    _init("script", "/hello.sh"),
    _init("denied", "/of-root", options=("--user", "1000"), reason="permission_denied"),
    _init("own", "/own", options=("--user", "1000")),
    Row("text-without-init", ("/text",), (), "no_shebang"),
)
MOUNTS = (
    Row("mount-holds-it", ("/v/app",), ("--volume", f"{HOST_FOLDER}:/v"), "binary_unknown"),
    Row("mount-lacks-it", ("/v/none",), ("--volume", f"{HOST_FOLDER}:/v"), "binary_unknown"),
    Row("mount-over-it", ("/srv/app",), ("--volume", f"{HOST_FOLDER}:/srv"), "binary_unknown"),
    Row("mount-beside-it", ("/srv/app",), ("--volume", f"{HOST_FOLDER}:/v")),
    Row("mount-beside-what-is-missing", ("/missing",), ("--volume", f"{HOST_FOLDER}:/v"), "entrypoint_missing"),
    Row("tmpfs-over-it", ("/srv/app",), ("--tmpfs", "/srv"), "permission_denied", "binary_unknown"),
    Row("tmpfs-with-exec-over-it", ("/srv/app",), ("--tmpfs", "/srv:exec"), "binary_unknown"),
    _asks("mount-makes-directories", "[ -d /new ] && exec /app; exec /arm", "/new/x/y"),
    _asks("mount-beside-a-missing-directory", "[ -d /new ] && exec /app; exec /arm", "/other/x", "wrong_binary"),
    _asks("mount-found-by-a-pattern", 'set -- /new/*; [ "$1" = /new/x ] && exec /app; exec /arm', "/new/x"),
    _asks("mount-holds-what-a-pattern-finds", 'for p in /new/*/app; do exec "$p"; done; exec /arm', "/new/x", "binary_unknown"),
    Row("mount-by-a-link", ("/srv/app",), ("--volume", f"{HOST_FOLDER}:/to-srv"), "binary_unknown"),
    Row("mount-over-dev-shm", ("/dev/shm/app",), ("--volume", f"{HOST_FOLDER}:/dev/shm"), "binary_unknown"),
)  # fmt: skip

_DROPS = ("--cap-drop", "ALL")
_LACKS = ("--cap-drop", "DAC_OVERRIDE")
PRIVILEGES = (
    Row("root-that-reads-and-searches", ("/home/app",), (*_DROPS, "--cap-add", "DAC_READ_SEARCH")),
    Row("root-without-override", ("/own",), _LACKS, "permission_denied"),
    Row("root-without-override-closed", ("/home/app",), _LACKS, "permission_denied"),
    Row("root-without-any-of-root", ("/of-root",), _DROPS),
    Row("root-without-any-of-a-script", ("/own.sh",), _DROPS, "permission_denied"),
    Row("root-without-any-in-the-group", ("/of-group",), (*_DROPS, "--group-add", "50")),
    Row("root-with-override-again", ("/own",), (*_DROPS, "--cap-add", "DAC_OVERRIDE")),
    Row("group-added", ("/of-group",), ("--user", "2000", "--group-add", "50")),
    Row("group-added-by-name", ("/of-group",), ("--user", "2000", "--group-add", "staff")),
    Row("group-added-in-vain", ("/of-group",), ("--user", "2000", "--group-add", "7"), "permission_denied"),
    Row("group-added-missing", ("/app",), ("--user", "2000", "--group-add", "nobodies"), "user_missing"),
)  # fmt: skip

CAPABILITIES = (
    Row("wants-ipc-lock", ("/wants-ipc-lock",), (), "permission_denied"),
    Row("wants-ipc-lock-by-a-user", ("/wants-ipc-lock",), ("--user", "1000"), "permission_denied"),
    Row("wants-ipc-lock-added", ("/wants-ipc-lock",), ("--cap-add", "IPC_LOCK")),
    Row("wants-ipc-lock-privileged", ("/wants-ipc-lock",), ("--privileged",)),
    Row("wants-net-raw", ("/wants-net-raw",), (), "native", "permission_denied"),
    Row("wants-net-raw-dropped", ("/wants-net-raw",), _DROPS, "permission_denied"),
)


def _read_only(name: str, script: str, *options: str, reason: str = "native", podman: str = "") -> Row:
    return Row(f"read-only-{name}", ("/bin/sh", "-c", script), ("--read-only", *options), reason, podman)


READ_ONLY = (
    _read_only("plain", "exec /app"),
    _read_only("written-first", "set -e; echo x >/srv/x; exec /app", reason="binary_unknown", podman="binary_unknown"),
    _read_only("made", "echo 'exec /app' >/srv/run.sh; exec /bin/sh /srv/run.sh", reason="entrypoint_missing"),
    _read_only("made-in-tmp", "set -e; echo x >/tmp/x; exec /app", reason="binary_unknown", podman="native"),
    _read_only("on-tmpfs", "set -e; echo x >/t/x; exec /app", "--tmpfs", "/t", podman="native"),
    _read_only("not-replaced", "echo 'exec /arm' >/hello.sh; exec /hello.sh"),
)

ROWS = USERS + RIGHTS + DIRECTORIES + WORDS + INITS + MOUNTS + PRIVILEGES + CAPABILITIES + READ_ONLY


@cache
def image() -> Image:
    """The one image of all rows."""
    return on_debian(TREE, argv=[])


def rows_of(engine: str) -> tuple[Row, ...]:
    """The rows that an engine runs: every second one in turn with the other, all that tell them apart; ``make engines`` asks for all."""
    turn = 0 if engine == "docker" else 1
    return tuple(
        row for number, row in enumerate(ROWS) if "TRUTH_EVERY" in os.environ or row.podman or number % 2 == turn
    )


def compare(
    pusher: Pusher, scanner: Scanner, command: Command, folder: Path, rows: Sequence[Row], pull: Sequence[str] = ()
) -> Mapping[str, Case]:
    """Create all, judge them as they were never started, start them, judge them again: two scans in all."""
    reference = pusher.push("truth/process", "1", image())
    (folder / "app").write_bytes(NATIVE)
    (folder / "app").chmod(0o755)
    folder.chmod(0o755)
    command("pull", *pull, reference)

    def said(row: Row) -> tuple[str, ...]:
        options = (option.replace(HOST_FOLDER, str(folder)) for option in row.options)
        return (*options, reference, *row.words)

    refusals = created(command, {row.name: said(row) for row in rows})
    planned = scanner.scan()
    outcomes = started(command, refusals)
    containers = scanner.scan()
    return {row.id: Case(planned.get(row.name, {}), outcomes[row.name], containers.get(row.name)) for row in rows}
