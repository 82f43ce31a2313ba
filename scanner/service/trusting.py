"""Collecting host keys for a person to compare, then writing those into known_hosts that were believed."""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.domain.facts import Failure
from scanner.errors import UsageError
from scanner.formats import files
from scanner.formats.files import FileError
from scanner.hosts.ssh.config import SshConfig
from scanner.hosts.ssh.connection_pool import ConnectionPool
from scanner.hosts.ssh.trust import DEFAULT_PORT, MAX_BYTES, names_of, without

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.domain.host import Host
    from scanner.hosts.ssh.host_keys import ShownKey
    from scanner.service.fleet_of_person import Named
    from scanner.settings.schema import Settings

AT_ONCE = 50
"""Hosts asked at the same time: each is asked three times, once a kind of key."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What one host shows, beside what known_hosts has for it (``type base64``)."""

    host: Host
    keys: tuple[ShownKey, ...] | Failure
    known: frozenset[str]

    @property
    def is_trusted(self) -> bool:
        """Whether a key that it shows is believed already."""
        return not isinstance(self.keys, Failure) and any(key.line in self.known for key in self.keys)

    @property
    def is_changed(self) -> bool:
        """Whether it shows another key than the one of that kind that is believed."""
        if isinstance(self.keys, Failure) or self.is_trusted:
            return False
        return bool({line.split()[0] for line in self.known} & {key.line.split()[0] for key in self.keys})


def known_hosts_of(settings: Settings, found: Named) -> Path:
    """The file that is to believe them: the configured one, else the person's own."""
    if found.ssh is None and settings.ssh.known_hosts_file is not None:
        return settings.ssh.known_hosts_file
    own = found.ssh.own_known_hosts if found.ssh is not None else ()
    return own[0] if own else Path("~/.ssh/known_hosts").expanduser()


async def shown(settings: Settings, found: Named, file: Path) -> list[Shown]:
    """Ask every host for its keys; bastions in front of them must be trusted already."""
    hosts = [host for host in found.hosts if not (host.local or host.pushed)]
    own = settings.ssh
    config = found.ssh or SshConfig(
        identity_file=own.identity_file if own.identity_file and own.identity_file.is_file() else None,
        known_hosts_file=None,
        certificate_file=own.certificate_file,
        passphrase_file=own.passphrase_file,
        user=own.user,
        jump=own.jump,
        connect_timeout_s=own.connect_timeout,
        own_known_hosts=(file,),
    )
    pool = ConnectionPool.open(config)
    turn = asyncio.Semaphore(AT_ONCE)

    async def ask(host: Host) -> Shown:
        async with turn:
            return Shown(host, await pool.host_keys(host), pool.knows(host)[1])

    try:
        return list(await asyncio.gather(*map(ask, hosts)))
    finally:
        await pool.close()


def believe(file: Path, chosen: Sequence[tuple[Host, Sequence[ShownKey]]]) -> None:
    """Write the keys into known_hosts, in the place of what it has for these hosts.

    Raises:
        UsageError: the file cannot be read or written.
    """
    try:
        text = files.read_text(file, MAX_BYTES, forbidden=files.WRITABLE_BY_OTHERS) if file.exists() else ""
    except FileError as error:
        if error.problem != files.EMPTY:
            raise UsageError(str(error)) from None
        text = ""
    if text and not text.endswith("\n"):
        text += "\n"
    for host, keys in chosen:
        text = without(text, host.address, host.port)
        name = names_of(host.address.lower(), host.port or DEFAULT_PORT)
        text += "".join(f"{name} {key.line}\n" for key in keys)
    write_beside(file, text, 0o644)


def write_beside(file: Path, text: str, mode: int) -> None:
    """Write a file as a whole or not at all.

    Raises:
        UsageError: its folder does not let us.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as new:
            new.write(text)
        Path(name).chmod(mode)
        Path(name).replace(file)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
