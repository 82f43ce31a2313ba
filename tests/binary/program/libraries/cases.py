"""Roots with libraries missing, foreign, old, hidden: what is put there, what it is started with, how it ends."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import Reason
from tests.binary.conftest import build_elf
from tests.binary.program.libraries.kit import ARM64_LIBRARY, GLIBC, MULTIARCH, for_machine, needing_version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RUNS = None
MISSING, FOREIGN, OLD, UNKNOWN = (
    Reason.LIBRARY_MISSING, Reason.WRONG_LIBRARY, Reason.LIBRARY_TOO_OLD, Reason.BINARY_UNKNOWN,
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One root; ``cache`` are options of ldconfig, ``after`` what is put there once it has run."""

    name: str
    files: Callable
    expected: Reason | None
    env: Mapping = field(default_factory=dict)
    argv: tuple = ("/app",)
    cache: tuple | None = None
    after: Callable | None = None
    musl: bool = False


def one(where, **more):
    """The program, and its one library at a path."""
    flags = tuple(more.pop("flags", ()))
    musl = more.pop("musl", False)

    def files(kit):
        a = kit.shared(musl=musl)
        return {"app": kit.program([("liba.so.1", a)], flags=flags, musl=musl), **({where: a} if where else {})}

    return files


def also(files, more):
    """The same files with others, made from the kit."""
    return lambda kit: {**files(kit), **more(kit)}


OLD_TAGS = "-Wl,--disable-new-dtags"


def rpath(path, *, runpath=True):
    """Linker flags."""
    return (f"-Wl,-rpath,{path}", "-Wl,--enable-new-dtags" if runpath else OLD_TAGS)


def chain(flags_of_app=(), flags_of_b=(), where_b="opt/b/libb.so.1", where_a="opt/a/liba.so.1", musl=False):
    """The program needs libb, which needs liba."""

    def files(kit):
        a = kit.shared(musl=musl)
        b = kit.shared("b", "libb.so.1", needs=(("liba.so.1", a),), flags=tuple(flags_of_b), musl=musl)
        app = kit.program([("libb.so.1", b)], calls=("b",), flags=tuple(flags_of_app), musl=musl)
        return {"app": app, where_b: b, where_a: a}

    return files


def foreign(kit):
    return for_machine(kit.shared(), 183)


def narrow(_kit):
    return build_elf(bits=32, machine=3, kind=3)


def big(_kit):
    return build_elf(order="big", machine=62, kind=3)


def cut(kit):
    return kit.shared()[:40]


def object_file(kit):
    raw = kit.shared()
    return raw[:16] + struct.pack("<H", 1) + raw[18:]


def versioned(defines, needs="V2"):
    def files(kit):
        linked = kit.shared(version=needs)
        held = kit.shared(version=defines)
        return {"app": kit.program([("liba.so.1", linked)]), f"{MULTIARCH}/liba.so.1": held}

    return files


def newer_glibc(kit):
    a = kit.shared()
    return {"app": needing_version(kit.program([("liba.so.1", a)]), "GLIBC_2.34", "GLIBC_2.99"), "lib/liba.so.1": a}


def by_path(name, where):
    """A library without DT_SONAME, so that DT_NEEDED is what the linker was told."""

    def files(kit):
        a = kit.shared(soname=name)
        return {"app": kit.program([("liba.so.1", a)]), **({where: a} if where else {})}

    return files


def soname_differs(kit):
    """The file's name is not its DT_SONAME: what needs the latter is served by the former once loaded."""
    a = kit.shared()
    other = kit.shared("x", "libx.so.1", needs=(("liba.so.1", a),))
    renamed = kit.shared(soname="libreal.so.1")
    wants = kit.shared("b", "libb.so.1", needs=(("libreal.so.1", renamed),))
    app = kit.program([("liba.so.1", a), ("libb.so.1", wants)], calls=("a", "b"))
    return {"app": app, "lib/liba.so.1": renamed, "lib/libb.so.1": wants, "lib/libx.so.1": other}


def preloaded(path, content):
    return lambda kit: {path: content(kit)}


