"""Tells whether a kernel that has taken an ELF file's headers can map its segments, enter them, run them.

From load_elf_binary of Linux fs/binfmt_elf.c: behind begin_new_exec nothing is refused any more, the process is killed
(SIGSEGV), and what lies behind the end of the file kills it when it is touched (SIGBUS).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.binary.layers.body import Body
    from scanner.binary.program.elf.elf import Header, Segment

PAGE = 4096
"""The smallest page of any machine; what fails with it fails with all larger ones."""

MAX_PAGE = 64 * 1024
"""The largest page that Linux is built with on machines that run containers (arm64, ppc64le)."""

MAX_DYNAMIC_BYTES = 64 * 1024
"""Of PT_DYNAMIC; the linker's own are below 1 KiB."""

_TASK_SIZE = {64: 1 << 56, 32: 1 << 32}
"""More than any kernel gives a process: 57 bits of address on amd64, of which half are the kernel's."""

_USUAL_TASK_SIZE = {64: (1 << 47) - PAGE, 32: 1 << 32}
"""What a process has on the commonest machines: 47 bits of address on amd64 without five-level page tables."""

USUAL_MIN_ADDRESS = 64 * 1024
"""Below it nobody maps without CAP_SYS_RAWIO (vm.mmap_min_addr as kernels are built for servers)."""

_HEADER_BYTES = {64: 64, 32: 52}

_ET_EXEC, _ET_DYN, _PT_LOAD, _PT_DYNAMIC, _PT_GNU_STACK, _PF_X, _PF_W = 2, 3, 1, 2, 0x6474E551, 1, 2
_DT_NULL, _DT_NEEDED, _DT_FLAGS_1, _DF_1_PIE = 0, 1, 0x6FFFFFFB, 0x08000000


def max_page_size(segments: tuple[Segment, ...]) -> int:
    """The largest page size, a power of two, with which every PT_LOAD can be mapped; 0 where each of them will do.

    A segment that takes bytes from the file needs ``p_vaddr`` and ``p_offset`` equal modulo the page size.
    """
    differences = 0
    for segment in segments:
        if segment.type == _PT_LOAD and segment.filesz:
            differences |= segment.vaddr ^ segment.offset
    lowest = differences & -differences
    return 0 if lowest == 0 or lowest >= MAX_PAGE else lowest


def refusal(header: Header, segments: tuple[Segment, ...], body: Body, interpreter: str) -> Failure | None:
    """Why the process would be killed before or on its first instruction, whatever the machine; ``None``: it is not."""
    loads = tuple(segment for segment in segments if segment.type == _PT_LOAD)
    if not loads:
        return Failure(Reason.NOT_A_PROGRAM, "the ELF file loads nothing: it has no PT_LOAD segment")
    for segment in loads:
        if segment.filesz > segment.memsz or segment.vaddr + segment.memsz > _TASK_SIZE[header.bits]:
            return Failure(Reason.NOT_A_PROGRAM, "a segment is larger in the file than in memory, or than any memory")
    return (
        _cut(header, loads, body)
        or _entry(header, segments, loads)
        or _library(header, segments, body, interpreter)
        or _doubtful(header, loads)
    )


