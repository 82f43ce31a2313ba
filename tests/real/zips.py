"""ZIP archives in every form in which writers leave them."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Pipe(io.RawIOBase):
    """Where a writer cannot go back, so that sizes follow behind each member, as Java's own writer does it."""

    def __init__(self) -> None:
        self.content = b""

    def writable(self) -> bool:
        """It is written to alone."""
        return True

    def write(self, piece: bytes) -> int:  # type: ignore[override] # of the few types that zipfile hands over
        """Keep the next bytes."""
        self.content += bytes(piece)
        return len(piece)


def a_zip(
    members: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED, streamed: bool = False, zip64: bool = False
) -> bytes:
    """An archive of these members, by name; ``streamed`` puts their sizes behind them."""
    sink = Pipe() if streamed else io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as made:  # type: ignore[arg-type] # it needs no more than this of a sink
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = method
            with made.open(entry, "w", force_zip64=zip64) as to:
                to.write(content)
    return sink.content if isinstance(sink, Pipe) else sink.getvalue()