HWCAPS = f"{MULTIARCH}/glibc-hwcaps/x86-64-v2/liba.so.1"
CONF = {"etc/ld.so.conf": "include /etc/ld.so.conf.d/*.conf\n", "etc/ld.so.conf.d/x.conf": "# x\n/opt/x\n"}
X = "opt/x/liba.so.1"


def with_conf(files):
    return also(files, lambda _: CONF)


GLIBC_CASES = [
    Case("in the multiarch directory", one(f"{MULTIARCH}/liba.so.1"), RUNS),
    Case("in the multiarch directory of usr", one(f"usr/{MULTIARCH}/liba.so.1"), RUNS),
    Case("in lib", one("lib/liba.so.1"), RUNS),
    Case("in usr lib", one("usr/lib/liba.so.1"), RUNS),
    Case("in lib64, which this build does not search", one("lib64/liba.so.1"), MISSING),
    Case("in usr local lib without a cache", one("usr/local/lib/liba.so.1"), MISSING),
    Case("nowhere", one(None), MISSING),
    Case("without an execute bit, by a link", also(one(None), lambda kit: {
        "lib/liba.so.1": "->/opt/liba.so.1.2.3", "opt/liba.so.1.2.3": kit.shared()}), RUNS),
    Case("a dangling link", also(one(None), lambda _: {"lib/liba.so.1": "->liba.so.1.2.3"}), MISSING),
    Case("a dangling link, then the library", also(one("usr/lib/liba.so.1"), lambda _: {
        "lib/liba.so.1": "->liba.so.1.2.3"}), RUNS),
    Case("foreign only", also(one(None), lambda kit: {"lib/liba.so.1": foreign(kit)}), FOREIGN),
    Case("of another class only", also(one(None), lambda kit: {"lib/liba.so.1": narrow(kit)}), FOREIGN),
    Case("a real one for arm64", also(one(None), lambda _: {"lib/liba.so.1": ARM64_LIBRARY.read_bytes()}), FOREIGN),
    Case("foreign first, then native", also(one("usr/lib/liba.so.1"), lambda kit: {
        "lib/liba.so.1": foreign(kit)}), RUNS),
    Case("of another class first, then native", also(one("usr/lib/liba.so.1"), lambda kit: {
        "lib/liba.so.1": narrow(kit)}), RUNS),
    Case("of the other byte order only", also(one(None), lambda kit: {"lib/liba.so.1": big(kit)}), FOREIGN),
    Case("of the other byte order first, then native", also(one("usr/lib/liba.so.1"), lambda kit: {
        "lib/liba.so.1": big(kit)}), UNKNOWN),
    Case("a text", also(one("usr/lib/liba.so.1"), lambda _: {"lib/liba.so.1": b"GROUP ( libc.so.6 ) and so on\n" * 4}),
         MISSING),
    Case("empty", also(one("usr/lib/liba.so.1"), lambda _: {"lib/liba.so.1": b""}), MISSING),
    Case("cut within its header", also(one("usr/lib/liba.so.1"), lambda kit: {"lib/liba.so.1": cut(kit)}), MISSING),
    Case("an object file", also(one("usr/lib/liba.so.1"), lambda kit: {"lib/liba.so.1": object_file(kit)}), MISSING),
    Case("another class in its first bytes only", also(one("usr/lib/liba.so.1"), lambda kit: {
        "lib/liba.so.1": kit.shared()[:4] + b"\x01" + kit.shared()[5:]}), RUNS),
    Case("another class in its first bytes, nothing else", also(one(None), lambda kit: {
        "lib/liba.so.1": kit.shared()[:4] + b"\x01" + kit.shared()[5:]}), FOREIGN),
    Case("a program at a fixed address", also(one("usr/lib/liba.so.1"), lambda kit: {
        "lib/liba.so.1": kit.shared()[:16] + struct.pack("<H", 2) + kit.shared()[18:]}), MISSING),
    Case("a program at any address", also(one("usr/lib/liba.so.1"), lambda kit: {
        "lib/liba.so.1": kit.program(calls=())}), UNKNOWN),
    Case("of FreeBSD's ABI", also(one("usr/lib/liba.so.1"), lambda kit: {
        "lib/liba.so.1": kit.shared()[:7] + b"\x09" + kit.shared()[8:]}), MISSING),
    Case("of GNU's ABI", also(one(None), lambda kit: {
        "lib/liba.so.1": kit.shared()[:7] + b"\x03" + kit.shared()[8:]}), RUNS),
    Case("a directory of its name", also(one("usr/lib/liba.so.1"), lambda kit: {"lib/liba.so.1/x": b"x"}), MISSING),
    Case("the C library for arm64", also(one("lib/liba.so.1"), lambda kit: {
        GLIBC: for_machine((kit.folder / "../base" / GLIBC).read_bytes(), 183)}), FOREIGN),
    Case("no C library", also(one("lib/liba.so.1"), lambda _: {GLIBC: None}), MISSING),
    Case("by RUNPATH", one(X, flags=rpath("/opt/x")), RUNS),
    Case("by RPATH", one(X, flags=rpath("/opt/x", runpath=False)), RUNS),
    Case("by RUNPATH of two directories", one(X, flags=rpath("/opt/none:/opt/x")), RUNS),
    Case("by RUNPATH elsewhere", one(X, flags=rpath("/opt/y")), MISSING),
    Case("by ORIGIN", one("opt/bin/../x/liba.so.1", flags=rpath("$ORIGIN/opt/x")), RUNS),
    Case("by ORIGIN in braces", one(X, flags=rpath("${ORIGIN}/opt/x")), RUNS),
    Case("by ORIGIN through a link", also(one("opt/lib/liba.so.1", flags=rpath("$ORIGIN/../lib")), lambda kit: {
        "opt/bin/app": one(None, flags=rpath("$ORIGIN/../lib"))(kit)["app"], "app": "->/opt/bin/app"}), RUNS),
    Case("by LIB", one(f"opt/{MULTIARCH}/liba.so.1", flags=rpath("/opt/$LIB")), RUNS),
    Case("by PLATFORM", one("opt/x86_64/liba.so.1", flags=rpath("/opt/$PLATFORM")), UNKNOWN),
    Case("by a relative RUNPATH", one(X, flags=rpath("opt/x")), RUNS),
    Case("by an empty part of RUNPATH", one("liba.so.1", flags=rpath("/opt/none:")), RUNS),
    Case("by a token that there is not", one("opt/$X/liba.so.1", flags=rpath("/opt/$X")), RUNS),
    Case("RUNPATH before a foreign default", also(one(X, flags=rpath("/opt/x")), lambda kit: {
        "lib/liba.so.1": foreign(kit)}), RUNS),
    Case("by the environment", one(X), RUNS, {"LD_LIBRARY_PATH": "/opt/x"}),
    Case("by the environment with a semicolon", one(X), RUNS, {"LD_LIBRARY_PATH": "/opt/y;/opt/x"}),
    Case("by the environment elsewhere", one(X), MISSING, {"LD_LIBRARY_PATH": "/opt/y"}),
    Case("by an empty part of the environment", one("liba.so.1"), RUNS, {"LD_LIBRARY_PATH": ":/opt/y"}),
    Case("by an empty environment", one("liba.so.1"), MISSING, {"LD_LIBRARY_PATH": ""}),
    Case("by ORIGIN in the environment", one(X), RUNS, {"LD_LIBRARY_PATH": "$ORIGIN/opt/x"}),
    Case("an old one by the environment", also(versioned("V2"), lambda kit: {X: kit.shared(version="V1")}), OLD,
         {"LD_LIBRARY_PATH": "/opt/x"}),
    Case("an old one by the environment, RPATH before it", also(
        lambda kit: {**versioned("V2")(kit), "app": kit.program(
            [("liba.so.1", kit.shared(version="V2"))], flags=rpath(f"/{MULTIARCH}", runpath=False))},
        lambda kit: {X: kit.shared(version="V1")}), RUNS, {"LD_LIBRARY_PATH": "/opt/x"}),
    Case("an old one by the environment, RUNPATH behind it", also(
        lambda kit: {**versioned("V2")(kit), "app": kit.program(
            [("liba.so.1", kit.shared(version="V2"))], flags=rpath(f"/{MULTIARCH}"))},
        lambda kit: {X: kit.shared(version="V1")}), OLD, {"LD_LIBRARY_PATH": "/opt/x"}),
    Case("RPATH is inherited", chain(rpath("/opt/a:/opt/b", runpath=False)), RUNS),
    Case("RUNPATH is not inherited", chain(rpath("/opt/a:/opt/b")), MISSING),
    Case("RUNPATH of the library itself", chain(rpath("/opt/b"), rpath("$ORIGIN/../a")), RUNS),
    Case("a library with RUNPATH inherits no RPATH", chain(rpath("/opt/a:/opt/b", runpath=False), rpath("/opt/y")),
         MISSING),
    Case("RPATH of program and library", chain(rpath("/opt/b", runpath=False), rpath("/opt/a", runpath=False)), RUNS),
    Case("RUNPATH of the program, RPATH of the library", chain(rpath("/opt/b"), rpath("/opt/a", runpath=False)), RUNS),
    Case("no default libraries", one("lib/liba.so.1", flags=("-Wl,-z,nodefaultlib",)), MISSING),
    Case("no default libraries, all by RUNPATH", one("lib/liba.so.1", flags=(
        "-Wl,-z,nodefaultlib", *rpath(f"/lib:/{MULTIARCH}"))), RUNS),
    Case("in the cache", with_conf(one(X)), RUNS, cache=()),
    Case("in a cache of both formats", with_conf(one(X)), RUNS, cache=("-c", "compat")),
    Case("in a cache of the old format", with_conf(one(X)), RUNS, cache=("-c", "old")),
    Case("in ld.so.conf, without a cache", with_conf(one(X)), MISSING),
    Case("in a stale cache", with_conf(one(X)), MISSING, cache=(), after=lambda _: {X: None}),
    Case("in a stale cache, then by default", with_conf(one(X)), RUNS, cache=(), after=lambda kit: {
        X: None, "lib/liba.so.1": kit.shared()}),
    Case("in the cache, then replaced by a foreign one", with_conf(one(X)), FOREIGN, cache=(), after=lambda kit: {
        X: foreign(kit)}),
    Case("in the cache, made before it came", with_conf(one(None)), MISSING, cache=(), after=lambda kit: {
        X: kit.shared()}),
    Case("the cache before the default directories", with_conf(also(versioned("V1"), lambda kit: {
        X: kit.shared(version="V2")})), RUNS, cache=()),
    Case("the cache is no cache", also(one("lib/liba.so.1"), lambda _: {"etc/ld.so.cache": b"nothing of the kind"}),
         RUNS),
    Case("the cache without default libraries", with_conf(one(X, flags=(
        "-Wl,-z,nodefaultlib", *rpath(f"/{MULTIARCH}")))), RUNS, cache=()),
    Case("only for some CPUs", one(HWCAPS), UNKNOWN),
    Case("for some CPUs beside the plain one", also(one("lib/x86_64-linux-gnu/liba.so.1"), lambda kit: {
        HWCAPS: kit.shared()}), RUNS),
    Case("for some CPUs one without the symbol", also(one("lib/x86_64-linux-gnu/liba.so.1"), lambda kit: {
        HWCAPS: kit.shared("other")}), UNKNOWN),
    Case("for some CPUs in the cache", with_conf(also(one(X), lambda kit: {
        "opt/x/glibc-hwcaps/x86-64-v2/liba.so.1": kit.shared()})), RUNS, cache=()),
    Case("damaged where some CPUs look first", also(one("lib/x86_64-linux-gnu/liba.so.1"), lambda _: {HWCAPS: b"\x7fELX" * 99}), UNKNOWN),
    Case("cut where some CPUs look first", also(one("lib/x86_64-linux-gnu/liba.so.1"), lambda kit: {HWCAPS: cut(kit)}), UNKNOWN),
    Case("for some CPUs in an older way", one(f"{MULTIARCH}/haswell/liba.so.1"), UNKNOWN),
    Case("for threads in an older way", one(f"{MULTIARCH}/tls/liba.so.1"), UNKNOWN),
    Case("a version that is there", versioned("V2"), RUNS),
    Case("a version that is not there", versioned("V1"), OLD),
    Case("a library that defines no versions", lambda kit: {
        **versioned("V2")(kit), f"{MULTIARCH}/liba.so.1": kit.shared(libc=True)}, RUNS),
    Case("a library that neither defines nor needs versions", lambda kit: {
        **versioned("V2")(kit), f"{MULTIARCH}/liba.so.1": kit.shared()}, UNKNOWN),
    Case("a newer C library", newer_glibc, OLD),
    Case("by a path", by_path("/opt/x/liba.so.1", X), RUNS),
    Case("by a path that is not there", by_path("/opt/x/liba.so.1", "lib/liba.so.1"), MISSING),
    Case("by a relative path", by_path("./opt/x/liba.so.1", X), RUNS),
    Case("by a path with ORIGIN", by_path("$ORIGIN/opt/x/liba.so.1", X), RUNS),
    Case("by the DT_SONAME of what is loaded", soname_differs, RUNS),
    Case("preloaded", also(one(None), preloaded("opt/any.so", lambda kit: kit.shared())), RUNS,
         {"LD_PRELOAD": "/opt/any.so"}),
    Case("preloaded but not there", one("lib/liba.so.1"), RUNS, {"LD_PRELOAD": "/opt/any.so libnone.so"}),
    Case("preloaded but foreign", also(one("lib/liba.so.1"), preloaded("opt/any.so", foreign)), RUNS,
         {"LD_PRELOAD": "/opt/any.so"}),
    Case("preloaded but a text", also(one("lib/liba.so.1"), preloaded("opt/any.so", lambda _: b"text" * 99)), RUNS,
         {"LD_PRELOAD": "/opt/any.so"}),
    Case("preloaded, lacking a library", also(one("lib/liba.so.1"), preloaded("opt/any.so", lambda kit: kit.shared(
        "z", "libz.so", needs=(("libn.so.1", kit.shared("n", "libn.so.1")),)))), MISSING, {"LD_PRELOAD": "/opt/any.so"}),
    Case("preloaded by the file", also(one(None), lambda kit: {
        "opt/any.so": kit.shared(), "etc/ld.so.preload": "# x\n /opt/any.so\n"}), RUNS),
    Case("preloaded by the file but not there", also(one("lib/liba.so.1"), lambda kit: {
        "etc/ld.so.preload": "/opt/any.so\n"}), RUNS),
    Case("without any library", lambda kit: {"app": kit.program(calls=())}, RUNS),
]  # fmt: skip

