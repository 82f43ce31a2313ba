"""Hosts that are asked over SSH."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.hosts.ssh.connection_pool import ConnectionPool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from scanner.domain.facts import EngineKind
    from scanner.domain.host import Host
    from scanner.hosts.ssh.config import SshConfig


@dataclass(frozen=True, slots=True)
class SshSource:
    """Sends ``script`` to hosts over the connections of a pool; exports no image beyond ``max_local_bytes``.

    A host that ``has_own`` tells from its answer to have a copy of the script, which its authorized_keys force, is asked
    without one from then on, until an answer tells otherwise: the script is several times as long as most answers.
    """

    pool: ConnectionPool
    script: bytes
    max_local_bytes: int
    has_own: Callable[[bytes], bool] = lambda _answer: False
    _with_own: set[tuple[str, str, int]] = field(default_factory=set, init=False)

    @classmethod
    def open(
        cls, config: SshConfig, script: bytes, max_local_bytes: int, has_own: Callable[[bytes], bool]
    ) -> SshSource:
        """A source with the keys that the configuration names.

        Raises:
            TrustError: a key file or known_hosts is missing, exposed or damaged.
        """
        return cls(ConnectionPool.open(config), script, max_local_bytes, has_own)

    @property
    def certificate_ends(self) -> Mapping[str, float]:
        """When our own certificates end (Unix seconds), by the setting of their key."""
        return self.pool.certificate_ends

    async def read(self, host: Host) -> bytes | Failure:
        """The host's answer (``HostSource``)."""
        asked = (host.name, host.address, host.port)
        if asked in self._with_own:
            answer = await self.pool.read(host, b"")
            if isinstance(answer, Failure) or self.has_own(answer):
                return answer
            self._with_own.discard(
                asked
            )  # nothing is forced there any more: the account's shell was given nothing to do
        answer = await self.pool.read(host, self.script)
        if isinstance(answer, bytes) and self.has_own(answer):
            self._with_own.add(asked)
        return answer

    async def close(self) -> None:
        """End every connection."""
        await self.pool.close()

    def export_image(
        self, host: Host, kind: EngineKind, image_id: str
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """An image of the host's own store (``ImageExport``)."""
        return self.pool.export_image(host, kind, image_id, self.max_local_bytes)
