"""Tells by its first bytes what a file is for the kernel that is asked to exec it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.binary.program import script
from scanner.binary.program.busybox import applets_in
from scanner.binary.program.elf import dynamic, elf
from scanner.binary.program.libraries import loader_build
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Elf, FileKind
from scanner.domain.platform.elf_machine import MAGIC
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.layers.body import Body
    from scanner.binary.program.elf.dynamic import Dynamic
    from scanner.binary.program.elf.elf import Header
    from scanner.binary.program.libraries.loader_build import LoaderBuild
    from scanner.binary.program.script import Shebang

_FORMATS: tuple[tuple[bytes, str], ...] = (
    (b"\xcf\xfa\xed\xfe", "a Mach-O program for macOS"),
    (b"\xce\xfa\xed\xfe", "a Mach-O program for macOS"),
    (b"\xfe\xed\xfa\xcf", "a Mach-O program for macOS"),
    (b"\xfe\xed\xfa\xce", "a Mach-O program for macOS"),
    (b"\xca\xfe\xba\xbe", "a Mach-O universal binary or a Java class"),
    (b"MZ", "a Windows program"),
    (b"\0asm", "a WebAssembly module"),
    (b"\x1f\x8b", "gzip data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"PK\x03\x04", "a zip or jar archive"),
    (b"\xfd7zXZ\0", "xz data"),
    (b"BZh", "bzip2 data"),
    (b"!<arch>\n", "an ar archive"),
    (b"BC\xc0\xde", "LLVM bitcode"),
    (b"\xde\xc0\x17\x0b", "LLVM bitcode"),
)

_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_TEXTS = frozenset({Reason.NO_SHEBANG, Reason.BOM_SHEBANG, Reason.UTF16_SHEBANG})
_UTF16_SHEBANGS = (b"#\0!\0", b"\0#\0!")
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r\f\v\b\x1b")


@dataclass(frozen=True, slots=True)
class Content:
    """What the first bytes of a file say; ``problem`` is why execve would refuse it whatever the machine.

    ``header`` stands even for an ELF file that is damaged behind it. ``text`` is all of a script,
    a text without ``#!``, a file that scripts source. ``dynamic`` is what an ELF file asks of
    its loader, ``loader`` how it was built if it is one, ``applets`` those that busybox was built with, where it was read.
    """

    kind: FileKind
    elf: Elf | None = None
    shebang: Shebang | None = None
    problem: Failure | None = None
    size: int = 0
    header: Header | None = None
    text: bytes | None = None
    dynamic: Dynamic | Failure | None = None
    loader: LoaderBuild | None = None
    applets: frozenset[str] | None = None


def architecture_of(content: Content | None) -> str:
    """The CPU that a program is for, in Go's word; empty where it is none, or none that is known."""
    return content.elf.needs.architecture if content is not None and content.elf and content.elf.needs else ""


def examine(body: Body) -> Content:
    """Interpret a file's bytes; total over all of them."""
    head = body.head
    if not body.size:
        return Content(FileKind.OTHER, problem=Failure(Reason.ENTRYPOINT_EMPTY, "the file is empty"))
    if head.startswith(MAGIC):
        header, parsed = elf.read_header(head), elf.parse(body)
        if isinstance(header, Failure):
            return Content(FileKind.ELF, problem=header, size=body.size)
        seen = Content(
            FileKind.ELF,
            size=body.size,
            header=header,
            dynamic=dynamic.parse(body),
            loader=loader_build.parse(header, body),
            applets=applets_in(body.applets),
        )
        return replace(seen, problem=parsed) if isinstance(parsed, Failure) else replace(seen, elf=parsed)
    if head.startswith(b"#!"):
        return _script(body)
    refusal = _refusal(head)
    text = body.read(0, body.size) if refusal.reason in _TEXTS else None
    return Content(FileKind.OTHER, problem=refusal, size=body.size, text=text)


def as_text(body: Body) -> Content:
    """What a file without an execute bit holds, for whoever reads it."""
    return Content(FileKind.OTHER, size=body.size, text=body.read(0, body.size) if body.size else b"")


def _script(body: Body) -> Content:
    shebang = script.parse(body.head)
    if isinstance(shebang, Failure):
        return Content(FileKind.SCRIPT, problem=shebang, size=body.size)
    text = body.read(0, body.size)
    return Content(FileKind.SCRIPT, shebang=shebang, size=body.size, text=text)


def _refusal(head: bytes) -> Failure:
    """Why a file that is neither ELF nor script gets ENOEXEC."""
    for bom in _BOMS:
        if not head.startswith(bom):
            continue
        if head[len(bom) :].startswith(_UTF16_SHEBANGS):
            return Failure(Reason.UTF16_SHEBANG, "it is written in UTF-16, of which the kernel reads no #!")
        if head[len(bom) :].startswith(b"#!"):
            return Failure(Reason.BOM_SHEBANG, "a byte order mark stands before #!")
    if len(head) < len(MAGIC) and MAGIC.startswith(head):
        return Failure(Reason.ENTRYPOINT_TRUNCATED, f"the file ends after {len(head)} bytes of an ELF header")
    for magic, name in _FORMATS:
        if head.startswith(magic):
            return Failure(Reason.NOT_A_PROGRAM, f"the file is {name}")
    if _CONTROL.isdisjoint(head[: script.LINE_BYTES]):
        return _no_shebang(head)
    return Failure(Reason.NOT_A_PROGRAM, f"the file begins with {head[:4].hex(' ')}, which no kernel executes")


def _no_shebang(head: bytes) -> Failure:
    if head.lstrip().startswith(b"#!"):
        return Failure(Reason.NO_SHEBANG, "blanks or an empty line stand before #!; it must be the first two bytes")
    return Failure(Reason.NO_SHEBANG, "a text file without #!; a shell would run it, execve does not")
