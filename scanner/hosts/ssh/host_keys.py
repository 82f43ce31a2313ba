"""The keys that a host shows before anybody trusts it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncssh

from scanner.hosts.ssh import options as connection_options
from scanner.hosts.ssh.connection import dial

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.hosts.ssh.jump import JumpTarget

KINDS = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-512", "rsa-sha2-256"),
)
"""A server shows one key a connection, of the first kind asked for that it has."""


@dataclass(frozen=True, slots=True)
class ShownKey:
    """One key: its kind, its fingerprint as ``ssh-keygen -l`` prints it, its line of known_hosts without the name."""

    kind: str
    fingerprint: str
    line: str


async def shown_keys(
    target: JumpTarget,
    tunnel: asyncssh.SSHClientConnection | None,
    abandon: Callable[[asyncssh.SSHClientConnection], None],
    within_s: float,
) -> tuple[ShownKey, ...]:
    """One key of each kind that the host has; each connection goes to ``abandon``.

    Raises:
        asyncssh.Error: or OSError, where it shows none.
    """
    tries = [_shown(target, tunnel, abandon, within_s, kinds) for kinds in KINDS]
    found = await asyncio.gather(*tries, return_exceptions=True)
    keys = tuple(key for key in found if isinstance(key, ShownKey))
    if keys:
        return keys
    raise next(error for error in found if isinstance(error, BaseException))


async def _shown(
    target: JumpTarget,
    tunnel: asyncssh.SSHClientConnection | None,
    abandon: Callable[[asyncssh.SSHClientConnection], None],
    within_s: float,
    kinds: tuple[str, ...],
) -> ShownKey:
    connection = await dial(connection_options.for_keys(target, kinds), tunnel, abandon, within_s, wait="kex")
    try:
        key = connection.get_server_host_key()
    finally:
        abandon(connection)
    if key is None:
        raise asyncssh.KeyExchangeFailed("it shows no key")
    return ShownKey(key.get_algorithm(), key.get_fingerprint(), openssh_line(key))


def openssh_line(key: asyncssh.SSHKey) -> str:
    """``type base64``, without a comment."""
    return " ".join(key.export_public_key().decode("ascii").split()[:2])
