"""A service that tells on SIGUSR2 how many bytes it uses: ``python -m tests.faults.inside FILE serve …``.

The resident set has what is free between two things that are in use as well, by megabytes more or less from one moment to
the next; a leak of a kilobyte a scan shows only in what both allocators of Python have given out.
"""

from __future__ import annotations

import ctypes
import gc
import os
import re
import signal
import sys
import tempfile
from pathlib import Path

_GIVEN_OUT = re.compile(r"^# bytes in allocated blocks\s*=\s*([\d,]+)$", re.MULTILINE)
_FREE = re.compile(r'<total type="(?:fast|rest)" count="\d+" size="(\d+)"')
_TAKEN = re.compile(r'<system type="current" size="(\d+)"')
_MAPPED = re.compile(r'<total type="mmap" count="\d+" size="(\d+)"')


def used_bytes() -> int:
    """What Python's own allocator has given out, with what the C library has, arenas of Python left out."""
    gc.collect()
    return _of_python() + _of_c()


def _of_python() -> int:
    with tempfile.TemporaryFile() as stream:
        sys.stderr.flush()
        before = os.dup(2)
        os.dup2(stream.fileno(), 2)
        try:
            sys._debugmallocstats()
        finally:
            os.dup2(before, 2)
            os.close(before)
        stream.seek(0)
        return int(_GIVEN_OUT.search(stream.read().decode())[1].replace(",", ""))


def _of_c() -> int:
    """By glibc's ``malloc_info``, whose last totals are those of all heaps."""
    library = ctypes.CDLL(None)
    library.fdopen.restype = ctypes.c_void_p
    with tempfile.TemporaryFile() as stream:
        out = ctypes.c_void_p(library.fdopen(os.dup(stream.fileno()), b"w"))
        library.malloc_info(0, out)
        library.fclose(out)
        stream.seek(0)
        said = stream.read().decode().rpartition("</heap>")[2]
    taken, free = sum(map(int, _TAKEN.findall(said))), sum(map(int, _FREE.findall(said)))
    return taken - free + sum(map(int, _MAPPED.findall(said)))


def telling(file: Path) -> None:
    """From now on, in this process; the file is there only when it is whole."""

    def tell(*_signal: object) -> None:
        said = file.with_suffix(".part")
        said.write_text(str(used_bytes()))
        said.rename(file)

    signal.signal(signal.SIGUSR2, tell)


if __name__ == "__main__":
    telling(Path(sys.argv.pop(1)))
    from scanner.app.main import main

    main()
