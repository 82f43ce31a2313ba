"""Feeds any bytes to the layer reader, packed or not: ``python tests/fuzz/fuzz_tar.py`` with atheris."""

from __future__ import annotations

import contextlib
import sys

from scanner.binary.layers.layers import LayerIndex
from scanner.binary.layers.limits import LayerError, LayerLimits
from scanner.binary.layers.tarstream import BLOCK, TarReader
from scanner.binary.layers.unpack import Unpack, UnpackBudget
from scanner.binary.layers.usage import Usage

LIMITS = LayerLimits(entries=10_000, name_bytes=1 << 20, unpacked_bytes=1 << 26)


def one_input(raw: bytes) -> None:
    """Only ``LayerError`` may come of it; the second round has right checksums, so that it gets further."""
    for piece in (raw, _with_checksums(raw)):
        tar = TarReader(LayerIndex(Usage(LIMITS)))
        unpack = Unpack(UnpackBudget(LIMITS, tar.feed))
        with contextlib.suppress(LayerError):
            for at in range(0, len(piece), 333):
                unpack.feed(piece[at : at + 333])
            unpack.close()
            tar.close()


def _with_checksums(raw: bytes) -> bytes:
    blocks = [bytearray(raw[at : at + BLOCK].ljust(BLOCK, b"\0")) for at in range(0, len(raw), BLOCK)]
    for block in blocks:
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
    return b"".join(blocks)


def main() -> None:
    """Run until stopped."""
    import atheris  # noqa: PLC0415 - the tests import this module where atheris is not installed

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
