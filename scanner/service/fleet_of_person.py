"""Hosts that a person names on the command line, without an inventory or with one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner import inventory
from scanner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scanner.domain.host import Host
    from scanner.hosts.ssh.config import SshConfig


@dataclass(frozen=True, slots=True)
class NamedHosts:
    """The hosts to ask; ``known`` is the whole inventory, ``ssh`` the person's own way to them where they are in none."""

    hosts: Sequence[Host]
    known: Sequence[Host] = ()
    ssh: SshConfig | None = None


def named(
    watched: Callable[[], Sequence[Host]], words: Sequence[str], patterns: Sequence[str], *, has_inventory: bool
) -> NamedHosts:
    """The hosts that these words mean: of those ``watched``, else as a person's own ssh knows them.

    ``[user@]host[:port]`` with a user is always the latter; without an inventory everything is.

    Raises:
        UsageError: no host is meant, or it is no host.
    """
    if words and patterns:
        raise UsageError("name hosts either as words or by --host and --label, not both")
    if words and (not has_inventory or any("@" in word for word in words)):
        from scanner.hosts.ssh.own import own_hosts  # noqa: PLC0415 -- asyncssh takes half a second, for nothing where no host is

        try:
            own = own_hosts(words)
        except ValueError as error:
            raise UsageError(str(error)) from None
        return NamedHosts(own.hosts, (), own.config)
    known = watched()
    try:
        return NamedHosts(inventory.match(known, words or patterns), known)
    except UsageError as error:
        between = " A" if str(error).endswith("?") else "; a"
        hint = f"{between} host that is in no inventory is asked for as user@HOST" if words else ""
        raise UsageError(f"{error}{hint}") from None


def way(found: NamedHosts) -> str:
    """How they are asked, in words for the person."""
    if found.ssh is None:
        return ""
    login = found.ssh.user
    shown = ", ".join(f"{host.name} ({host.user or login}@{host.endpoint})" for host in found.hosts)
    agent = ", your agent" if found.ssh.agent else ""
    return f"{shown}: asked as your own ssh would, with your keys{agent} and your known_hosts"
