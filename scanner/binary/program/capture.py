"""Which parts of an executable are kept while it streams past, so that no layer is read twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.binary.layers.body import Body
from scanner.binary.program import busybox
from scanner.binary.program.elf import dynamic, elf, isa
from scanner.domain.failure import Failure

if TYPE_CHECKING:
    from scanner.binary.program.elf.elf import Header, Segment

HEAD_BYTES = 4096
"""The header, the program headers, PT_INTERP and the notes of every usual linker lie within one page."""

SCRIPT_BYTES = 64 * 1024
"""Of a script or another text that shells read; public entrypoint scripts stay below 30 KiB."""

WHOLE_FILE_BYTES = 4 * 1024 * 1024
"""A file of at most this size is kept whole where its program headers lie at its end (patchelf)."""

DYNAMIC_FILE_BYTES = 4 * 1024 * 1024
"""A program or library of at most this size is kept whole while it streams past: the dynamic section, which tells where
its strings are, lies behind them. Of a larger one the first segment and other small ones are kept, where they lie."""

SYMBOLS_BYTES = 16 * 1024 * 1024
"""Of the segment of a large file in which its names and versions lie: those of libtorch begin at 11 MiB."""

SMALL_SEGMENT_BYTES = 1024 * 1024
"""Of a further segment; patchelf puts names that it changed into one of its own."""

MAX_SEGMENTS = 12
"""Segments of one file that are kept in part; linkers make four to eight."""

TAIL_BYTES = 1024 * 1024
"""Kept of the end of an ARM or RISC-V binary, where the section headers and the build attributes lie."""

_GO_MACHINES = frozenset({elf.EM_ARM, elf.EM_X86_64, elf.EM_AARCH64, elf.EM_PPC64, elf.EM_RISCV})
"""Those of which Go's build settings name a level."""

PAGE_HINT = b"<jemalloc>: Unsupported system page size"
"""What a jemalloc says that was built for smaller pages than the kernel's; every jemalloc carries the words."""

_LARGE_PAGED = frozenset({elf.EM_AARCH64, elf.EM_PPC64, elf.EM_LOONGARCH, elf.EM_MIPS})
"""Machines with kernels of more than 4 KiB pages: only their programs are searched to the end."""

_GO_NOTE = b"Go\0\0"


class Capture:
    """Keeps the head of one file and those later parts that the head makes worth keeping."""

    def __init__(
        self,
        size: int,
        *,
        text: bool = False,
        text_bytes: int = SCRIPT_BYTES,
        applets: bool = False,
        module: bool = False,
    ) -> None:
        self._size = size
        self.text = text
        self.module = module
        self._text_bytes = text_bytes
        self._at = 0
        self._head = bytearray()
        self._windows: list[tuple[int, int]] | None = None
        self._kept: list[tuple[int, bytearray]] = []
        self._searched = False
        self._before = b""
        self._hints = False
        self._wants_applets = applets
        self._applets = b""

    def feed(self, piece: memoryview) -> None:
        """Take the next bytes of the file."""
        missing = min(HEAD_BYTES, self._size) - len(self._head)
        if missing > 0:
            self._head += piece[:missing]
        if self._windows is None and len(self._head) >= min(HEAD_BYTES, self._size):
            self._windows = plan(bytes(self._head), self._size, text=self.text, text_bytes=self._text_bytes)
            self._searched = _may_have_larger_pages(bytes(self._head))
        for start, end in self._windows or ():
            self._keep(piece, start, end)
        if self._searched and not self._hints:
            self._search(piece)
        if self._wants_applets:
            self._look_for_applets(piece)
        self._at += len(piece)

    def _search(self, piece: memoryview) -> None:
        """Look for the hint, also across the border of two pieces; it lies behind the first page of a file."""
        text = self._before + piece
        self._hints = PAGE_HINT in text
        self._before = text[-len(PAGE_HINT) + 1 :]

    def _look_for_applets(self, piece: memoryview) -> None:
        """Keep busybox' table from its first names on."""
        if self._applets.startswith(busybox.TABLE_BEGINS):
            self._applets += bytes(piece[: busybox.TABLE_BYTES - len(self._applets)])
            return
        text = self._applets + piece
        at = text.find(busybox.TABLE_BEGINS)
        self._applets = text[at : at + busybox.TABLE_BYTES] if at >= 0 else text[-len(busybox.TABLE_BEGINS) + 1 :]

    def _keep(self, piece: memoryview, start: int, end: int) -> None:
        low, high = max(start, self._at), min(end, self._at + len(piece))
        if low >= high:
            return
        if not self._kept or self._kept[-1][0] != start:
            self._kept.append((start, bytearray()))
        self._kept[-1][1].extend(piece[low - self._at : high - self._at])

    @property
    def done(self) -> bool:
        """Whether nothing that is still to come would be kept."""
        if self._searched and not self._hints and self._at < self._size:
            return False
        return self._windows is not None and self._at >= max((end for _, end in self._windows), default=0)

    def body(self) -> Body:
        """What was kept."""
        pieces = [(0, bytes(self._head)), *((start, bytes(kept)) for start, kept in self._kept)]
        if len(pieces) > 1 and pieces[1][0] == len(self._head):
            pieces[:2] = [(0, pieces[0][1] + pieces[1][1])]
        return Body(self._size, tuple(pieces), page_hint=self._hints, applets=self._applets)


