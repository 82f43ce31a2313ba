"""Kinds of images by what surrounds argv: user, directory, environment, odd commands."""

from __future__ import annotations

from typing import Any

from tests.real.images import File, Image
from tests.system.truth.build import Kind, Tree, on_debian, plain
from tests.system.truth.launchers import ACCOUNTS
from tests.system.truth.programs import FOREIGN, NATIVE, SAYS
from tests.system.truth.userland import tools


def _as(user: str, tree: Tree | None = None, **process: Any) -> Image:
    return plain(tree or {"app": NATIVE}, process={"Entrypoint": ["/app"], "User": user, **process})


def _in(directory: str, tree: Tree, *argv: str) -> Image:
    return plain(tree, process={"Entrypoint": list(argv or ["/app"]), "WorkingDir": directory})


def _with(env: list[str], tree: Tree | None = None, *argv: str) -> Image:
    return plain(tree or {"app": NATIVE}, process={"Entrypoint": list(argv or ["/app"]), "Env": env})


def _run(tree: Tree, **process: Any) -> Image:
    return plain(tree, process=process)


def _closed(mode: int) -> Tree:
    return {"opt": File(folder=True, mode=mode), "opt/app": NATIVE}


def _script_as(user: str, mode: int) -> Image:
    return on_debian({"app": File(f"#!/bin/sh\necho {SAYS}\n".encode(), mode=mode)}, User=user)


NAMED: Tree = {"app": NATIVE, **ACCOUNTS}
BLANK_PATH = "PATH="

