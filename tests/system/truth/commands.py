"""Kinds of images by how they say what is to be run."""

from __future__ import annotations

from collections.abc import Sequence

from tests.real.images import File, Image
from tests.system.truth.build import Kind, Tree, on_debian, plain
from tests.system.truth.programs import FOREIGN, NATIVE, SAYS, WRAPPER


def _runs(
    tree: Tree, entrypoint: Sequence[str] | None = None, cmd: Sequence[str] | None = None, **process: object
) -> Image:
    return plain(tree, process={"Entrypoint": entrypoint, "Cmd": cmd, **process})


def _path(*directories: str) -> dict[str, list[str]]:
    return {"Env": ["LANG=C", "PATH=" + ":".join(directories)]}


FORWARD = b'#!/bin/sh\nset -e\nexec "$@"\n'

KINDS = (
    Kind("entrypoint-and-cmd", lambda: _runs({"app": WRAPPER, "program": NATIVE}, ["/app"], ["/program"]), "native"),
    Kind("cmd-only", lambda: _runs({"app": NATIVE}, None, ["/app", "serve"]), "native"),
    Kind("entrypoint-empty-list", lambda: _runs({"app": NATIVE}, [], ["/app"]), "native"),
    Kind("no-command", lambda: _runs({"app": NATIVE}), "no_command"),
    Kind("command-of-one-empty-word", lambda: _runs({"app": NATIVE}, None, [""]), "no_command"),
    Kind("shell-form", lambda: on_debian(argv=[], cmd=["/bin/sh", "-c", f"echo {SAYS}"]), "native"),
    Kind("shell-form-of-foreign", lambda: on_debian({"app": FOREIGN}, argv=["/bin/sh", "-c", "/app"]), "wrong_binary"),
    Kind("shell-form-exec-foreign", lambda: on_debian({"app": FOREIGN}, argv=["/bin/sh", "-c", "export A=b; exec /app"]), "wrong_binary"),
    Kind("shell-form-without-shell", lambda: _runs({"app": NATIVE}, None, ["/bin/sh", "-c", "/app"]), "entrypoint_missing"),
    Kind("path-default", lambda: _runs({"usr/bin/app": NATIVE}, ["app"]), "native"),
    Kind("path-of-image", lambda: _runs({"opt/app/bin/app": NATIVE}, ["app"], **_path("/bin", "/opt/app/bin")), "native"),
    Kind("path-without-it", lambda: _runs({"opt/app": NATIVE}, ["app"]), "entrypoint_missing"),
    Kind("path-skips-not-executable", lambda: _runs({"a/app": File(NATIVE, mode=0o644), "b/app": NATIVE}, ["app"], **_path("/a", "/b")), "native"),
    Kind("path-skips-directory", lambda: _runs({"a/app": File(folder=True), "b/app": NATIVE}, ["app"], **_path("/a", "/b")), "native"),
    Kind("path-takes-the-first", lambda: _runs({"a/app": FOREIGN, "b/app": NATIVE}, ["app"], **_path("/a", "/b")), "wrong_binary"),
    Kind("path-past-what-engines-hide", lambda: _runs({"proc/app": FOREIGN, "b/app": NATIVE}, ["app"], **_path("/proc", "/b")), "native"),
    Kind("path-only-not-executable", lambda: _runs({"a/app": File(NATIVE, mode=0o644)}, ["app"], **_path("/a")), "entrypoint_not_executable"),
    Kind("name-only-in-workdir", lambda: _runs({"srv/app": NATIVE}, ["app"], WorkingDir="/srv"), "entrypoint_missing"),
    Kind("shell-form-foreign-before-the-last", lambda: on_debian({"app": FOREIGN, "last": NATIVE}, argv=["/bin/sh", "-c", "/app; exec /last"]), "survey_pending"),
    Kind("shell-form-foreign-in-a-condition", lambda: on_debian({"app": FOREIGN, "last": NATIVE}, argv=["/bin/sh", "-c", "/app || exec /last"]), "survey_pending"),
    Kind("path-empty-part", lambda: _runs({"srv/app": NATIVE}, ["app"], WorkingDir="/srv", **_path("", "/bin")), "binary_unknown"),
    Kind("path-relative-part", lambda: _runs({"srv/bin/app": NATIVE}, ["app"], WorkingDir="/srv", **_path("bin", "/sbin")), "binary_unknown"),
    Kind("relative-to-root", lambda: _runs({"app": NATIVE}, ["./app"]), "native"),
    Kind("relative-to-workdir", lambda: _runs({"srv/app": NATIVE}, ["./app"], WorkingDir="/srv"), "native"),
    Kind("relative-with-parents", lambda: _runs({"srv/app": NATIVE, "srv/www/x": b""}, ["../app"], WorkingDir="/srv/www"), "native"),
    Kind("relative-missing", lambda: _runs({"app": NATIVE}, ["./app"], WorkingDir="/srv"), "entrypoint_missing"),
    Kind("workdir-relative", lambda: _runs({"srv/app": NATIVE}, ["./app"], WorkingDir="srv"), "workdir_invalid", "binary_unknown"),
    Kind("workdir-made-by-the-engine", lambda: _runs({"app": NATIVE}, ["../app"], WorkingDir="/made"), "native"),
    Kind("path-above-the-root", lambda: _runs({"app": NATIVE}, ["/../../app"]), "native"),
    Kind("path-with-double-slashes", lambda: _runs({"srv/app": NATIVE}, ["//srv/.//app"]), "native"),
    Kind("path-with-slash-behind", lambda: _runs({"app": NATIVE}, ["/app/"]), "entrypoint_missing"),
    Kind("path-through-a-file", lambda: _runs({"app": NATIVE}, ["/app/app"]), "entrypoint_missing"),
    Kind("tini", lambda: _runs({"sbin/tini": WRAPPER, "app": NATIVE}, ["/sbin/tini", "--", "/app"]), "native"),
    Kind("tini-foreign", lambda: _runs({"sbin/tini": WRAPPER, "app": FOREIGN}, ["/sbin/tini", "--"], ["/app"]), "wrong_binary"),
    Kind("tini-script-crlf", lambda: on_debian({"sbin/tini": WRAPPER, "app": b"#!/bin/sh\r\necho no\n"}, argv=["/sbin/tini", "/app"]), "crlf_shebang"),
    Kind("tini-itself-foreign", lambda: _runs({"sbin/tini": FOREIGN, "app": NATIVE}, ["/sbin/tini", "--", "/app"]), "wrong_binary"),
    Kind("env-wrapper", lambda: on_debian({"usr/bin/app": NATIVE}, argv=["env", "A=b", "app"]), "native"),
    Kind("env-wrapper-foreign", lambda: on_debian({"usr/bin/app": FOREIGN}, argv=["env", "A=b", "app"]), "wrong_binary"),
    Kind("forwarding-script", lambda: on_debian({"entry.sh": FORWARD, "app": NATIVE}, argv=["/entry.sh"], cmd=["/app"]), "native"),
    Kind("volume-over-a-file", lambda: _runs({"app": NATIVE}, ["/app"], Volumes={"/app": {}}), "image_refused", podman="binary_unknown"),
    Kind("volume-below-a-file", lambda: _runs({"app": NATIVE, "d/f": b"x"}, ["/app"], Volumes={"/d/f/g": {}}), "image_refused", podman="binary_unknown"),
    Kind("volume-below-proc", lambda: _runs({"app": NATIVE}, ["/app"], Volumes={"/proc/x": {}}), "binary_unknown"),
    Kind("shell-given-what-its-user-may-not-read", lambda: on_debian({"app": File(f"echo {SAYS}\n".encode(), mode=0o600)}, argv=["/bin/sh", "/app"], User="1000"), "permission_denied"),
    Kind("shell-given-what-its-user-may-read", lambda: on_debian({"app": File(f"echo {SAYS}\n".encode(), mode=0o600, uid=1000)}, argv=["/bin/sh", "/app"], User="1000"), "native"),
    Kind("loader-told-to-list", lambda: on_debian(argv=["/bin/sh", "-c", f"echo {SAYS}"], Env=["LD_TRACE_LOADED_OBJECTS=1"]), "binary_unknown"),
    Kind("loader-told-to-explain-itself", lambda: on_debian(argv=["/bin/sh", "-c", f"echo {SAYS}"], Env=["LD_DEBUG=help"]), "binary_unknown"),
    Kind("forwarding-script-foreign", lambda: on_debian({"entry.sh": FORWARD, "app": FOREIGN}, argv=["/entry.sh"], cmd=["/app"]), "wrong_binary"),
)  # fmt: skip