def _may_have_larger_pages(head: bytes) -> bool:
    header = elf.read_header(head)
    return not isinstance(header, Failure) and header.machine in _LARGE_PAGED


def plan(head: bytes, size: int, *, text: bool = False, text_bytes: int = SCRIPT_BYTES) -> list[tuple[int, int]]:
    """The parts behind ``head`` that are worth keeping, in order and apart; all of what is to be read as ``text``."""
    if text or head.startswith(b"#!") or (b"\0" not in head and size <= SCRIPT_BYTES):
        return _joined([(len(head), text_bytes)], len(head), size)
    header = elf.read_header(head)
    if isinstance(header, Failure):
        return []
    layout = elf.segment_layout(header)
    table_end = header.phoff + min(layout.size * header.phnum, elf.MAX_PROGRAM_HEADER_BYTES)
    if table_end > len(head):
        start = 0 if size <= WHOLE_FILE_BYTES else header.phoff
        return _joined([(start, size if start == 0 else start + TAIL_BYTES)], len(head), size)
    segments = elf.read_segments(header, Body(size, ((0, head),)))
    if isinstance(segments, Failure):
        return []
    return _joined(_wanted(header, segments, head, size), len(head), size)


def _wanted(header: Header, segments: tuple[Segment, ...], head: bytes, size: int) -> list[tuple[int, int]]:
    windows = [
        (s.offset, s.offset + min(s.filesz, isa.MAX_NOTE_BYTES))
        for s in segments
        if s.type in (elf.PT_INTERP, elf.PT_NOTE, elf.PT_GNU_PROPERTY)
    ]
    windows += _of_dynamic(segments, size, by_go=_GO_NOTE in head)
    if elf.is_loader(header, segments, size):
        return [(0, size)]
    windows += [(s.offset, s.offset + isa.MAX_ATTRIBUTES_BYTES) for s in segments if s.type == isa.SHT_ATTRIBUTES]
    if header.machine in (elf.EM_ARM, elf.EM_RISCV):
        windows.append((max(0, size - TAIL_BYTES), size))
    data = elf.data_segment(segments)
    if data is not None and header.machine in _GO_MACHINES and _GO_NOTE in head:
        windows.append((data.offset, data.offset + min(data.filesz, isa.MAX_BUILDINFO_WINDOW)))
    return windows


def _of_dynamic(segments: tuple[Segment, ...], size: int, *, by_go: bool) -> list[tuple[int, int]]:
    """The dynamic section with what it may point to; nothing of a static program.

    Most linkers put names in front of the code, into the first segment that is loaded; Go's own puts them behind its
    constants (cmd/link, ``.rodata`` before ``.dynstr``), into the second one.
    """
    sections = [(s.offset, s.offset + min(s.filesz, dynamic.MAX_DYNAMIC_BYTES)) for s in segments
                if s.type == elf.PT_DYNAMIC][:1]  # fmt: skip
    if not sections or size <= DYNAMIC_FILE_BYTES:
        return [(0, size)] if sections else []
    loaded = [s for s in segments if s.type == elf.PT_LOAD and s.filesz][:MAX_SEGMENTS]
    named = [(s.offset, s.offset + min(s.filesz, SYMBOLS_BYTES)) for s in loaded[: 2 if by_go else 1]]
    return sections + named + [(s.offset, s.end) for s in loaded[1:] if s.filesz <= SMALL_SEGMENT_BYTES]


def _joined(windows: list[tuple[int, int]], after: int, size: int) -> list[tuple[int, int]]:
    """Sorted, cut to what lies behind ``after`` and before the end of the file, overlapping ones made one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted((max(start, after), min(end, size)) for start, end in windows):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
