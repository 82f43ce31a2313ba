"""Kinds of images whose entrypoint is a script."""

from __future__ import annotations

from tests.real.images import File, Image
from tests.system.truth.build import Kind, Tree, on_debian, plain
from tests.system.truth.programs import FOREIGN, NATIVE, SAYS, asking_for

SAY = f"echo {SAYS}\n".encode()


def _script(first: bytes, rest: bytes = SAY, **more: object) -> Image:
    """A script above Debian, run by its real shell."""
    return on_debian({"app": first + rest}, **more)


def _interpreted(first: str, tree: Tree, **more: object) -> Image:
    """A script whose interpreter is one of our own files."""
    return plain({"app": first.encode(), **tree}, **more)


def _line(length: int) -> Image:
    """A first line of so many bytes, its newline not counted; all of it is the interpreter's path."""
    name = "/" + "i" * (length - 3)
    deep = "/".join(["", "d" * 100, "e" * 100])
    path = deep + "/" + "i" * (length - 2 - len(deep) - 1) if length > 204 else name
    return plain({"app": f"#!{path}\n".encode(), path: NATIVE})


def _nested(depth: int) -> Image:
    """So many scripts in a row, the last of which names a program."""
    tree = {f"s{n}": f"#!/s{n + 1}\n".encode() for n in range(depth - 1)}
    return plain({**tree, f"s{depth - 1}": b"#!/program\n", "program": NATIVE}, argv=["/s0"])


KINDS = (
    Kind("script", lambda: _script(b"#!/bin/sh\n"), "native"),
    Kind("script-with-blanks", lambda: _script(b"#! \t /bin/sh  -e  \n"), "native"),
    Kind("script-crlf", lambda: _script(b"#!/bin/sh\r\n"), "crlf_shebang"),
    Kind("script-crlf-with-argument", lambda: _script(b"#!/bin/sh -e\r\n"), "crlf_shebang"),
    Kind("script-crlf-env", lambda: _script(b"#!/usr/bin/env sh\r\n"), "crlf_shebang"),
    Kind("script-bom", lambda: _script(b"\xef\xbb\xbf#!/bin/sh\n"), "bom_shebang"),
    Kind("script-utf16", lambda: _script("\ufeff#!/bin/sh\n".encode("utf-16-le"), b""), "utf16_shebang"),
    Kind("script-after-blank-line", lambda: _script(b"\n#!/bin/sh\n"), "no_shebang"),
    Kind("script-after-blank", lambda: _script(b" #!/bin/sh\n"), "no_shebang"),
    Kind("script-without-shebang", lambda: _script(b""), "no_shebang"),
    Kind("script-blank-shebang", lambda: _script(b"#!\n"), "no_shebang"),
    Kind("script-blank-shebang-blanks", lambda: _script(b"#!  \t \n"), "no_shebang"),
    Kind("script-env", lambda: _script(b"#!/usr/bin/env sh\n"), "native"),
    Kind("script-env-split", lambda: _script(b"#!/usr/bin/env -S sh -e\n"), "native"),
    Kind("script-env-missing", lambda: _script(b"#!/usr/bin/env bash\n"), "interpreter_missing"),
    Kind("script-env-option-unsplit", lambda: _script(b"#!/usr/bin/env sh -e\n"), "interpreter_missing"),
    Kind("script-env-foreign", lambda: on_debian({"app": b"#!/usr/bin/env thing\n", "usr/bin/thing": FOREIGN}), "wrong_interpreter"),
    Kind("script-relative", lambda: _interpreted("#!bin/program\n", {"bin/program": NATIVE}), "native"),
    Kind("script-relative-in-workdir", lambda: _interpreted("#!program\n", {"srv/program": NATIVE}, process={"Entrypoint": ["/app"], "WorkingDir": "/srv"}), "native"),
    Kind("script-relative-elsewhere", lambda: _interpreted("#!program\n", {"srv/program": NATIVE}), "interpreter_missing"),
    Kind("interpreter-missing", lambda: _interpreted("#!/bin/bash\n", {}), "interpreter_missing"),
    Kind("interpreter-foreign", lambda: _interpreted("#!/bin/sh\n", {"bin/sh": FOREIGN}), "wrong_interpreter"),
    Kind("interpreter-directory", lambda: _interpreted("#!/bin/sh\n", {"bin/sh": File(folder=True)}), "interpreter_not_executable"),
    Kind("interpreter-not-executable", lambda: _interpreted("#!/bin/sh\n", {"bin/sh": File(NATIVE, mode=0o644)}), "interpreter_not_executable"),
    Kind("interpreter-without-loader", lambda: _interpreted("#!/bin/sh\n", {"bin/sh": asking_for("/lib/ld.so")}), "loader_missing"),
    Kind("interpreter-symlink", lambda: _interpreted("#!/bin/sh\n", {"bin/sh": File(link="../program"), "program": NATIVE}), "native"),
    Kind("interpreter-dangling", lambda: _interpreted("#!/bin/sh\n", {"bin/sh": File(link="busybox")}), "interpreter_missing"),
    Kind("interpreter-text", lambda: _interpreted("#!/bin/sh\n", {"bin/sh": b"echo no\n"}), "no_shebang"),
    Kind("interpreter-cut", lambda: _interpreted("#!/bin/sh\n", {"bin/sh": NATIVE[:30]}), "entrypoint_truncated"),
    Kind("script-without-newline", lambda: _interpreted("#!/program", {"program": NATIVE}), "native"),
    Kind("script-nul-in-line", lambda: _interpreted("#!/program\0/x y\n", {"program": NATIVE}), "native"),
    Kind("script-argument-crlf-of-a-program", lambda: _interpreted("#!/program x\r\n", {"program": NATIVE}), "native"),
    Kind("script-not-executable", lambda: on_debian({"app": File(b"#!/bin/sh\n" + SAY, mode=0o644)}), "entrypoint_not_executable"),
    Kind("script-line-254", lambda: _line(254), "native"),
    Kind("script-line-255", lambda: _line(255), "native"),
    Kind("script-line-256", lambda: _line(256), "shebang_too_long"),
    Kind("script-line-300", lambda: _line(300), "shebang_too_long"),
    Kind("script-long-argument", lambda: _interpreted("#!/program " + "x" * 400 + "\n", {"program": NATIVE}), "native"),
    Kind("script-nested-4", lambda: _nested(4), "native"),
    Kind("script-nested-5", lambda: _nested(5), "native"),
    Kind("script-nested-6", lambda: _nested(6), "shebang_too_deep"),
)  # fmt: skip
