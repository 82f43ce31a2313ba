"""The ports through which hosts answer, filled by SSH, by this machine itself, by hosts that push."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from scanner.domain.facts import EngineKind
    from scanner.domain.host import Host


class SourceKind(StrEnum):
    """From where a host's answer comes; the key of the table of sources."""

    LOCAL = "local"
    PUSHED = "pushed"
    SSH = "ssh"
    NOT_UNDERSTOOD = "not_understood"


def kind_of(host: Host) -> SourceKind:
    """The source that answers for a host."""
    if host.problem:
        return SourceKind.NOT_UNDERSTOOD
    if host.local:
        return SourceKind.LOCAL
    return SourceKind.PUSHED if host.pushed else SourceKind.SSH


class HostSource(Protocol):
    """Gives the probe's answer for a host."""

    async def read(self, host: Host) -> bytes | Failure:
        """The whole answer, byte for byte, or why it could not be had; never raises."""

    async def close(self) -> None:
        """End whatever is open; nothing is read afterwards."""


@dataclass(frozen=True, slots=True)
class NotUnderstoodSource:
    """Answers for hosts of which the inventory says what cannot be understood: nothing is contacted for them."""

    async def read(self, host: Host) -> bytes | Failure:
        """Where the inventory says it, with what is wrong there."""
        return Failure(Reason.HOST_NOT_UNDERSTOOD, host.problem)

    async def close(self) -> None:
        """Nothing is open."""


class ImageExport(Protocol):
    """Gives an image of a host's own store, as the host's engine exports it."""

    def __call__(
        self, host: Host, kind: EngineKind, image_id: str
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The bytes of the archive, over a connection that ends with the context.

        Raises:
            ValueError: it is no image ID, or no engine that exports images by ID.
            StreamBroken: when the stream is opened, or while it is read.
        """


NO_KEY = Failure(Reason.HOST_AUTH_REJECTED, "no ssh.identity_file is configured", setting="ssh.identity_file")
"""Of every host that SSH reaches, where the configuration names no key."""


@dataclass(frozen=True, slots=True)
class ClosedSource:
    """A source that the configuration does not open: every host of it fails for the same reason."""

    failure: Failure

    async def read(self, host: Host) -> bytes | Failure:
        """The failure, whatever the host."""
        del host
        return self.failure

    async def close(self) -> None:
        """Nothing is open."""
