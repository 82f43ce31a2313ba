"""SSH hosts on loopback that answer every command with a recorded answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import asyncssh

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

MAX_COMMAND_BYTES = 1 << 20
"""A recorded host reads the script that it is sent, as a shell would, but no more of it than this."""


@dataclass(frozen=True, slots=True)
class RecordedLogin:
    """How to log in to recorded hosts: the files that a configuration names."""

    user: str
    identity_file: Path
    known_hosts_file: Path


class RecordedHosts:
    """Serves ``answers[host name]`` each on a free port of 127.0.0.1; ``ports`` tells where.

    Every host has a key of its own, and lets in only the key in ``account``, which is made along with them in
    ``folder``.
    """

    def __init__(self, answers: Mapping[str, bytes], folder: Path, user: str = "archscan") -> None:
        self._answers = answers
        self._servers: list[asyncssh.SSHAcceptor] = []
        self.account = RecordedLogin(user, folder / "id_ed25519", folder / "known_hosts")
        self.ports: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        """Make the keys, then listen."""
        login = asyncssh.generate_private_key("ssh-ed25519", comment="demonstration")
        self.account.identity_file.write_bytes(login.export_private_key())
        self.account.identity_file.chmod(0o600)
        known = []
        for name, answer in self._answers.items():
            host_key = asyncssh.generate_private_key("ssh-ed25519")
            server = await self._listen(answer, host_key, login)
            self._servers.append(server)
            self.ports[name] = server.get_port()
            public = host_key.export_public_key().decode().strip()
            known.append(f"[127.0.0.1]:{self.ports[name]} {public}\n")
        self.account.known_hosts_file.write_text("".join(known))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every host."""
        for server in self._servers:
            server.close()
        await asyncio.gather(*(server.wait_closed() for server in self._servers))

    async def _listen(self, answer: bytes, host_key: asyncssh.SSHKey, login: asyncssh.SSHKey) -> asyncssh.SSHAcceptor:
        async def serve(process: asyncssh.SSHServerProcess[bytes]) -> None:
            read = 0
            while chunk := await process.stdin.read(1 << 16):
                read += len(chunk)
                if read > MAX_COMMAND_BYTES:
                    process.exit(1)
                    return
            process.stdout.write(answer)
            process.exit(0)

        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[host_key],
            authorized_client_keys=asyncssh.import_authorized_keys(login.export_public_key().decode()),
            process_factory=serve,
            encoding=None,
        )
