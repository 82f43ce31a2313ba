"""Roots whose libraries offer other symbols than are asked for: at once, on the first call, by version, as copies."""

from __future__ import annotations

from tests.binary.program.libraries.cases import OLD, RUNS, UNKNOWN, Case

A = "lib/liba.so.1"
NOW, LATER = ("-Wl,-z,now",), ("-Wl,-z,lazy",)
NAMED = "-Wl,-soname,liba.so.1"
LIBRARY = ("-shared", "-fPIC", "-nostdlib", NAMED)
PRINTS = '#include <stdio.h>\n{}\nint main(int n, char **v) {{ {}; puts("ran"); return 0; }}\n'
CALLS = PRINTS.format("int a(void);", "a()")
CALLS_SOMETIMES = PRINTS.format("int a(void);", "if (n > 1) a()")
POINTS = PRINTS.format("int a(void); int (*at)(void) = a;", "")
READS = PRINTS.format("extern int a;", "volatile int b = a; b = b")
WEAK = PRINTS.format("int a(void) __attribute__((weak));", "if (a) a()")
FUNCTION, OTHER, VARIABLE = "int a(void) { return 0; }", "int b(void) { return 0; }", "int a = 1;"
WITHOUT_A = "int b(void) { return 0; } static int a(void) { return 0; } int (*at)(void) = a;"
HIDDEN = '__attribute__((visibility("hidden"))) int a(void) { return 0; } int (*at)(void) = a;'
EMPTY_V1 = "V1 { };\nV2 { global: *; } V1;\n"
BOTH = (
    '__asm__(".symver old,a@V1"); __asm__(".symver new,a@@V2"); int old(void) { return 1; } int new(void) { return 0; }'
)
BOTH_MAP = "V1 { global: a; };\nV2 { global: a; } V1;\n"
ONLY_V1 = "V1 { global: a; };\nV2 { } V1;\n"


def library(kit, source, version="", musl=False):
    """A library of this source, its symbols versioned by a script."""
    flags, inputs = LIBRARY, ()
    if version:
        flags, inputs = (*LIBRARY, "-Wl,--version-script,map"), (("map", version.encode()),)
    return kit.compiled(source, *flags, inputs=inputs, musl=musl)


def asks(source, linked, held, *flags, versions=("", ""), musl=False, where=A):
    """A program linked with one library, run with another."""

    def files(kit):
        needs = (("liba.so.1", library(kit, linked, versions[0], musl)),)
        program = kit.compiled(source, *flags, inputs=needs, musl=musl)
        return {"app": program, where: library(kit, held, versions[1], musl)}

    return files


def preloading(files, source):
    return lambda kit: {**files(kit), "opt/pre.so": kit.compiled(source, "-shared", "-fPIC", "-nostdlib")}


def through(held, *flags):
    """A library of the program that asks another for a function by a pointer, or by a call that nobody makes."""

    def files(kit):
        a = library(kit, FUNCTION)
        source = "int a(void); int (*at)(void) = a; int b(void) { return 0; }"
        b = kit.compiled(
            source, "-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libb.so.1", *flags, inputs=(("liba.so.1", a),)
        )
        program = kit.compiled(PRINTS.format("int b(void);", "b()"), inputs=(("libb.so.1", b),))
        return {"app": program, "lib/libb.so.1": b, A: library(kit, held)}

    return files


