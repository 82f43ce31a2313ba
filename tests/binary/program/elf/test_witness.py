"""Our ELF reader against pyelftools, on every real program of this machine that fits."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment

from scanner.binary.layers.body import Body
from scanner.binary.program.elf import elf

MAX_BYTES = 2 << 20
FOLDERS = (Path("/usr/bin"), Path("/usr/sbin"), Path("/usr/libexec/qemu-binfmt"))


def programs():
    """Real ELF files, each once however many names it has."""
    seen = set()
    for path in sorted(entry for folder in FOLDERS if folder.is_dir() for entry in folder.iterdir()):
        status = path.stat() if path.exists() else None
        if status is None or not path.is_file() or status.st_ino in seen or not 64 <= status.st_size <= MAX_BYTES:
            continue
        seen.add(status.st_ino)
        content = path.read_bytes()
        if content.startswith(elf.MAGIC) and os.access(path, os.X_OK):
            yield path, content


def as_pyelftools_sees(content):
    file = ELFFile(io.BytesIO(content))
    interpreter = next((s.get_interp_name() for s in file.iter_segments() if isinstance(s, InterpSegment)), "")
    order = "little" if file.little_endian else "big"
    return (file.elfclass, order, file.header["e_flags"], interpreter)


def test_both_readers_agree_on_every_program_of_this_machine():
    compared = 0
    for path, content in programs():
        ours = elf.parse(Body.whole(content))
        assert (ours.bits, ours.byte_order, ours.flags, ours.interpreter) == as_pyelftools_sees(content), path
        compared += 1
    if compared < 50:
        pytest.fail(f"only {compared} programs were compared: this machine has too few to mean anything")
