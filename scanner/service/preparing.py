"""What prepares each host of an inventory, with the bastions in front of them, by a person's own ssh."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.errors import UsageError
from scanner.formats import files
from scanner.formats.files import FileError, is_there
from scanner.hosts.least_privilege import checked_user
from scanner.hosts.prepare import bastion_preparation, preparation
from scanner.hosts.ssh.jump import bastions_of, jump_of
from scanner.hosts.ssh.own import own_hosts
from scanner.hosts.ssh.trust import names_of, own_known_hosts
from scanner.inventory.record import DEFAULT_PORT
from scanner.probe.script import script

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from scanner.domain.host import Host
    from scanner.settings.ssh_section import Ssh

ROOT = "root"

SYSTEM_KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts"
"""What ssh reads where nobody names another GlobalKnownHostsFile."""

PREPARATION = "archscan-prepare.sh"
"""Beside the configuration; what root runs on each host."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What prepares one machine: the command of a person's own ssh, which reads ``script``, kept as ``file``."""

    host: Host
    command: tuple[str, ...]
    file: Path
    script: str

    @property
    def shown(self) -> str:
        """The command as a person types it."""
        return f"{shlex.join(self.command)} < {shlex.quote(str(self.file))}"

    def run(self, known_hosts: Path | None) -> int:
        """Run it, believing the keys that were compared for archscan, too; how ssh ended."""
        believed = self._believed(known_hosts) if known_hosts else ()
        words = (*self.command[:1], *believed, *self.command[1:])
        return subprocess.run(words, input=self.script.encode(), check=False).returncode  # noqa: S603 -- no shell, and a Host's fields hold to their grammar

    def _believed(self, known_hosts: Path) -> tuple[str, ...]:
        """The options that have ssh believe them, under the name by which archscan finds the host there."""
        files_read = f"GlobalKnownHostsFile={SYSTEM_KNOWN_HOSTS} {known_hosts}"
        known, host = own_known_hosts([known_hosts]), self.host
        if known.of(host.address, host.port) or not known.of(host.name, host.port):
            return ("-o", files_read)
        return ("-o", files_read, "-o", f"HostKeyAlias={names_of(host.name, host.port)}")


@dataclass(frozen=True, slots=True)
class Preparers:
    """Who prepares: ``named`` a host by its name, its address or an alias, ``usual`` every other one.

    Where nobody says it is the account that the inventory names, which may sudo, else root.
    """

    named: Mapping[str, str]
    usual: str | None

    def of(self, host: Host, own: str) -> str:
        """Who logs in to prepare a host; ``own`` is the account of archscan's own."""
        inventory = host.user if host.user != own else ""
        named = (self.named.get(name) for name in (host.name, host.address, *host.aliases))
        return next(filter(None, named), None) or self.usual or inventory or ROOT


def of_bastions(hosts: Sequence[Host], login: Ssh, preparers: Preparers, folder: Path) -> tuple[Preparation, ...]:
    """What prepares the bastions in front of these hosts, each account once; one that is a host, too, as both.

    Raises:
        UsageError: the public half of the key is missing or damaged, or a bastion is outside the grammar of hosts.
    """
    key = _public_key(login)
    both = {_account(host, login): host for host in hosts if _is_sudoer(host, login)}
    made = []
    try:
        for account, (one, before) in _bastions(hosts, login).items():
            if account in both:
                made.append(_of_host(both[account], login, key, preparers, folder, passes=ports(hosts, login)))
            else:
                made.append(_of_bastion(one, before, login.user, key, preparers, folder, ports(hosts, login)))
    except ValueError as error:
        raise UsageError(str(error)) from None
    return tuple(made)


def of_hosts(hosts: Sequence[Host], login: Ssh, preparers: Preparers, folder: Path) -> tuple[Preparation, ...]:
    """What prepares these hosts but those ``left_out`` and those that are prepared as bastions.

    Each is prepared for the account that archscan will log in as.

    Raises:
        UsageError: the public half of the key is missing or damaged.
    """
    key = _public_key(login)
    try:
        bastions = _bastions(hosts, login)
        todo = [host for host in hosts if _is_sudoer(host, login) and _account(host, login) not in bastions]
        return tuple(_of_host(host, login, key, preparers, folder) for host in todo)
    except ValueError as error:
        raise UsageError(str(error)) from None


