"""Which ELF files this machine's kernel really runs, beside what we make of them."""

import errno
import platform
import struct
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from scanner.binary.program.capture import Capture
from scanner.binary.program.elf import elf
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Elf
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status

EXIT_42 = {64: b"\xb8\x3c\0\0\0\xbf\x2a\0\0\0\x0f\x05", 32: b"\xb8\1\0\0\0\xbb\x2a\0\0\0\xcd\x80"}
"""exit(42) by syscall on amd64, by int 0x80 on 386."""
BASE = 0x400000
LOAD, DYNAMIC, INTERP, STACK = 1, 2, 3, 0x6474E551
R, W, X = 4, 2, 1
LOADER = b"/lib64/ld-linux-x86-64.so.2\0"


class Part(NamedTuple):
    """One program header; ``None`` stands for what a plain program has."""

    kind: int = LOAD
    flags: int = R | X
    offset: int = 0
    vaddr: int | None = None
    filesz: int | None = None
    memsz: int | None = None
    align: int = 0x1000


PLAIN = (Part(),)


def made(
    parts=PLAIN,
    *,
    bits=64,
    machine=None,
    kind=2,
    ident=None,
    entry=None,
    phentsize=None,
    phnum=None,
    size=None,
    shoff=0,
    pad=0,
    tail=b"",
):
    """An ELF program that exits with 42, its code behind the program headers."""
    wide = bits == 64
    head, each = (64, 56) if wide else (52, 32)
    start = head + each * len(parts)
    code = EXIT_42[bits] + tail
    total = start + len(code) + pad
    where = (BASE if kind == 2 else 0) + start if entry is None else entry
    table = b""
    for part in parts:
        vaddr = (BASE if kind == 2 else 0) + part.offset if part.vaddr is None else part.vaddr
        filesz = total - part.offset if part.filesz is None else part.filesz
        memsz = filesz if part.memsz is None else part.memsz
        if wide:
            table += struct.pack(
                "<IIQQQQQQ", part.kind, part.flags, part.offset, vaddr, vaddr, filesz, memsz, part.align
            )
        else:
            table += struct.pack(
                "<IIIIIIII", part.kind, part.offset, vaddr, vaddr, filesz, memsz, part.flags, part.align
            )
    word = "Q" if wide else "I"
    number = {64: 62, 32: 3}[bits] if machine is None else machine
    header = b"\x7fELF" + bytes(ident or ((2 if wide else 1), 1, 1)).ljust(12, b"\0")
    header += struct.pack(
        f"<HHI{word}{word}{word}IHHHHHH", kind, number, 1, where, head, shoff, 0, head,
        each if phentsize is None else phentsize, len(parts) if phnum is None else phnum, 64 if shoff else 0, 1 if shoff else 0, 0,
    )  # fmt: skip
    raw = (header + table + code).ljust(total, b"\0")
    return raw[:size] if size is not None else raw


NOEXEC_STACK = Part(STACK, R | W, filesz=0, vaddr=0)
PAGE = 0x1000

CASES = {
    "plain": made(),
    "plain 386": made(bits=32),
    "class 0": made(ident=(0, 1, 1)),
    "class 1 on a 64-bit layout": made(ident=(1, 1, 1)),
    "class 7": made(ident=(7, 1, 1)),
    "data 0": made(ident=(2, 0, 1)),
    "data 2": made(ident=(2, 2, 1)),
    "both of 386 wrong": made(bits=32, ident=(2, 2, 1)),
    "class 0 of 386": made(bits=32, ident=(0, 0, 0)),
    "version 9 and any osabi": made(ident=(2, 1, 9, 77)),
    "EM_486": made(bits=32, machine=6),
    "no segments": made((), entry=BASE),
    "no PT_LOAD": made((NOEXEC_STACK,), entry=BASE),
    "type 0": made(kind=0),
    "type 1": made(kind=1),
    "type 4": made(kind=4),
    "static pie": made(kind=3),
    "entry outside": made(entry=0x10),
    "entry behind": made(entry=BASE + 0x2000),
    "entry not executable, stack neither": made((Part(flags=R), NOEXEC_STACK)),
    "entry not executable, no word on the stack": made((Part(flags=R),)),
    "entry not executable, stack is": made((Part(flags=R), Part(STACK, R | W | X, filesz=0, vaddr=0))),
    "only executable": made((Part(flags=X),)),
    "no flags at all": made((Part(flags=0), NOEXEC_STACK)),
    "writable and executable": made((Part(flags=R | W | X), NOEXEC_STACK)),
    "segment ends in its last page behind the file": made((Part(filesz=0x800),)),
    "segment ends pages behind the file": made((Part(filesz=0x3000),)),
    "memory ends pages behind the file": made((Part(memsz=0x3000, flags=R | W | X),)),
    "zeros behind the file": made((Part(filesz=0x2800, memsz=0x3000, flags=R | W | X),)),
    "zeros behind the file, read only": made((Part(filesz=0x2800, memsz=0x3000),)),
    "cut before its code, within the page": made(size=64 + 56 + 2),
    "cut with section headers": made(size=64 + 56 + 2, shoff=0x4000),
    "cut in its program headers": made(size=100),
    "cut in its header": made(size=63),
    "more in the file than in memory": made((Part(filesz=0x70, memsz=0x60),)),
    "memory beyond any": made((Part(memsz=1 << 62),)),
    "memory that wraps": made((Part(memsz=(1 << 64) - 1),)),
    "phentsize 0": made(phentsize=0),
    "phentsize 57": made(phentsize=57),
    "phentsize 32": made(phentsize=32),
    "phnum of extended numbering": made(phnum=0xFFFF),
    "phnum larger than the file": made(phnum=20),
    "not congruent by 16": made((Part(vaddr=BASE + 0x10, filesz=0x90),), entry=BASE + 0x10 + 120),
    "not congruent by 2048": made((Part(vaddr=BASE + 0x800),), entry=BASE + 0x800 + 120),
    "congruent to 4096 only": made((Part(vaddr=BASE + 0x1000),), entry=BASE + 0x1000 + 120),
    "not congruent, nothing from the file": made((Part(), Part(flags=R | W, offset=0x10, vaddr=BASE + 0x10000, filesz=0, memsz=0x100))),
    "align 0": made((Part(align=0),)),
    "align 3": made((Part(align=3),)),
    "align 2 MiB": made((Part(align=0x200000),)),
    "pie, align 2 MiB": made((Part(align=0x200000),), kind=3),
    "interpreter of one byte": made((Part(INTERP, R, 0, filesz=1), Part())),
    "interpreter without NUL": made((Part(INTERP, R, 1, filesz=3), Part())),
    "interpreter behind the file": made((Part(INTERP, R, 0x4000, filesz=9), Part())),
    "interpreter of 5000 bytes": made((Part(INTERP, R, 0, filesz=5000), Part()), pad=6000),
    "shared object without entry": made(kind=3, entry=0),
}  # fmt: skip