MUSL_PATH = "etc/ld-musl-x86_64.path"


def musl(name, files, expected, env=None, **more):
    return Case(f"musl: {name}", files, expected, env or {}, musl=True, **more)


MUSL_CASES = [
    musl("in lib", one("lib/liba.so.1", musl=True), RUNS),
    musl("in usr local lib", one("usr/local/lib/liba.so.1", musl=True), RUNS),
    musl("in usr lib", one("usr/lib/liba.so.1", musl=True), RUNS),
    musl("in the multiarch directory", one(f"{MULTIARCH}/liba.so.1", musl=True), MISSING),
    musl("nowhere", one(None, musl=True), MISSING),
    musl("by its path file", also(one(X, musl=True), lambda _: {MUSL_PATH: "/opt/y\n/opt/x\n"}), RUNS),
    musl("by its path file with colons", also(one(X, musl=True), lambda _: {MUSL_PATH: "/opt/y:/opt/x"}), RUNS),
    musl("its path file leaves lib out", also(one("lib/liba.so.1", musl=True), lambda _: {MUSL_PATH: "/opt/x\n"}),
         MISSING),
    musl("its path file is empty", also(one("lib/liba.so.1", musl=True), lambda _: {MUSL_PATH: ""}), MISSING),
    musl("its path file is a directory", also(one("lib/liba.so.1", musl=True), lambda _: {f"{MUSL_PATH}/x": ""}), MISSING),
    musl("a real one for arm64 first, then native", also(one("usr/lib/liba.so.1", musl=True), lambda _: {
        "lib/liba.so.1": ARM64_LIBRARY.read_bytes()}), FOREIGN),
    musl("of another class first, then native", also(one("usr/lib/liba.so.1", musl=True), lambda kit: {
        "lib/liba.so.1": narrow(kit)}), FOREIGN),
    musl("a text", also(one("usr/lib/liba.so.1", musl=True), lambda _: {"lib/liba.so.1": b"text" * 99}), MISSING),
    musl("empty", also(one("usr/lib/liba.so.1", musl=True), lambda _: {"lib/liba.so.1": b""}), MISSING),
    musl("of FreeBSD's ABI", also(one(None, musl=True), lambda kit: {"lib/liba.so.1": kit.shared(musl=True)[:7]
        + b"\x09" + kit.shared(musl=True)[8:]}), RUNS),
    musl("a directory of its name", also(one("usr/lib/liba.so.1", musl=True), lambda _: {"lib/liba.so.1/x": b"x"}),
         MISSING),
    musl("by RUNPATH", one(X, musl=True, flags=rpath("/opt/x")), RUNS),
    musl("by RPATH", one(X, musl=True, flags=rpath("/opt/x", runpath=False)), RUNS),
    musl("by ORIGIN", one(X, musl=True, flags=rpath("$ORIGIN/opt/x")), RUNS),
    musl("by LIB, which it does not know", one("opt/lib/liba.so.1", musl=True, flags=rpath("/opt/$LIB:/opt/lib")), MISSING),
    musl("by the environment", one(X, musl=True), RUNS, {"LD_LIBRARY_PATH": "/opt/x"}),
    musl("by the environment with a semicolon", one(X, musl=True), MISSING, {"LD_LIBRARY_PATH": "/opt/y;/opt/x"}),
    musl("by an empty part of the environment", one("liba.so.1", musl=True), MISSING, {"LD_LIBRARY_PATH": ":/opt/y"}),
    musl("by ORIGIN in the environment", one(X, musl=True), MISSING, {"LD_LIBRARY_PATH": "$ORIGIN/opt/x"}),
    musl("RUNPATH is inherited", chain(rpath("/opt/a:/opt/b"), musl=True), RUNS),
    musl("RUNPATH of the library itself", chain(rpath("/opt/b"), rpath("$ORIGIN/../a"), musl=True), RUNS),
    musl("the cache is not its own", with_conf(one(X, musl=True)), MISSING, cache=()),
    musl("preloaded", also(one("lib/liba.so.1", musl=True), preloaded("opt/any.so", lambda kit: kit.shared(
        "z", "libz.so", musl=True))), RUNS, {"LD_PRELOAD": "/opt/any.so"}),
    musl("preloaded but not there", one("lib/liba.so.1", musl=True), RUNS, {"LD_PRELOAD": "/opt/any.so"}),
    musl("preloaded but a text", also(one("lib/liba.so.1", musl=True), preloaded("opt/any.so", lambda _: b"text" * 99)),
         RUNS, {"LD_PRELOAD": "/opt/any.so"}),
    musl("preloaded under its name", also(one(None, musl=True), preloaded("opt/liba.so.1", lambda kit: kit.shared(
        musl=True))), RUNS, {"LD_PRELOAD": "liba.so.1", "LD_LIBRARY_PATH": "/opt"}),
    musl("preloaded under a path is not what is needed by name", also(one(None, musl=True), preloaded(
        "opt/liba.so.1", lambda kit: kit.shared(musl=True))), MISSING, {"LD_PRELOAD": "/opt/liba.so.1"}),
]  # fmt: skip

CASES = [*GLIBC_CASES, *MUSL_CASES]
