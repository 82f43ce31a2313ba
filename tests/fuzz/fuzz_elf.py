"""Feeds any bytes to everything that interprets a program file: ``python tests/fuzz/fuzz_elf.py`` with atheris."""

from __future__ import annotations

import sys

from scanner.binary.program.capture import Capture
from scanner.binary.program.content import examine


def one_input(raw: bytes) -> None:
    """Neither a whole file nor one in pieces may raise."""
    for head in (b"", b"\x7fELF", b"#!"):
        capture = Capture(len(head + raw))
        for at in range(0, len(head + raw), 333):
            capture.feed(memoryview(head + raw)[at : at + 333])
        content = examine(capture.body())
        if content.elf is not None and content.problem is not None:
            raise AssertionError("a broken file has facts")


def main() -> None:
    """Run until stopped."""
    import atheris  # noqa: PLC0415 - the tests import this module where atheris is not installed

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