def outcome(path):
    """``runs``, the name of an errno, or the number of a signal."""
    try:
        done = subprocess.run([path], capture_output=True, check=False, timeout=60, start_new_session=True)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "runs" if done.returncode in {42, 0} else done.returncode


def parsed(raw):
    capture = Capture(len(raw))
    for at in range(0, len(raw), 1000):
        capture.feed(memoryview(raw)[at : at + 1000])
    return elf.parse(capture.body())


def verdict(raw):
    """What we say: it runs on a page of 4 KiB, it does not, or nobody knows."""
    found = parsed(raw)
    if isinstance(found, Failure):
        return "no" if STATUS_OF[found.reason] is Status.BROKEN else "unknown"
    if found.needs is None or 0 < found.max_page_size < PAGE:
        return "no"
    return "runs"


@pytest.fixture
def own_kernel():
    if platform.machine() != "x86_64":
        pytest.skip("these programs are for amd64")


@pytest.mark.system
@pytest.mark.parametrize("name", CASES)
def test_the_kernel_runs_what_we_say_it_runs(name, tmp_path, own_kernel):
    path = tmp_path / "program"
    path.write_bytes(CASES[name])
    path.chmod(0o755)
    ended, said = outcome(path), verdict(CASES[name])
    assert said == "unknown" or (said == "runs") == (ended == "runs"), (ended, parsed(CASES[name]))


@pytest.mark.system
def test_of_two_interpreters_the_first_is_opened(tmp_path, own_kernel):
    missing = b"/nowhere/ld.so\0"
    start = 64 + 3 * 56 + len(EXIT_42[64])
    first = Part(INTERP, R, start, filesz=len(missing))
    second = Part(INTERP, R, start + len(missing), filesz=len(LOADER))
    raw = made((first, second, Part()), tail=missing + LOADER)
    path = tmp_path / "program"
    path.write_bytes(raw)
    path.chmod(0o755)
    assert (outcome(path), parsed(raw).interpreter) == ("ENOENT", "/nowhere/ld.so")


@pytest.mark.system
@pytest.mark.parametrize(
    ("options", "text", "runs"),
    [
        (("-static-pie",), "int main(void) { return 42; }", True),
        (("-shared", "-fPIC"), '#include <stdio.h>\nint f(void) { return puts("x"); }', False),
        (("-shared", "-fPIC", "-nostdlib"), "int f(void) { return 1; }", False),
        (("-shared", "-fPIC", "-Wl,-e,f"), '#include <stdio.h>\nint f(void) { return puts("x"); }', False),
        (("-pie", "-fPIE"), "int main(void) { return 42; }", True),
        (("-no-pie",), "int main(void) { return 42; }", True),
        (("-static",), "int main(void) { return 42; }", True),
    ],
    ids=str,
)
def test_a_shared_library_is_told_from_a_program(options, text, runs, tmp_path, own_kernel, require):
    (tmp_path / "a.c").write_text(text)
    program = tmp_path / "program"
    subprocess.run([require("gcc", "gcc"), "-O1", *options, "-o", program, tmp_path / "a.c"], check=True)
    assert ((outcome(program) == "runs"), verdict(program.read_bytes())) == (runs, "runs" if runs else "no")


@pytest.mark.system
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_compilers_program_that_was_cut_is_never_one(share, tmp_path, own_kernel, require):
    (tmp_path / "a.c").write_text("int main(void) { return 42; }")
    program = tmp_path / "program"
    subprocess.run([require("gcc", "gcc"), "-O1", "-static", "-o", program, tmp_path / "a.c"], check=True)
    whole = program.read_bytes()
    cut = whole[: int(len(whole) * share)]
    reason = getattr(parsed(cut), "reason", None)
    program.write_bytes(cut)
    assert reason is Reason.ENTRYPOINT_TRUNCATED or outcome(program) == "runs"


@pytest.mark.system
def test_a_loader_is_a_program_of_its_own(own_kernel):
    assert verdict(Path("/lib64/ld-linux-x86-64.so.2").read_bytes()) == "runs"


@pytest.mark.parametrize(
    ("shift", "expected"), [(0, 0), (0x10, 0x10), (0x800, 0x800), (0x1000, 0x1000), (0x4000, 0x4000), (0x10000, 0)]
)
def test_the_largest_page_is_what_address_and_offset_have_in_common(shift, expected):
    found = parsed(made((Part(vaddr=BASE + shift),), entry=BASE + shift + 120))
    assert isinstance(found, Elf)
    assert found.max_page_size == expected