SYMBOL_CASES = [
    Case("a function that is there", asks(CALLS, FUNCTION, FUNCTION, *NOW), RUNS),
    Case("a function that is not there, bound at once", asks(CALLS, FUNCTION, OTHER, *NOW), OLD),
    Case("a function that is not there, bound when it is called", asks(CALLS, FUNCTION, OTHER, *LATER), UNKNOWN),
    Case("a function that is not there, never called", asks(CALLS_SOMETIMES, FUNCTION, OTHER, *LATER), UNKNOWN),
    Case("a function that is not there, bound at once by the environment", asks(
        CALLS_SOMETIMES, FUNCTION, OTHER, *LATER), OLD, {"LD_BIND_NOW": "1"}),
    Case("an empty word binds nothing at once", asks(CALLS_SOMETIMES, FUNCTION, FUNCTION, *LATER), RUNS,
         {"LD_BIND_NOW": ""}),
    Case("a function that only its own file sees", asks(CALLS, FUNCTION, WITHOUT_A, *NOW), OLD),
    Case("a function that is hidden", asks(CALLS, FUNCTION, HIDDEN, *NOW), OLD),
    Case("a pointer to a function that is not there", asks(POINTS, FUNCTION, OTHER, "-fPIE", "-pie"), OLD),
    Case("a pointer of a fixed program to what is not there", asks(POINTS, FUNCTION, OTHER, "-no-pie"), OLD),
    Case("a weak function that is not there", asks(WEAK, FUNCTION, OTHER, *NOW), RUNS),
    Case("a variable that is copied", asks(READS, VARIABLE, VARIABLE, "-no-pie", "-fno-pie"), RUNS),
    Case("a variable that is not there to be copied", asks(READS, VARIABLE, OTHER, "-no-pie", "-fno-pie"), OLD),
    Case("a variable that is not there", asks(READS, VARIABLE, OTHER, "-fPIC"), OLD),
    Case("another library's function stands in", preloading(asks(CALLS, FUNCTION, OTHER, *NOW), FUNCTION), RUNS,
         {"LD_PRELOAD": "/opt/pre.so"}),
    Case("another library's other function does not", preloading(asks(CALLS, FUNCTION, OTHER, *NOW), OTHER), OLD,
         {"LD_PRELOAD": "/opt/pre.so"}),
    Case("a version that is there without the symbol", asks(
        CALLS, FUNCTION, FUNCTION, *NOW, versions=("V1 { global: *; };\n", EMPTY_V1)), OLD),
    Case("a version that is there without the symbol, later", asks(
        CALLS, FUNCTION, FUNCTION, *LATER, versions=("V1 { global: *; };\n", EMPTY_V1)), UNKNOWN),
    Case("an older version that is kept", asks(
        CALLS, FUNCTION, BOTH, *NOW, versions=("V1 { global: *; };\n", BOTH_MAP)), RUNS),
    Case("a newer version whose symbol is only the older one", asks(
        CALLS, BOTH, FUNCTION, *NOW, versions=(BOTH_MAP, ONLY_V1)), OLD),
    Case("no version asked, the newest found", asks(CALLS, FUNCTION, BOTH, *NOW, versions=("", BOTH_MAP)), RUNS),
    Case("no version asked, a hidden oldest found", asks(
        CALLS, FUNCTION, BOTH.split(";", 1)[0] + ";int old(void) { return 1; }", *NOW, versions=("", ONLY_V1)), RUNS),
    Case("a pointer of a library to what is not there", through(OTHER), OLD),
    Case("a pointer of a library to what is there", through(FUNCTION), RUNS),
    Case("musl: a function that is not there", asks(CALLS_SOMETIMES, FUNCTION, OTHER, *LATER, musl=True), OLD, musl=True),
    Case("musl: a function that is there", asks(CALLS, FUNCTION, FUNCTION, musl=True), RUNS, musl=True),
    Case("musl: a weak function that is not there", asks(WEAK, FUNCTION, OTHER, musl=True), RUNS, musl=True),
    Case("musl: a version that is there without the symbol", asks(
        CALLS, FUNCTION, FUNCTION, musl=True, versions=("V1 { global: *; };\n", EMPTY_V1)), RUNS, musl=True),
    Case("musl: a symbol that only another version has", asks(
        CALLS, FUNCTION, BOTH.split(";", 1)[0] + ";int old(void) { return 1; }", musl=True,
        versions=("V1 { global: *; };\n", ONLY_V1)), OLD, musl=True),
    Case("musl: a variable that is not there", asks(READS, VARIABLE, OTHER, "-fPIC", musl=True), OLD, musl=True),
]  # fmt: skip
"""Beside those of ``cases``: every library is found, maps, has its versions."""
