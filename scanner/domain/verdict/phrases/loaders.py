"""Loaders: what glibc's, musl's or another dynamic loader says of libraries, pages or the CPU."""

from __future__ import annotations

from scanner.domain.verdict.phrases import causes
from scanner.domain.verdict.phrases.phrase import Phrase, Speaker
from scanner.domain.verdict.reason import Reason

_END = frozenset({127})
_VERSIONS = frozenset({1, 127})
_LEAD = r"(?:[^:]{1,300}: ){0,3}"
_GLIBC = r"(?:[^:]{1,300}: )?error while loading shared libraries: "
_FILE = r"[^:\s][^:]{0,299}"
_WORDS = (
    r"invalid elf header|wrong elf class: elfclass\w{1,9}|elf file data encoding not (?:big|little)-endian|elf file os abi invalid|"
    r"elf file version (?:does not match current one|ident does not match current one)|elf file's phentsize not the expected size|"
    r"only et_dyn and et_exec can be loaded|cannot open shared object file: exec format error|object file has no dynamic section"
)
_PAGES = r"elf load command (?:address/offset not (?:page-aligned|properly aligned)|alignment not page-aligned|align(?:ment)? not .{1,40})"


def _phrase(  # noqa: PLR0913, PLR0917 -- a row has as many columns as a phrase has parts
    reason: Reason,
    says: str,
    said_by: str,
    cause: str,
    has: str,
    line: str,
    within: str = "",
    exits: frozenset[int] = _END,
) -> Phrase:
    return Phrase(Speaker.LOADER, reason, says, said_by, cause, has, line, within, exits)


_LIBRARIES = (
    _phrase(
        Reason.WRONG_LIBRARY, "app: error while loading shared libraries: libx.so: wrong ELF class: ELFCLASS64",
        "glibc's loader (all versions): wrong ELF class, invalid ELF header", causes.FOREIGN_LIBRARY, "wrong elf|invalid elf|elf file|object file: exec|et_dyn|dynamic section",
        rf"{_GLIBC}(?:{_FILE}: )?(?:{_WORDS})", rf"error while loading shared libraries: (?:{_FILE}: )?(?:{_WORDS})",
    ),
    _phrase(
        Reason.WRONG_LIBRARY, "Error loading shared library libx.so: Exec format error (needed by /app)", "musl's loader", causes.FOREIGN_LIBRARY, "exec format error",
        rf"{_LEAD}error loading shared library {_FILE}: exec format error(?: \(needed by [^)]{{1,300}}\))?",
        rf"error loading shared library {_FILE}: exec format error(?: \(needed by [^)]{{1,300}}\))?",
    ),
    _phrase(
        Reason.LIBRARY_MISSING, "app: error while loading shared libraries: libx.so: cannot open shared object file: No such file or directory",
        "glibc's loader (all versions)", causes.NO_LIBRARY, "error while loading",
        rf"{_GLIBC}{_FILE}: (?:cannot open shared object file: no such file or directory|file too short|cannot read file data(?:: .{{1,40}})?|cannot dynamically load (?:position-independent )?executable)",
        rf"error while loading shared libraries: {_FILE}: (?:cannot open shared object file: no such file or directory|file too short|cannot read file data|cannot dynamically load (?:position-independent )?executable)",
    ),
    _phrase(
        Reason.ENTRYPOINT_MISSING, "/lib/ld-musl-x86_64.so.1: cannot load /app: No such file or directory", "musl's loader, asked to run the file", causes.MISSING, "cannot load",
        rf"(?:/\S{{1,200}}/)?ld-musl-\S{{1,40}}: cannot load {_FILE}: no such file or directory", rf"ld-musl-\S{{1,40}}: cannot load {_FILE}: no such file or directory", frozenset({1}),
    ),
    _phrase(
        Reason.LIBRARY_MISSING, "Error loading shared library libx.so: No such file or directory (needed by /app)", "musl's loader", causes.NO_LIBRARY, "error loading",
        rf"{_LEAD}error loading shared library {_FILE}: no such file or directory(?: \(needed by [^)]{{1,300}}\))?",
        rf"error loading shared library {_FILE}: no such file or directory(?: \(needed by [^)]{{1,300}}\))?",
    ),
    _phrase(
        Reason.PERMISSION_DENIED, "app: error while loading shared libraries: libx.so: cannot open shared object file: Permission denied", "glibc's loader; musl's: Permission denied (needed by …)",
        causes.UNREADABLE, "shared librar|shared object", rf"(?:{_GLIBC}{_FILE}: (?:cannot open shared object file: permission denied|failed to map segment from shared object.{{0,60}})|{_LEAD}error loading shared library {_FILE}: permission denied.{{0,320}})",
        rf"error while loading shared libraries: {_FILE}: (?:cannot open shared object file: permission denied|failed to map segment from shared object)|error loading shared library {_FILE}: permission denied",
    ),
    _phrase(
        Reason.LIBRARY_TOO_OLD, "app: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by app)", "glibc's loader (all versions); also of GLIBCXX, CXXABI, OPENSSL",
        causes.OLD_LIBRARY, ": version", rf"(?:{_FILE}: ){{1,3}}version [`'\u2018\"]?[\w.]{{1,60}}['\u2019\"]? not found \(required by [^)]{{1,300}}\)",
        r"(?<!\S)\S{1,4000}\.so[\w.]{0,30}: version [`'\u2018\"\\]{0,3}[\w.]{1,60}['\u2019\"\\]{0,3} not found(?: \(required by [^)]{1,300}\))?", _VERSIONS,
    ),
    _phrase(
        Reason.LIBRARY_TOO_OLD, "app: symbol lookup error: /lib/libx.so: undefined symbol: foo, version GLIBC_2.34", "glibc's loader: symbol lookup error, relocation error",
        causes.OLD_LIBRARY, "undefined symbol|relocation error", rf"{_LEAD}(?:symbol lookup error: {_FILE}: undefined symbol: \S{{1,300}}(?: version \S{{1,60}})?|relocation error: {_FILE}: symbol \S{{1,300}} version \S{{1,60}} not defined in file .{{1,200}})",
        rf"symbol lookup error: {_FILE}: undefined symbol: \S{{1,300}}(?: version \w[\w.]{{1,60}})?|relocation error: {_FILE}: symbol \S{{1,300}} version \S{{1,60}} not defined in file", _VERSIONS,
    ),
    _phrase(
        Reason.LIBRARY_TOO_OLD, "Error relocating /app: __fprintf_chk: symbol not found", "musl's loader, of a program built with glibc or a newer musl", causes.OLD_LIBRARY, "symbol not found",
        rf"{_LEAD}error relocating {_FILE}: \S{{1,300}}: (?:initial-exec tls resolves to dynamic definition in .{{1,300}}|symbol not found)", rf"error relocating {_FILE}: \S{{1,300}}: symbol not found", _VERSIONS,
    ),
    _phrase(
        Reason.NOT_A_PROGRAM, "/lib/ld-musl-x86_64.so.1: /app: Not a valid dynamic program", "musl's loader, asked to run the file", causes.FOREIGN, "not a valid dynamic program",
        rf"{_LEAD}{_FILE}: not a valid dynamic program", rf"ld-musl-\S{{1,40}}: {_FILE}: not a valid dynamic program", _VERSIONS,
    ),
)  # fmt: skip

