"""Kinds of images whose userland is another CPU's, wholly or in part, beside a program that is right."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.real.elf import executable
from tests.real.images import File, Image, Index
from tests.system.truth.build import Kind, Tree, indexed, on_debian, plain
from tests.system.truth.forms import AMD64, ARM64
from tests.system.truth.programs import FOREIGN, NATIVE, SAYS, debian, with_header

EM_AARCH64 = 183
FORWARD = b'#!/bin/sh\nexec "$@"\n'


@cache
def foreign_userland() -> dict[str, bytes | File]:
    """The small Debian as another CPU's would look."""
    return {
        path: with_header(body, machine=EM_AARCH64) if isinstance(body, bytes) else body
        for path, body in debian().items()
    }


def _shared(base: Tree, ours: Tree, theirs: Tree, **process: Any) -> Index:
    """One base layer below the images for amd64 and arm64."""
    process = {"Entrypoint": ["/app"], **process}
    return indexed(
        plain(base, ours, process=process),
        plain(base, theirs, process=process, architecture="arm64"),
        platforms=[AMD64, ARM64],
    )


def _checked(test: list[str], tree: Tree, **more: Any) -> Image:
    return on_debian({"app": NATIVE, **tree}, Healthcheck={"Test": test, **more})


def _native(**process: Any) -> Index:
    return _shared(debian(), {"app": NATIVE}, {"app": FOREIGN}, **process)


def _foreign(ours: Tree, **process: Any) -> Index:
    return _shared(foreign_userland(), ours, {"app": FOREIGN}, **process)