def _doubtful(header: Header, loads: tuple[Segment, ...]) -> Failure | None:
    """What only some kernels map, or no compiler makes."""
    highest = max(segment.vaddr + segment.memsz for segment in loads)
    lowest = min(segment.vaddr // PAGE * PAGE for segment in loads)
    why = ""
    if highest > _USUAL_TASK_SIZE[header.bits]:
        why = f"a segment ends at {highest:#x}, which is more memory than most kernels give a process"
    elif header.type == _ET_EXEC and lowest < USUAL_MIN_ADDRESS:
        why = f"a segment begins at {lowest:#x}, where kernels usually let nobody map memory"
    elif any(s.vaddr <= header.entry < s.vaddr + _HEADER_BYTES[header.bits] and not s.offset for s in loads):
        why = f"the entry point {header.entry:#x} lies in the ELF header itself"
    return Failure(Reason.BINARY_UNKNOWN, why) if why else None


def _cut(header: Header, loads: tuple[Segment, ...], body: Body) -> Failure | None:
    """A segment that ends behind the file.

    The kernel starts it, the rest of the file's last page reads as zeros, later pages kill (SIGBUS). That is certain
    where the first instruction or memory that the kernel itself clears lies there. A file that was cut shows it by its
    section headers, which linkers put last; a hand-made program may never read that far.
    """
    cut = next((segment for segment in loads if segment.filesz and segment.end > body.size), None)
    if cut is None:
        return None
    held = -(-body.size // PAGE) * PAGE
    cleared = any(s.end > held and s.flags & _PF_W and s.memsz > s.filesz and s.end % PAGE for s in loads if s.filesz)
    has_lost_sections = header.shoff + header.shnum * header.shentsize > body.size
    words = f"the file has {body.size} bytes, a segment ends at {cut.end}"
    if cleared or has_lost_sections or _entered(header, loads, behind=body.size):
        return Failure(Reason.ENTRYPOINT_TRUNCATED, words)
    return Failure(Reason.BINARY_UNKNOWN, f"{words}: whether it ever reads that far is not known")


def _entered(header: Header, loads: tuple[Segment, ...], *, behind: int) -> bool:
    """Whether the first instruction lies behind this offset of the file."""
    return any(
        s.vaddr <= header.entry < s.vaddr + s.filesz and s.offset + header.entry - s.vaddr >= behind for s in loads
    )


def _entry(header: Header, segments: tuple[Segment, ...], loads: tuple[Segment, ...]) -> Failure | None:
    """The first instruction must lie in memory that may be executed.

    Without PT_GNU_STACK, or with an executable one, kernels before 5.8 (and every one for 32-bit programs) let all
    readable memory be executed.
    """
    around = [s for s in loads if s.vaddr // PAGE * PAGE <= header.entry < -(-(s.vaddr + s.memsz) // PAGE) * PAGE]
    if not around:
        return Failure(Reason.NOT_A_PROGRAM, f"the entry point {header.entry:#x} lies in no segment")
    if all(segment.filesz == 0 for segment in around):
        return Failure(Reason.NOT_A_PROGRAM, f"the entry point {header.entry:#x} lies in memory of zeros")
    if any(segment.flags & _PF_X for segment in around):
        return None
    stack = next((segment for segment in segments if segment.type == _PT_GNU_STACK), None)
    if stack is not None and not stack.flags & _PF_X:
        return Failure(Reason.NOT_A_PROGRAM, f"the entry point {header.entry:#x} lies in no executable segment")
    return Failure(
        Reason.BINARY_UNKNOWN,
        f"the entry point {header.entry:#x} lies in no executable segment: it starts on some kernels",
    )


def _library(header: Header, segments: tuple[Segment, ...], body: Body, interpreter: str) -> Failure | None:
    """A shared object that needs others, but asks for no loader that would find them."""
    if header.type != _ET_DYN or interpreter:
        return None
    if header.entry == 0:
        return Failure(Reason.NOT_A_PROGRAM, "a shared library, which has no entry point")
    needs_others, is_program = False, False
    for tag, value in _dynamic(header, segments, body):
        needs_others = needs_others or tag == _DT_NEEDED
        is_program = is_program or (tag == _DT_FLAGS_1 and bool(value & _DF_1_PIE))
    if needs_others and not is_program:
        return Failure(Reason.NOT_A_PROGRAM, "a shared library, which no loader prepares when it is executed itself")
    return None


def _dynamic(header: Header, segments: tuple[Segment, ...], body: Body) -> Iterator[tuple[int, int]]:
    """Tags and values of the dynamic section, as far as it was kept."""
    segment = next((segment for segment in segments if segment.type == _PT_DYNAMIC), None)
    if segment is None:
        return
    layout = struct.Struct(header.prefix + ("QQ" if header.bits == 64 else "II"))  # noqa: PLR2004 - a class
    held = body.read_available(segment.offset, min(segment.filesz, MAX_DYNAMIC_BYTES))
    for tag, value in layout.iter_unpack(held[: len(held) // layout.size * layout.size]):
        if tag == _DT_NULL:
            return
        yield tag, value
