"""Collecting host keys for a person to compare, then writing those into known_hosts that were believed."""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.remedy.logins import UNBELIEVED
from scanner.errors import UsageError
from scanner.formats import files, whose
from scanner.formats.files import FileError
from scanner.hosts.login import ProbeLogin, of_login
from scanner.hosts.ssh.config import SshConfig
from scanner.hosts.ssh.connection_pool import ConnectionPool
from scanner.hosts.ssh.trust import DEFAULT_PORT, MAX_BYTES, TrustError, names_of, without

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.domain.host import Host
    from scanner.hosts.ssh.host_keys import ShownKey
    from scanner.service.fleet_of_person import NamedHosts
    from scanner.settings.schema import Settings

AT_ONCE = 50
"""Hosts asked at the same time: each is asked three times, once a kind of key."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What one host shows, beside what known_hosts has for it (``type base64``).

    It may be a bastion that has to be believed before the hosts ``behind`` it can be asked; ``is_wanted`` tells whether
    somebody asked for it itself.
    """

    host: Host
    keys: tuple[ShownKey, ...] | Failure
    known: frozenset[str]
    behind: tuple[Host, ...] = ()
    is_wanted: bool = True

    @property
    def is_trusted(self) -> bool:
        """Whether a key that it shows is believed already; a bastion that stands in the way was refused for another of them."""
        return (
            not self.behind and not isinstance(self.keys, Failure) and any(key.line in self.known for key in self.keys)
        )

    @property
    def is_changed(self) -> bool:
        """Whether it shows another key than the one of that kind that is believed."""
        if isinstance(self.keys, Failure) or self.is_trusted:
            return False
        return bool({line.split()[0] for line in self.known} & {key.line.split()[0] for key in self.keys})


def known_hosts_of(settings: Settings, found: NamedHosts) -> Path:
    """The file that is to believe them: the configured one, else the person's own."""
    if found.ssh is None and settings.ssh.known_hosts_file is not None:
        return settings.ssh.known_hosts_file
    own = found.ssh.own_known_hosts if found.ssh is not None else ()
    return own[0] if own else whose.home() / ".ssh" / "known_hosts"


async def shown(settings: Settings, found: NamedHosts, configured: SshConfig | None, file: Path) -> list[Shown]:
    """Ask every host for its keys; a bastion whose key is not believed stands in the place of the hosts behind it.

    ``configured`` is how the configuration has hosts reached, where it says enough for that.

    Raises:
        UsageError: a key of ours cannot be used.
    """
    hosts = [host for host in found.hosts if not (host.local or host.pushed)]
    config = found.ssh or _before_trust(settings, configured, file)
    try:
        pool = ConnectionPool.open(config)
    except TrustError as error:
        raise UsageError(f"ssh: {error}") from None
    turn = asyncio.Semaphore(AT_ONCE)

    async def ask(host: Host) -> Shown:
        async with turn:
            keys = await pool.host_keys(host)
        if isinstance(keys, Failure):
            keys = of_login(keys, host, ProbeLogin(config.user, found.ssh is not None, config.jump))
        return Shown(host, keys, pool.knows(host)[1])

    try:
        asked = list(await asyncio.gather(*map(ask, hosts)))
        bastions: dict[str, Host] = {}
        waiting: dict[str, list[Host]] = {}
        for one in asked:
            if bastion := _unbelieved(pool, one):
                bastions[bastion.endpoint] = bastion
                waiting.setdefault(bastion.endpoint, []).append(one.host)
        wanted = {one.host.endpoint: one for one in asked if one.host.endpoint in waiting}
        in_front = [
            replace(
                wanted[at] if at in wanted else await ask(bastions[at]), behind=tuple(behind), is_wanted=at in wanted
            )
            for at, behind in waiting.items()
        ]
        held = {host.name for behind in (*waiting.values(), [one.host for one in wanted.values()]) for host in behind}
        return [*in_front, *(one for one in asked if one.host.name not in held)]
    finally:
        await pool.close()


def _before_trust(settings: Settings, configured: SshConfig | None, file: Path) -> SshConfig:
    """How hosts are reached whose keys nobody may have believed yet, by keys that nobody may have made yet."""
    own = settings.ssh
    config = configured or SshConfig(
        own.identity_file, None, user=own.user, jump=own.jump, connect_timeout_s=own.connect_timeout
    )
    identity = config.identity_file
    return replace(
        config,
        identity_file=identity if identity and files.is_file(identity) else None,
        identities=tuple(
            one for one in config.identities if one.identity_file is None or files.is_file(one.identity_file)
        ),
        known_hosts_file=None,
        own_known_hosts=(file,),
    )


def _unbelieved(pool: ConnectionPool, one: Shown) -> Host | None:
    """The bastion whose host key keeps a host from being asked."""
    failed = one.keys
    if not isinstance(failed, Failure) or failed.reason is not Reason.HOST_BASTION or failed.cause not in UNBELIEVED:
        return None
    found = (hop for hop in pool.bastions(one.host) if (hop.address, hop.port) == (failed.host, failed.port))
    return next(found, None)


def believe(file: Path, chosen: Sequence[tuple[Host, Sequence[ShownKey]]]) -> None:
    """Write the keys into known_hosts, in the place of what it has for these hosts.

    Raises:
        UsageError: the file cannot be read or written.
    """
    try:
        text = files.read_text(file, MAX_BYTES, forbidden=files.WRITABLE_BY_OTHERS) if files.is_there(file) else ""
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
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as new:
                new.write(text)
            Path(name).chmod(mode)
            Path(name).replace(file)
        except OSError:
            Path(name).unlink()
            raise
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