def ports(hosts: Sequence[Host], login: Ssh) -> frozenset[int]:
    """Where sshd listens on these hosts or on bastions behind others: all that a key has to reach from a bastion."""
    found = {one.port for one, _ in _bastions(hosts, login).values()}
    return frozenset({*found, *(host.port for host in hosts)})


def left_out(hosts: Sequence[Host], login: Ssh) -> tuple[str, ...]:
    """One line for each host whose account no sudo rule can name."""
    return tuple(
        f"{host.name} is not prepared: a sudo rule for {host.user or login.user} cannot be written; have archscan log in "
        "there as an account of lower-case letters, digits, '-' or '_'"
        for host in hosts
        if not _is_sudoer(host, login)
    )


def _is_sudoer(host: Host, login: Ssh) -> bool:
    try:
        return bool(checked_user(host.user or login.user))
    except ValueError:
        return False


def _account(host: Host, login: Ssh) -> tuple[str, str]:
    """What has one authorized_keys: an account at an address."""
    return host.user or login.user, host.endpoint


def _bastions(hosts: Sequence[Host], login: Ssh) -> dict[tuple[str, str], tuple[Host, str]]:
    """The bastions by account, each with those in front of it as they were written, without a login filled in."""
    found: dict[tuple[str, str], tuple[Host, str]] = {}
    for host in hosts:
        written = [part.strip() for part in jump_of(host, login.jump).split(",")]
        for number, one in enumerate(bastions_of(host, login.jump, login.user)):
            found.setdefault(_account(one, login), (one, ",".join(written[:number])))
    return found


def _public_key(login: Ssh) -> str:
    if login.identity_file is None:
        raise UsageError("ssh.identity_file names no key that hosts could be prepared for")
    public = login.identity_file.with_name(f"{login.identity_file.name}.pub")
    try:
        return files.read_text(public, files.MAX_SECRET_BYTES)
    except FileError as error:
        raise UsageError(f"{error}; make it with: ssh-keygen -y -f {login.identity_file} > {public}") from None


def _of_host(  # noqa: PLR0913 -- what is written, each by its own name
    host: Host, login: Ssh, key: str, preparers: Preparers, folder: Path, *, passes: Collection[int] = ()
) -> Preparation:
    user, who = host.user or login.user, preparers.of(host, login.user)
    words = ("archscan-prepare", *([user] if user != login.user else ()), *(["through"] if passes else ()))
    file = folder / f"{'-'.join(words)}.sh"
    become = "sh -s" if who == ROOT else "sudo sh -s"
    command = (*_way(host, who, jump_of(host, login.jump)), become)
    return Preparation(host, command, file, preparation(user, key, script(), passes=passes))


def _of_bastion(  # noqa: PLR0913, PLR0917 -- what is written, each by its own name
    one: Host, before: str, own: str, key: str, preparers: Preparers, folder: Path, opened: Collection[int]
) -> Preparation:
    """An account of a bastion lets the key in by itself; one that archscan alone uses is made by whoever prepares hosts."""
    who = one.user if one.user != own else preparers.usual or ROOT
    become = "sh -s" if who in {ROOT, one.user} else "sudo sh -s"
    file = folder / f"archscan-bastion-{one.user}.sh"
    return Preparation(one, (*_way(one, who, before), become), file, bastion_preparation(one.user, key, ports=opened))


def _way(host: Host, who: str, jump: str) -> tuple[str, ...]:
    """A person's own ssh to a host: by the name that their ssh_config has for it, else by all that the inventory says."""
    own = _as_own_ssh(host.name)
    if own is not None and own.address == host.address and own.name != own.address:
        port = ("-p", str(host.port)) if host.port != own.port else ()
        via = ("-J", jump) if jump and not own.jump else ()
        return ("ssh", *port, *via, f"{who}@{host.name}")
    port = ("-p", str(host.port)) if host.port != DEFAULT_PORT else ()
    via = ("-J", jump) if jump else ()
    keys = [word for file in host.identity_files if is_there(Path(file)) for word in ("-i", file)]
    return ("ssh", *port, *via, *keys, f"{who}@{host.address}")


def _as_own_ssh(name: str) -> Host | None:
    try:
        return own_hosts([name]).hosts[0]
    except ValueError:
        return None