KINDS = (
    Kind("shared-base-native", _native),
    Kind("shared-base-native-and-healthcheck", lambda: _native(Healthcheck={"Test": ["CMD-SHELL", "env true"]})),
    Kind("shared-base-foreign", lambda: _foreign({"app": NATIVE})),
    Kind("shared-base-foreign-and-healthcheck", lambda: _foreign({"app": NATIVE}, Healthcheck={"Test": ["CMD", "env"]})),
    Kind("shared-base-foreign-healthcheck-shell", lambda: _foreign({"app": NATIVE}, Healthcheck={"Test": ["CMD-SHELL", "true"]})),
    Kind("shared-base-foreign-shell-form", lambda: _foreign({"app": NATIVE}, Entrypoint=["/bin/sh", "-c", "/app"])),
    Kind("shared-base-foreign-script", lambda: _foreign({"app": NATIVE, "start": FORWARD}, Entrypoint=["/start", "/app"])),
    Kind("shared-base-foreign-loader", lambda: _foreign({"app": executable("amd64", SAYS, interpreter="/lib64/ld-linux-x86-64.so.2")})),
    Kind("shared-base-foreign-cmd-runs-shell", lambda: _foreign({"app": NATIVE}, Entrypoint=None, Cmd=["sh"])),
    Kind("shared-data-only", lambda: _shared({"usr/share/data": b"text" * 500, "etc/conf": b"a=b\n"}, {"app": NATIVE}, {"app": FOREIGN}), "native"),
    Kind("shared-scripts-only", lambda: _shared({"usr/bin/tool": b"#!/bin/sh\necho x\n"}, {"app": NATIVE}, {"app": FOREIGN})),
    Kind("shared-foreign-firmware-only", lambda: _shared({"usr/lib/firmware/dsp.elf": File(FOREIGN, mode=0o644)}, {"app": NATIVE}, {"app": FOREIGN})),
    Kind("shared-base-of-three", lambda: indexed(*(plain(foreign_userland(), {"app": body}, architecture=name) for name, body in (("amd64", NATIVE), ("arm64", FOREIGN), ("s390x", executable("s390x", SAYS)))))),
    Kind("shared-every-layer", lambda: indexed(plain({"app": NATIVE}), plain({"app": NATIVE}, architecture="arm64"))),
    Kind("shared-every-layer-foreign", lambda: indexed(plain({"app": FOREIGN}), plain({"app": FOREIGN}, architecture="arm64"))),
    Kind("userland-foreign-alone", lambda: plain(foreign_userland(), {"app": NATIVE})),
    Kind("userland-foreign-replaced", lambda: plain(foreign_userland(), {**debian(), "app": FORWARD, "run": NATIVE}, process={"Entrypoint": ["/app", "/run"]})),
    Kind("healthcheck-none", lambda: _checked(["NONE"], {}), "native"),
    Kind("healthcheck-right", lambda: _checked(["CMD", "/check"], {"check": NATIVE})),
    Kind("healthcheck-foreign", lambda: _checked(["CMD", "/check"], {"check": FOREIGN})),
    Kind("healthcheck-missing", lambda: _checked(["CMD", "curl", "-f", "http://localhost"], {})),
    Kind("healthcheck-shell-foreign", lambda: _checked(["CMD-SHELL", "/check || exit 1"], {"check": FOREIGN})),
    Kind("healthcheck-script-of-foreign", lambda: _checked(["CMD", "/check.sh"], {"check.sh": b"#!/opt/sh\n", "opt/sh": FOREIGN})),
    Kind("healthcheck-empty", lambda: _checked([], {})),
    Kind("healthcheck-odd-word", lambda: _checked(["ODD", "x"], {})),
    Kind("healthcheck-interval-odd", lambda: _checked(["CMD", "/check"], {"check": NATIVE}, Interval=-5)),
    Kind("foreign-on-path-unused", lambda: on_debian({"app": NATIVE, "usr/bin/tool": FOREIGN})),
    Kind("foreign-module-alone", lambda: on_debian({"app": NATIVE, "opt/node_modules/bcrypt/build/Release/bcrypt.node": FOREIGN})),
    Kind("foreign-module-with-its-twin", lambda: on_debian({"app": NATIVE, "opt/prebuilds/linux-x64/a.node": NATIVE, "opt/prebuilds/linux-arm64/a.node": FOREIGN})),
    Kind("foreign-library-unused", lambda: on_debian({"app": NATIVE, "usr/lib/x86_64-linux-gnu/libother.so.1": with_header(FOREIGN, type=3)})),
    Kind("foreign-jni-library", lambda: on_debian({"app": NATIVE, "opt/lib/libnative.so": with_header(FOREIGN, type=3)})),
    Kind("foreign-test-data", lambda: on_debian({"app": NATIVE, "usr/share/test/data.elf": File(FOREIGN, mode=0o644)})),
    Kind("mach-o-beside", lambda: on_debian({"app": NATIVE, "opt/tool": b"\xcf\xfa\xed\xfe" + bytes(400)})),
    Kind("windows-beside", lambda: on_debian({"app": NATIVE, "opt/tool.exe": b"MZ\x90\0" + bytes(400)})),
    Kind("script-decides-by-environment-right", lambda: on_debian({"start": b'#!/bin/sh\nexec "/opt/$WHICH"\n', "opt/a": NATIVE, "opt/b": FOREIGN}, argv=["/start"], Env=["WHICH=a"])),
    Kind("script-decides-by-environment-foreign", lambda: on_debian({"start": b'#!/bin/sh\nexec "/opt/$WHICH"\n', "opt/a": NATIVE, "opt/b": FOREIGN}, argv=["/start"], Env=["WHICH=b"])),
    Kind("script-decides-at-run-time", lambda: on_debian({"start": b'#!/bin/sh\nfor p in /opt/*; do last=$p; done\nexec "$last"\n', "opt/a": FOREIGN, "opt/b": NATIVE}, argv=["/start"])),
    Kind("script-decides-at-run-time-foreign", lambda: on_debian({"start": b'#!/bin/sh\nfor p in /opt/*; do last=$p; done\nexec "$last"\n', "opt/a": NATIVE, "opt/b": FOREIGN}, argv=["/start"])),
)  # fmt: skip