_CPU = (
    _phrase(
        Reason.PAGE_SIZE_UNSUPPORTED, "app: error while loading shared libraries: libx.so: ELF load command address/offset not page-aligned",
        "glibc's loader 2.35 and newer; before: ELF load command alignment not page-aligned", causes.PAGES, "elf load command", rf"{_LEAD}{_PAGES}", _PAGES,
    ),
    _phrase(
        Reason.PAGE_SIZE_UNSUPPORTED, "<jemalloc>: Unsupported system page size", "jemalloc, as built into Redis, ClickHouse, Rust programs and others (all versions)", causes.PAGES, "unsupported system page size",
        r"(?:<jemalloc>|[\w./-]{1,100}): unsupported system page size", r"<jemalloc>: unsupported system page size", frozenset({1, 134, 139, 255}),
    ),
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, "/app: CPU ISA level is lower than required", "glibc's loader 2.33 and newer, of a program or library whose note names a level", causes.LEVEL, "isa level",
        rf"{_LEAD}CPU ISA level is lower than required", r"CPU ISA level is lower than required", frozenset({1, 127}),
    ),
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, "Fatal glibc error: This version of Amazon Linux requires a newer ARM64 processor compliant with at least ARM architecture 8.2-a with Cryptographic extensions. On EC2 this is Graviton 2 or later.",
        "glibc of Amazon Linux 2023", "the image's whole userland was built for a newer CPU than this one", "fatal glibc error", r"fatal glibc error: this version of .{1,60} requires a newer .{1,300}", r"fatal glibc error: this version of .{1,60} requires a newer .{1,200}", frozenset({127, 1, 134}),
    ),
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, "Fatal glibc error: CPU does not support x86-64-v2", "glibc 2.33 and newer, itself built for a floor: RHEL 9 and UBI 9 (v2, POWER9, z14), RHEL 10 (v3)",
        "the image's whole userland was built for a newer CPU than this one (RHEL 9 and its kin: x86-64-v2, POWER9, z14; RHEL 10: x86-64-v3)", "fatal glibc error",
        r"fatal glibc error: cpu (?:does not support|lacks) .{1,120}", r"fatal glibc error: cpu (?:does not support|lacks) .{1,120}", frozenset({127, 1, 134}),
    ),
)  # fmt: skip

LOADERS = (*_LIBRARIES, *_CPU)
"""In the order in which they are tried."""