KINDS = (
    Kind("user-number", lambda: _as("1000"), "native"),
    Kind("user-number-and-group", lambda: _as("1000:2000"), "native"),
    Kind("user-named", lambda: _as("app", NAMED), "native"),
    Kind("user-named-and-group", lambda: _as("app:app", NAMED), "native"),
    Kind("user-named-number-group", lambda: _as("app:5", NAMED), "native"),
    Kind("user-missing", lambda: _as("nobody-there", NAMED)),
    Kind("user-without-passwd", lambda: _as("app")),
    Kind("user-root-without-passwd", lambda: _as("root")),
    Kind("user-group-missing", lambda: _as("app:nobodies", NAMED)),
    Kind("user-number-group-missing", lambda: _as("0:nobodies")),
    Kind("user-too-large", lambda: _as("4294967296")),
    Kind("user-2147483648", lambda: _as("2147483648")),
    Kind("user-largest", lambda: _as("2147483647")),
    Kind("user-negative", lambda: _as("-1")),
    Kind("user-colon-only", lambda: _as(":")),
    Kind("user-colon-group", lambda: _as(":1000")),
    Kind("user-blank", lambda: _as(" ")),
    Kind("user-numeric-name", lambda: _as("123", {"app": File(NATIVE, mode=0o700), "etc/passwd": File(b"123:x:0:0::/:/bin/sh\n", mode=0o644)})),
    Kind("user-three-parts", lambda: _as("0:0:0")),
    Kind("user-passwd-is-a-link", lambda: _as("app", {"app": NATIVE, "etc/passwd": File(link="/data/passwd"), "data/passwd": File(b"app:x:1:1::/:\n", mode=0o644)})),
    Kind("user-passwd-odd-lines", lambda: _as("app", {"app": NATIVE, "etc/passwd": File(b"# users\n\n+::::::\napp:x:1000:1000::/:/bin/sh\n", mode=0o644)})),
    Kind("user-program-of-root-only", lambda: _as("1000", {"app": File(NATIVE, mode=0o700)})),
    Kind("user-program-not-readable", lambda: _as("1000", {"app": File(NATIVE, mode=0o711)})),
    Kind("user-program-by-group-only", lambda: _as("1000", {"app": File(NATIVE, mode=0o770)})),
    Kind("user-program-by-root-group", lambda: _as("1000:0", {"app": File(NATIVE, mode=0o710)})),
    Kind("user-program-by-others", lambda: _as("1000", {"app": File(NATIVE, mode=0o001)})),
    Kind("user-directory-closed", lambda: _run(_closed(0o700), Entrypoint=["/opt/app"], User="1000")),
    Kind("user-directory-only-searched", lambda: _run(_closed(0o711), Entrypoint=["/opt/app"], User="1000")),
    Kind("user-directory-only-read", lambda: _run(_closed(0o744), Entrypoint=["/opt/app"], User="1000")),
    Kind("root-directory-closed", lambda: _run(_closed(0o000), Entrypoint=["/opt/app"])),
    Kind("user-by-path-skips-closed", lambda: _run({"a": File(folder=True, mode=0o700), "a/app": FOREIGN, "b/app": NATIVE}, Entrypoint=["app"], User="1000", Env=["PATH=/a:/b"])),
    Kind("user-by-path-skips-not-his", lambda: _run({"a/app": File(FOREIGN, mode=0o700), "b/app": NATIVE}, Entrypoint=["app"], User="1000", Env=["PATH=/a:/b"])),
    Kind("user-script-readable", lambda: _script_as("1000", 0o755)),
    Kind("user-script-not-readable", lambda: _script_as("1000", 0o711)),
    Kind("user-script-of-root-only", lambda: _script_as("1000", 0o700)),
    Kind("root-script-not-readable", lambda: _script_as("0", 0o111)),
    Kind("user-interpreter-closed", lambda: on_debian({"app": b"#!/opt/sh\n", "opt/sh": File(NATIVE, mode=0o700)}, User="1000")),
    Kind("user-loader-closed", lambda: on_debian({"usr/lib64": File(folder=True, mode=0o700)}, argv=["/bin/sh", "-c", f"echo {SAYS}"], User="1000")),
    Kind("user-behind-gosu-closed", lambda: on_debian({**tools("gosu"), "app": File(NATIVE, mode=0o700)}, argv=["gosu", "1000", "/app"])),
    Kind("user-setuid-bit", lambda: _as("1000", {"app": File(NATIVE, mode=0o4755)})),
    Kind("workdir-a-file", lambda: _in("/data", {"app": NATIVE, "data": b"x"})),
    Kind("workdir-below-a-file", lambda: _in("/data/x", {"app": NATIVE, "data": b"x"})),
    Kind("workdir-a-link-to-a-directory", lambda: _in("/w", {"srv/app": NATIVE, "w": File(link="srv")}, "./app")),
    Kind("workdir-a-link-to-a-file", lambda: _in("/w", {"app": NATIVE, "data": b"x", "w": File(link="data")})),
    Kind("workdir-a-dangling-link", lambda: _in("/w", {"app": NATIVE, "w": File(link="/nowhere")})),
    Kind("workdir-a-loop", lambda: _in("/w", {"app": NATIVE, "w": File(link="w")})),
    Kind("workdir-with-parents", lambda: _in("/srv/../opt", {"opt/app": NATIVE}, "./app")),
    Kind("workdir-above-the-root", lambda: _in("/../..", {"app": NATIVE}, "./app")),
    Kind("workdir-dot", lambda: _in(".", {"app": NATIVE}, "./app")),
    Kind("workdir-with-blanks", lambda: _in("/my app", {"my app/app": NATIVE}, "./app")),
    Kind("workdir-closed-to-its-user", lambda: plain({"app": NATIVE, "home": File(folder=True, mode=0o700)}, process={"Entrypoint": ["/app"], "WorkingDir": "/home", "User": "1000"})),
    Kind("workdir-missing-for-a-user", lambda: plain({"app": NATIVE}, process={"Entrypoint": ["/app"], "WorkingDir": "/made", "User": "1000"})),
    Kind("workdir-double-slash", lambda: _in("//srv//", {"srv/app": NATIVE}, "./app")),
    Kind("workdir-below-sys", lambda: _in("/sys/app", {"app": NATIVE}), "binary_unknown"),
    Kind("workdir-of-a-long-name", lambda: _in("/" + "d" * 256, {"app": NATIVE}), "workdir_invalid"),
    Kind("workdir-below-proc", lambda: _in("/proc/1", {"app": NATIVE})),
    Kind("env-without-value", lambda: _with(["LONELY"]), "native"),
    Kind("env-without-name", lambda: _with(["=x"])),
    Kind("env-empty-word", lambda: _with([""])),
    Kind("env-twice", lambda: _with(["PATH=/a", "PATH=/b"], {"a/app": FOREIGN, "b/app": NATIVE}, "app")),
    Kind("env-twice-other-way", lambda: _with(["PATH=/b", "PATH=/a"], {"a/app": FOREIGN, "b/app": NATIVE}, "app")),
    Kind("env-with-newline", lambda: _with(["A=b\nc"]), "native"),
    Kind("env-with-nul", lambda: _with(["A=b\0c"])),
    Kind("env-many", lambda: _with([f"V{n}={n}" for n in range(500)]), "native"),
    Kind("env-value-of-100-kb", lambda: _with(["V=" + "x" * 100_000])),
    Kind("env-value-of-140-kb", lambda: _with(["V=" + "x" * 140_000])),
    Kind("env-path-lower-case", lambda: _with(["path=/b"], {"b/app": NATIVE}, "app")),
    Kind("path-empty", lambda: _with([BLANK_PATH], {"usr/bin/app": NATIVE}, "app")),
    Kind("path-empty-in-workdir", lambda: plain({"srv/app": NATIVE}, process={"Entrypoint": ["app"], "Env": [BLANK_PATH], "WorkingDir": "/srv"})),
    Kind("path-only-colons", lambda: plain({"srv/app": NATIVE}, process={"Entrypoint": ["app"], "Env": ["PATH=::"], "WorkingDir": "/srv"})),
    Kind("path-with-dot", lambda: plain({"srv/app": NATIVE}, process={"Entrypoint": ["app"], "Env": ["PATH=."], "WorkingDir": "/srv"})),
    Kind("path-slash-behind", lambda: _with(["PATH=/opt/"], {"opt/app": NATIVE}, "app")),
    Kind("path-double-slash", lambda: _with(["PATH=//opt"], {"opt/app": NATIVE}, "app")),
    Kind("path-a-file", lambda: _with(["PATH=/opt/app:/b"], {"opt/app": NATIVE, "b/app": NATIVE}, "app")),
    Kind("path-with-tilde", lambda: _with(["PATH=~/bin:/b"], {"root/bin/app": NATIVE}, "app")),
    Kind("path-dangling-link-first", lambda: _with(["PATH=/a:/b"], {"a/app": File(link="/nowhere"), "b/app": NATIVE}, "app")),
    Kind("path-loop-first", lambda: _with(["PATH=/a:/b"], {"a/app": File(link="app"), "b/app": NATIVE}, "app")),
    Kind("path-unset-but-env-set", lambda: _with(["HOME=/"], {"usr/local/bin/app": NATIVE}, "app")),
    Kind("entrypoint-one-empty-word-and-cmd", lambda: _run({"app": NATIVE}, Entrypoint=[""], Cmd=["/app"])),
    Kind("entrypoint-one-empty-word-and-foreign", lambda: _run({"app": FOREIGN}, Entrypoint=[""], Cmd=["/app"])),
    Kind("entrypoint-one-empty-word-alone", lambda: _run({"app": NATIVE}, Entrypoint=[""])),
    Kind("entrypoint-empty-word-first", lambda: _run({"app": NATIVE}, Entrypoint=["", "/app"])),
    Kind("entrypoint-null-cmd-null", lambda: _run({"app": NATIVE}, Entrypoint=None, Cmd=None)),
    Kind("entrypoint-a-string", lambda: _run({"app": NATIVE}, Entrypoint="/app")),
    Kind("entrypoint-a-blank", lambda: _run({"app": NATIVE}, Entrypoint=[" "], Cmd=["/app"])),
    Kind("entrypoint-blank-in-front", lambda: _run({"app": NATIVE}, Entrypoint=[" /app"])),
    Kind("entrypoint-a-dot", lambda: _run({"app": NATIVE}, Entrypoint=["."])),
    Kind("entrypoint-the-root", lambda: _run({"app": NATIVE}, Entrypoint=["/"])),
    Kind("entrypoint-with-nul", lambda: _run({"app": NATIVE}, Entrypoint=["/app\0x"])),
    Kind("entrypoint-of-4096", lambda: _run({"app": NATIVE}, Entrypoint=["/" + "a" * 4096])),
    Kind("entrypoint-name-of-256", lambda: _run({"app": NATIVE}, Entrypoint=["/" + "a" * 256])),
    Kind("argument-of-140-kb", lambda: _run({"app": NATIVE}, Entrypoint=["/app"], Cmd=["x" * 140_000])),
    Kind("arguments-many", lambda: _run({"app": NATIVE}, Entrypoint=["/app"], Cmd=["x"] * 2000)),
    Kind("program-below-dev", lambda: _run({"dev/app": NATIVE}, Entrypoint=["/dev/app"])),
    Kind("program-below-proc", lambda: _run({"proc/app": NATIVE}, Entrypoint=["/proc/app"])),
    Kind("program-below-sys", lambda: _run({"sys/app": NATIVE}, Entrypoint=["/sys/app"])),
    Kind("program-below-dev-shm", lambda: _run({"dev/shm/app": NATIVE}, Entrypoint=["/dev/shm/app"])),
    Kind("program-below-run", lambda: _run({"run/app": NATIVE}, Entrypoint=["/run/app"])),
    Kind("program-below-tmp", lambda: _run({"tmp/app": NATIVE}, Entrypoint=["/tmp/app"])),
    Kind("program-linked-to-dev", lambda: _run({"app": File(link="/dev/app"), "dev/app": NATIVE}, Entrypoint=["/app"])),
    Kind("program-proc-self-exe", lambda: _run({"app": NATIVE}, Entrypoint=["/proc/self/exe"])),
    Kind("program-in-etc-mtab", lambda: _run({"etc/mtab": NATIVE}, Entrypoint=["/etc/mtab"]), "binary_unknown"),
    Kind("program-in-etc-hosts", lambda: _run({"etc/hosts": NATIVE}, Entrypoint=["/etc/hosts"])),
    Kind("program-below-a-volume", lambda: _run({"data/app": NATIVE}, Entrypoint=["/data/app"], Volumes={"/data": {}})),
    Kind("program-missing-below-a-volume", lambda: _run({"app": NATIVE}, Entrypoint=["/data/app"], Volumes={"/data": {}})),
    Kind("dev-is-a-file", lambda: _run({"app": NATIVE, "dev": b"x"}, Entrypoint=["/app"])),
    Kind("proc-is-a-link", lambda: _run({"app": NATIVE, "proc": File(link="/tmp")}, Entrypoint=["/app"])),
    Kind("stop-signal-odd", lambda: _run({"app": NATIVE}, Entrypoint=["/app"], StopSignal="SIGNONE")),
    Kind("labels-odd", lambda: _run({"app": NATIVE}, Entrypoint=["/app"], Labels={"": "x", "a b": ""})),
    Kind("exposed-port-odd", lambda: _run({"app": NATIVE}, Entrypoint=["/app"], ExposedPorts={"no/port": {}})),
    Kind("exposed-port-range", lambda: _run({"app": NATIVE}, Entrypoint=["/app"], ExposedPorts={"8000-8010/tcp": {}})),
)  # fmt: skip
