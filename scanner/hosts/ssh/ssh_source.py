"""Hosts that are asked over SSH."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.hosts.ssh.connection_pool import ConnectionPool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager

    from scanner.domain.facts import EngineKind, Failure
    from scanner.domain.host import Host
    from scanner.hosts.ssh.config import SshConfig


@dataclass(frozen=True, slots=True)
class SshSource:
    """Sends ``script`` to hosts over the connections of a pool; exports no image beyond ``max_local_bytes``."""

    pool: ConnectionPool
    script: bytes
    max_local_bytes: int

    @classmethod
    def open(cls, config: SshConfig, script: bytes, max_local_bytes: int) -> SshSource:
        """A source with the keys that the configuration names.

        Raises:
            TrustError: a key file or known_hosts is missing, exposed or damaged.
        """
        return cls(ConnectionPool.open(config), script, max_local_bytes)

    @property
    def certificate_ends(self) -> Mapping[str, float]:
        """When our own certificates end (Unix seconds), by the setting of their key."""
        return self.pool.certificate_ends

    async def read(self, host: Host) -> bytes | Failure:
        """The host's answer (``HostSource``)."""
        return await self.pool.read(host, self.script)

    async def close(self) -> None:
        """End every connection."""
        await self.pool.close()

    def export_image(
        self, host: Host, kind: EngineKind, image_id: str
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """An image of the host's own store (``ImageExport``)."""
        return self.pool.export_image(host, kind, image_id, self.max_local_bytes)
