"""A transport with fewer system calls: what one turn of the event loop writes goes out at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class GatheringTransport(asyncio.Transport):
    """What is written within one turn of the loop goes out together, in its order; all else is the transport's own."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write before the loop waits again."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Each, in its order."""
        for data in list_of_data:
            self.write(data)

    def _flush(self) -> None:
        if parts := self._parts:
            self._parts = []
            self._transport.write(b"".join(parts))

    def close(self) -> None:
        """Close once everything is out."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._parts.clear()
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether no more can be written."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The transport's own."""
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """The transport's own."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """The transport's own."""
        self._transport.resume_reading()
