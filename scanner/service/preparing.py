"""What prepares each host of an inventory, with the bastions in front of them, by a person's own ssh."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.errors import UsageError
from scanner.formats import files
from scanner.formats.files import FileError
from scanner.hosts.prepare import bastion_preparation, preparation
from scanner.hosts.ssh.jump import bastions_of, jump_of
from scanner.hosts.ssh.own import own_hosts
from scanner.hosts.ssh.trust import names_of, own_known_hosts
from scanner.inventory.record import DEFAULT_PORT
from scanner.probe.script import script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    """Who prepares: ``named`` a host by its name, ``usual`` every other one.

    Where nobody says it is the account that the inventory names, which may sudo, else root.
    """

    named: Mapping[str, str]
    usual: str | None

    def of(self, host: Host, own: str) -> str:
        """Who logs in to prepare a host; ``own`` is the account of archscan's own."""
        inventory = host.user if host.user != own else ""
        return self.named.get(host.name) or self.usual or inventory or ROOT


def of_bastions(hosts: Sequence[Host], login: Ssh, preparers: Preparers, folder: Path) -> tuple[Preparation, ...]:
    """What prepares the bastions in front of these hosts, each once.

    Raises:
        UsageError: the public half of the key is missing or damaged, or a bastion is outside the grammar of hosts.
    """
    key = _public_key(login)
    try:
        hops = {one.endpoint: one for host in hosts for one in bastions_of(host, login.jump, login.user)}
        return tuple(_of_bastion(one, login.user, key, preparers, folder) for one in hops.values())
    except ValueError as error:
        raise UsageError(str(error)) from None


def of_hosts(hosts: Sequence[Host], login: Ssh, preparers: Preparers, folder: Path) -> tuple[Preparation, ...]:
    """What prepares these hosts, each for the account that archscan will log in as.

    Raises:
        UsageError: the public half of the key is missing or damaged, or an account is outside sudo's grammar.
    """
    key = _public_key(login)
    try:
        return tuple(_of_host(host, login, key, preparers, folder) for host in hosts)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _public_key(login: Ssh) -> str:
    if login.identity_file is None:
        raise UsageError("ssh.identity_file names no key that hosts could be prepared for")
    public = login.identity_file.with_name(f"{login.identity_file.name}.pub")
    try:
        return files.read_text(public, files.MAX_SECRET_BYTES)
    except FileError as error:
        raise UsageError(f"{error}; make it with: ssh-keygen -y -f {login.identity_file} > {public}") from None


def _of_host(host: Host, login: Ssh, key: str, preparers: Preparers, folder: Path) -> Preparation:
    user, who = host.user or login.user, preparers.of(host, login.user)
    file = folder / (PREPARATION if user == login.user else f"archscan-prepare-{user}.sh")
    become = "sh -s" if who == ROOT else "sudo sh -s"
    command = (*_way(host, who, jump_of(host, login.jump)), become)
    return Preparation(host, command, file, preparation(user, key, script()))


def _of_bastion(one: Host, own: str, key: str, preparers: Preparers, folder: Path) -> Preparation:
    """An account of a bastion lets the key in by itself; one that archscan alone uses is made by whoever prepares hosts."""
    who = one.user if one.user != own else preparers.usual or ROOT
    become = "sh -s" if who in {ROOT, one.user} else "sudo sh -s"
    file = folder / f"archscan-bastion-{one.user}.sh"
    return Preparation(one, (*_way(one, who, jump_of(one, {})), become), file, bastion_preparation(one.user, key))


def _way(host: Host, who: str, jump: str) -> tuple[str, ...]:
    """A person's own ssh to a host: by the name that their ssh_config has for it, else by all that the inventory says."""
    own = _as_own_ssh(host.name)
    if own is not None and own.address == host.address and own.name != own.address:
        port = ("-p", str(host.port)) if host.port != own.port else ()
        via = ("-J", jump) if jump and not own.jump else ()
        return ("ssh", *port, *via, f"{who}@{host.name}")
    port = ("-p", str(host.port)) if host.port != DEFAULT_PORT else ()
    via = ("-J", jump) if jump else ()
    keys = [word for file in host.identity_files if Path(file).exists() for word in ("-i", file)]
    return ("ssh", *port, *via, *keys, f"{who}@{host.address}")


def _as_own_ssh(name: str) -> Host | None:
    try:
        return own_hosts([name]).hosts[0]
    except ValueError:
        return None
