"""Kinds of images by what the dynamic loader makes of them: libraries found, missing, for another CPU, too old."""

from __future__ import annotations

import struct
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from tests.real.images import File, Image
from tests.system.truth.build import Kind, Tree, on_debian
from tests.system.truth.programs import SAYS, debian, with_header

TRIPLET = "usr/lib/x86_64-linux-gnu"
EM_AARCH64, EM_386 = 183, 3
GREET = f'#include <stdio.h>\nint greet(void) {{ return puts("{SAYS}") < 0; }}\n'
MAIN = "int greet(void);\nint main(void) { return greet(); }\n"
ALONE = f'#include <stdio.h>\nint main(void) {{ return puts("{SAYS}") < 0; }}\n'
OPENS = f"""#include <dlfcn.h>
#include <stdio.h>
int main(void) {{ if (!dlopen("libgreet.so.1", RTLD_NOW)) fprintf(stderr, "%s\\n", dlerror()); return puts("{SAYS}") < 0; }}
"""
VERSIONS = "GREET_1.0 { global: greet; local: *; };\n"
NEWER = "GREET_1.0 { };\nGREET_2.0 { global: greet; local: *; } GREET_1.0;\n"


@cache
def _library(script: str = "", needs: str = "", soname: str = "libgreet.so.1", symbol: str = "greet") -> bytes:
    """A library that greets by ``symbol``; ``script`` versions its symbols, ``needs`` names one that it needs itself."""
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        (at / "g.c").write_text(GREET.replace("greet(", f"{symbol}("))
        flags = [f"-Wl,-soname,{soname}", "-shared", "-fPIC", "-O1"]
        if script:
            (at / "g.map").write_text(script)
            flags.append(f"-Wl,--version-script={at}/g.map")
        if needs:
            (at / "d.c").write_text("int deep(void) { return 0; }\n")
            _gcc(at / "d.c", "-shared", "-fPIC", f"-Wl,-soname,{needs}", "-o", at / "libdeep.so")
            flags += ["-Wl,--no-as-needed", at / "libdeep.so"]
        _gcc(at / "g.c", *flags, "-o", at / "out.so")
        return (at / "out.so").read_bytes()


@cache
def _program(*flags: str, source: str = MAIN, against: str = "", soname: str = "libgreet.so.1") -> bytes:
    """A program that needs that library; ``against`` is the version script of the one that it is linked with."""
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        (at / "m.c").write_text(source)
        (at / "libgreet.so").write_bytes(_library(against, soname=soname))
        link = ["-L", at, "-lgreet"] if source is MAIN else []
        _gcc(at / "m.c", *flags, *link, "-o", at / "out")
        return (at / "out").read_bytes()


