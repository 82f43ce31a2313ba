"""The parts of a file that were kept while it streamed past."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Body:
    """Pieces of a file of ``size`` bytes, each with its offset, in order and apart; the first one starts at 0.

    ``page_hint`` tells that the file, of which not all was kept, speaks of page sizes (see ``capture.PAGE_HINT``).
    ``applets`` begins with busybox' table of them, where that was looked for.
    """

    size: int
    pieces: tuple[tuple[int, bytes], ...]
    page_hint: bool = False
    applets: bytes = b""

    @classmethod
    def whole(cls, content: bytes) -> Body:
        """A file of which everything was kept."""
        return cls(len(content), ((0, content),))

    @property
    def head(self) -> bytes:
        """The beginning of the file."""
        return self.pieces[0][1] if self.pieces else b""

    def read(self, offset: int, length: int) -> bytes | None:
        """Exactly these bytes, or ``None`` where they were not kept or lie behind the end."""
        held = self.read_available(offset, length)
        return held if len(held) == length else None

    def read_available(self, offset: int, length: int) -> bytes:
        """These bytes as far as they were kept in one piece."""
        for start, piece in self.pieces:
            if start <= offset < start + len(piece):
                return piece[offset - start : offset - start + length]
        return b""