def _gcc(*words: str | Path) -> None:
    done = subprocess.run(["gcc", *words], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr


def _hash(name: bytes) -> int:
    """How the version need names its version (System V ABI, "Hash Table")."""
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high & 0xFFFFFFFF
    return value


def _needing_newer_libc() -> bytes:
    """A program whose every need of a version of the C library asks for one that is not there yet."""
    program = _program(source=ALONE)
    for known in (b"GLIBC_2.34", b"GLIBC_2.2.5"):
        wanted = known[:-2] + b"99"
        program = program.replace(known + b"\0", wanted + b"\0")
        program = program.replace(struct.pack("<I", _hash(known)), struct.pack("<I", _hash(wanted)))
    return program


def _runs(tree: Tree, *flags: str, against: str = "", soname: str = "libgreet.so.1", **config: Any) -> Image:
    return on_debian({"app": _program(*flags, against=against, soname=soname), **tree}, **config)


def _as_other(mode: int, *flags: str, **config: Any) -> Image:
    """A program of root's that changes whom it runs as, started by another; its library stands where nothing else leads."""
    tree = {"app": File(_program(*flags), mode=mode), "opt/lib/libgreet.so.1": _library()}
    return on_debian(tree, **{"User": "1000:1000", **config})


def _foreign() -> bytes:
    return with_header(_library(), machine=EM_AARCH64)


def _narrow() -> bytes:
    """What a 32-bit library looks like to the loader: another class."""
    body = bytearray(_library())
    body[4] = 1
    return bytes(body)


def _env(**variables: str) -> dict[str, list[str]]:
    return {"Env": [f"{name}={value}" for name, value in variables.items()]}


def _cached() -> Tree:
    """A library in a directory that only ld.so.conf names, with the cache that ldconfig makes of it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("opt/lib", "etc"):
            (root / name).mkdir(parents=True)
        (root / "opt/lib/libgreet.so.1").write_bytes(_library())
        (root / "etc/ld.so.conf").write_text("/opt/lib\n")
        subprocess.run(["/sbin/ldconfig", "-r", root], check=True, capture_output=True)
        return {
            "opt/lib/libgreet.so.1": _library(),
            "etc/ld.so.conf": b"/opt/lib\n",
            "etc/ld.so.cache": (root / "etc/ld.so.cache").read_bytes(),
        }


def _libc(**header: int) -> bytes:
    body = debian()[f"{TRIPLET}/libc.so.6"]
    assert isinstance(body, bytes)
    return with_header(body, **header)


def _shell(tree: Tree, **config: Any) -> Image:
    return on_debian(tree, argv=["/bin/sh", "-c", f"echo {SAYS}"], **config)


LIB = f"{TRIPLET}/libgreet.so.1"
RPATH = ("-Wl,--disable-new-dtags,-rpath,/opt/lib",)
RUNPATH = ("-Wl,--enable-new-dtags,-rpath,/opt/lib",)
ORIGIN = ("-Wl,-rpath,$ORIGIN/lib",)

KINDS = (
    Kind("library-there", lambda: _runs({LIB: _library()}), "native"),
    Kind("library-missing", lambda: _runs({})),
    Kind("library-foreign", lambda: _runs({LIB: _foreign()})),
    Kind("library-32-bit", lambda: _runs({LIB: _narrow()})),
    Kind("library-386-machine", lambda: _runs({LIB: with_header(_library(), machine=EM_386)})),
    Kind("library-text", lambda: _runs({LIB: b"INPUT(libgreet.so.2)\n" * 40})),
    Kind("library-empty", lambda: _runs({LIB: b""})),
    Kind("library-cut", lambda: _runs({LIB: _library()[:600]})),
    Kind("library-a-directory", lambda: _runs({LIB: File(folder=True)})),
    Kind("library-a-dangling-link", lambda: _runs({LIB: File(link="libgreet.so.1.0")})),
    Kind("library-a-link", lambda: _runs({LIB: File(link="libgreet.so.1.0"), f"{TRIPLET}/libgreet.so.1.0": _library()}), "native"),
    Kind("library-a-program", lambda: _runs({LIB: with_header(_library(), type=2)})),
    Kind("library-not-executable", lambda: _runs({LIB: File(_library(), mode=0o644)}), "native"),
    Kind("library-closed-to-its-user", lambda: _runs({LIB: File(_library(), mode=0o600)}, User="1000")),
    Kind("library-closed-to-its-user-and-another", lambda: _runs({"opt/lib/libgreet.so.1": File(_library(), mode=0o600), LIB: _library()}, *RUNPATH, User="1000"), "binary_unknown"),
    Kind("library-of-its-user-alone", lambda: _runs({LIB: File(_library(), mode=0o600, uid=1000)}, User="1000")),
    Kind("library-of-root-s-group", lambda: _runs({LIB: File(_library(), mode=0o640)}, User="1000")),
    Kind("library-in-lib", lambda: _runs({"usr/lib/libgreet.so.1": _library()}), "native"),
    Kind("library-in-lib64", lambda: _runs({"usr/lib64/libgreet.so.1": _library()})),
    Kind("library-in-usr-local", lambda: _runs({"usr/local/lib/libgreet.so.1": _library()})),
    Kind("library-in-workdir", lambda: _runs({"srv/libgreet.so.1": _library()}, WorkingDir="/srv")),
    Kind("library-beside-the-program", lambda: _runs({"libgreet.so.1": _library()})),
    Kind("library-by-hwcaps", lambda: _runs({f"{TRIPLET}/glibc-hwcaps/x86-64-v2/libgreet.so.1": _library()})),
    Kind("library-foreign-in-hwcaps", lambda: _runs({f"{TRIPLET}/glibc-hwcaps/x86-64-v2/libgreet.so.1": _foreign(), LIB: _library()})),
    Kind("library-rpath", lambda: _runs({"opt/lib/libgreet.so.1": _library()}, *RPATH), "native"),
    Kind("library-rpath-foreign", lambda: _runs({"opt/lib/libgreet.so.1": _foreign()}, *RPATH)),
    Kind("library-rpath-foreign-then-right", lambda: _runs({"opt/lib/libgreet.so.1": _foreign(), LIB: _library()}, *RPATH)),
    Kind("library-rpath-before-variable", lambda: _runs({"opt/lib/libgreet.so.1": _library(), "b/libgreet.so.1": b"text"}, *RPATH, **_env(LD_LIBRARY_PATH="/b"))),
    Kind("library-runpath", lambda: _runs({"opt/lib/libgreet.so.1": _library()}, *RUNPATH), "native"),
    Kind("library-runpath-behind-variable", lambda: _runs({"opt/lib/libgreet.so.1": _library(), "b/libgreet.so.1": b"text" * 50}, *RUNPATH, **_env(LD_LIBRARY_PATH="/b"))),
    Kind("library-runpath-foreign-then-right", lambda: _runs({"opt/lib/libgreet.so.1": _foreign(), LIB: _library()}, *RUNPATH)),
    Kind("library-origin", lambda: _runs({"lib2": b"", "srv/app": _program(*ORIGIN), "srv/lib/libgreet.so.1": _library()}, argv=["/srv/app"]), "native"),
    Kind("library-origin-through-a-link", lambda: _runs({"srv/app": _program(*ORIGIN), "srv/lib/libgreet.so.1": _library(), "usr/bin/app": File(link="/srv/app")}, argv=["/usr/bin/app"])),
    Kind("library-variable", lambda: _runs({"opt/lib/libgreet.so.1": _library()}, **_env(LD_LIBRARY_PATH="/opt/lib")), "native"),
    Kind("library-variable-two", lambda: _runs({"opt/lib/libgreet.so.1": _library()}, **_env(LD_LIBRARY_PATH="/a:/opt/lib")), "native"),
    Kind("library-variable-semicolon", lambda: _runs({"opt/lib/libgreet.so.1": _library()}, **_env(LD_LIBRARY_PATH="/a;/opt/lib"))),
    Kind("library-variable-empty-part", lambda: _runs({"srv/libgreet.so.1": _library()}, WorkingDir="/srv", **_env(LD_LIBRARY_PATH=":/a"))),
    Kind("library-variable-foreign", lambda: _runs({"opt/lib/libgreet.so.1": _foreign()}, **_env(LD_LIBRARY_PATH="/opt/lib"))),
    Kind("library-variable-foreign-then-right", lambda: _runs({"opt/lib/libgreet.so.1": _foreign(), LIB: _library()}, **_env(LD_LIBRARY_PATH="/opt/lib"))),
    Kind("library-variable-text-then-right", lambda: _runs({"opt/lib/libgreet.so.1": b"text" * 50, LIB: _library()}, **_env(LD_LIBRARY_PATH="/opt/lib"))),
    Kind("library-by-conf-without-cache", lambda: _runs({"opt/lib/libgreet.so.1": _library(), "etc/ld.so.conf": b"/opt/lib\n"})),
    Kind("library-by-cache", lambda: _runs(_cached()), "native"),
    Kind("library-by-cache-gone", lambda: _runs({**_cached(), "opt/lib/libgreet.so.1": File(link="/nowhere")})),
    Kind("library-by-cache-foreign", lambda: _runs({**_cached(), "opt/lib/libgreet.so.1": _foreign()})),
    Kind("library-cache-damaged", lambda: _runs({LIB: _library(), "etc/ld.so.cache": b"no cache"})),
    Kind("library-set-by-script", lambda: on_debian({"app": _program(), "opt/lib/libgreet.so.1": _library(), "start": b"#!/bin/sh\nexport LD_LIBRARY_PATH=/opt/lib\nexec /app\n"}, argv=["/start"])),
    Kind("library-missing-behind-script", lambda: on_debian({"app": _program(), "start": b"#!/bin/sh\nexec /app\n"}, argv=["/start"])),
    Kind("library-of-a-library-missing", lambda: _runs({LIB: _library(needs="libdeep.so.1")})),
    Kind("library-of-a-library-foreign", lambda: _runs({LIB: _library(needs="libdeep.so.1"), f"{TRIPLET}/libdeep.so.1": _foreign()})),
    Kind("library-of-a-library-there", lambda: _runs({LIB: _library(needs="libdeep.so.1"), f"{TRIPLET}/libdeep.so.1": _library(soname="libdeep.so.1")})),
    Kind("library-version-there", lambda: _runs({LIB: _library(VERSIONS)}, against=VERSIONS)),
    Kind("library-version-too-old", lambda: _runs({LIB: _library(VERSIONS)}, against=NEWER)),
    Kind("library-without-versions", lambda: _runs({LIB: _library()}, against=VERSIONS)),
    Kind("library-newer-than-needed", lambda: _runs({LIB: _library(NEWER)}, against=VERSIONS)),
    Kind("libc-too-old", lambda: on_debian({"app": _needing_newer_libc()})),
    Kind("libc-missing", lambda: _shell({f"{TRIPLET}/.wh.libc.so.6": b""})),
    Kind("libc-foreign", lambda: _shell({f"{TRIPLET}/libc.so.6": _libc(machine=EM_AARCH64)})),
    Kind("libc-foreign-osabi", lambda: _shell({f"{TRIPLET}/libc.so.6": _libc(osabi=9)})),
    Kind("libc-second-foreign", lambda: _shell({"usr/lib/libc.so.6": _libc(machine=EM_AARCH64)})),
    Kind("preload-missing", lambda: _shell({}, **_env(LD_PRELOAD="/nowhere.so"))),
    Kind("preload-foreign", lambda: _shell({"opt/pre.so": _foreign()}, **_env(LD_PRELOAD="/opt/pre.so"))),
    Kind("preload-right", lambda: _shell({"opt/pre.so": _library()}, **_env(LD_PRELOAD="/opt/pre.so"))),
    Kind("preload-by-file-foreign", lambda: _shell({"opt/pre.so": _foreign(), "etc/ld.so.preload": b"/opt/pre.so\n"})),
    Kind("preload-serves-what-is-needed", lambda: _runs({"opt/libgreet.so.1": _library()}, **_env(LD_PRELOAD="/opt/libgreet.so.1"))),
    Kind("opened-later-missing", lambda: on_debian({"app": _program(source=OPENS)})),
    Kind("opened-later-foreign", lambda: on_debian({"app": _program(source=OPENS), LIB: _foreign()})),
    Kind("static-glibc", lambda: on_debian({"app": _program("-static", source=ALONE)}), "native"),
    Kind("static-pie-glibc", lambda: on_debian({"app": _program("-static-pie", source=ALONE)}), "native"),
    Kind("dynamic-position-dependent", lambda: on_debian({"app": _program("-no-pie", source=ALONE)}), "native"),
    Kind("dynamic-needs-v3", lambda: on_debian({"app": _program("-Wl,-z,x86-64-v3", source=ALONE)})),
    Kind("dynamic-needs-v4", lambda: on_debian({"app": _program("-Wl,-z,x86-64-v4", source=ALONE)})),
    Kind("library-needs-v4", lambda: _runs({LIB: _library()}, "-Wl,-z,x86-64-v2")),
    Kind("needed-by-path", lambda: _runs({"opt/g.so": _library(soname="/opt/g.so")}, soname="/opt/g.so")),
    Kind("needed-by-path-missing", lambda: _runs({}, soname="/opt/g.so")),
    Kind("needed-by-relative-path", lambda: _runs({"opt/g.so": _library(soname="opt/g.so")}, soname="opt/g.so")),
    Kind("setuid-library-variable", lambda: _as_other(0o4755, **_env(LD_LIBRARY_PATH="/opt/lib"))),
    Kind("setuid-library-variable-of-root", lambda: _as_other(0o4755, User="0", **_env(LD_LIBRARY_PATH="/opt/lib"))),
    Kind("setgid-library-variable", lambda: _as_other(0o2755, **_env(LD_LIBRARY_PATH="/opt/lib"))),
    Kind("setuid-library-runpath", lambda: _as_other(0o4755, *RUNPATH)),
    Kind("setuid-library-origin", lambda: _as_other(0o4755, "-Wl,-rpath,$ORIGIN/opt/lib")),
    Kind("setuid-preload", lambda: _as_other(0o4755, **_env(LD_PRELOAD="/opt/lib/libgreet.so.1"))),
    Kind("library-without-the-symbol", lambda: _runs({LIB: _library(soname="libdeep.so.1", symbol="deep")}, "-Wl,-z,now")),
    Kind("library-without-the-symbol-on-demand", lambda: _runs({LIB: _library(soname="libdeep.so.1", symbol="deep")}, "-Wl,-z,lazy")),
    Kind("library-without-the-symbol-by-variable", lambda: _runs({LIB: _library(soname="libdeep.so.1", symbol="deep")}, **_env(LD_BIND_NOW="1"))),
    Kind("library-damaged-where-some-cpus-look-first", lambda: _runs({f"{TRIPLET}/glibc-hwcaps/x86-64-v2/libgreet.so.1": b"text" * 50, LIB: _library()}), "binary_unknown"),
    Kind("library-by-cache-closed-to-its-user", lambda: _runs({**_cached(), "etc/ld.so.cache": File(_cached()["etc/ld.so.cache"], mode=0o600)}, User="1000"), "library_missing"),
    Kind("loader-given-a-script", lambda: on_debian({"start": f"#!/bin/sh\necho {SAYS}\n".encode()}, argv=["/lib64/ld-linux-x86-64.so.2", "/start"]), "not_a_program"),
)  # fmt: skip
