"""Texts that give archscan on a host the least it needs: one read-only command, from one place."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from scanner.domain.host import LOGIN
from scanner.hosts import public_key as public_keys

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

PROBE_PATH = "/usr/local/libexec/archscan-probe"
"""Where the probe is installed, owned by root, when a forced command runs it."""

_PATH = re.compile(r"/[A-Za-z0-9_./-]+", re.ASCII)
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)


SSH_PORT = 22
"""Where hosts behind a bastion are reached, unless the inventory says otherwise."""


def key_line(
    public_key: str, from_addresses: Sequence[str], path: str | None, ports: Collection[int] = (SSH_PORT,)
) -> str:
    """The line for a host where the probe is at ``path``, for a bastion where there is none.

    ``ports`` are those of the hosts behind a bastion.

    Raises:
        ValueError: not a public key, address or plain absolute path.
    """
    if path is None:
        return bastion_key_line(public_key, from_addresses, ports)
    return authorized_key_line(public_key, from_addresses, path)


def authorized_key_line(
    public_key: str, from_addresses: Sequence[str] = (), path: str = PROBE_PATH, *, passes: Collection[int] = ()
) -> str:
    """The line for ~archscan/.ssh/authorized_keys: whoever steals the key can run the probe, nothing else.

    ``from_addresses`` are the scanner's addresses or networks; none means that the key works from anywhere. The
    command runs the probe through sudo, so that the login itself needs no access to the engines. A host that is a
    bastion, too, lets the key pass to those behind it, on their ports alone: ``passes``.

    Raises:
        ValueError: not a public key, address or plain absolute path.
    """
    passing = f"{_passing(passes)}," if passes else ""
    return f"restrict,{passing}{_from(from_addresses)}{forced_command(path)} {public_keys.checked(public_key)}\n"


def bastion_key_line(public_key: str, from_addresses: Sequence[str] = (), ports: Collection[int] = (SSH_PORT,)) -> str:
    """The line for an account of a bastion: the key passes through to these ports of hosts behind it, and runs nothing.

    Raises:
        ValueError: not a public key or address.
    """
    passing = f'restrict,{_passing(ports)},{_from(from_addresses)}command="/bin/false"'
    return f"{passing} {public_keys.checked(public_key)}\n"


def _passing(ports: Collection[int]) -> str:
    """The option by which a key passes through to ports of other machines, but to no socket, and opens no port itself.

    sshd lets who may forward anything reach the sockets of the account, too, a container engine's among them; a list of
    what may be opened shuts these out.
    """
    opened = "".join(f',permitopen="*:{port}"' for port in sorted(ports))
    return f'port-forwarding{opened},permitlisten="localhost:1"'


def forced_command(path: str) -> str:
    """The option of authorized_keys by which a key runs the probe.

    Raises:
        ValueError: not a plain absolute path.
    """
    return f'command="sudo -n {checked_path(path)}"'


def _from(addresses: Sequence[str]) -> str:
    sources = ",".join(map(_network, addresses))
    return f'from="{sources}",' if sources else ""


def _network(address: str) -> str:
    try:
        return str(ipaddress.ip_network(address, strict=False))
    except ValueError:
        raise ValueError(f"--from {address}: write an address or a network, such as 10.0.0.5 or 10.0.0.0/24") from None


def sudoers_rule(user: str = "archscan", path: str = PROBE_PATH) -> str:
    """The file for /etc/sudoers.d: this one program, without arguments, without a password.

    The program asks the engines as root because the docker group is as good as root, without a trace of it.

    Raises:
        ValueError: not a login name or plain absolute path.
    """
    checked = checked_path(path)
    return f'Defaults!{checked} !requiretty\n{checked_user(user)} ALL=(root) NOPASSWD: {checked} ""\n'


def checked_user(user: str) -> str:
    """A login name that neither a shell nor sudoers reads as anything else.

    Raises:
        ValueError: it is none.
    """
    return _matched(_USER, user)


def checked_login(user: str) -> str:
    """A login name that a shell reads as nothing else, though sudoers may.

    Raises:
        ValueError: it is none.
    """
    return _matched(LOGIN, user)


def _matched(grammar: re.Pattern[str], user: str) -> str:
    if not grammar.fullmatch(user):
        raise ValueError(f"not a login name: {user!r}")
    return user


def checked_path(path: str) -> str:
    """An absolute path that neither a shell nor sudoers nor authorized_keys reads as anything else."""
    if not _PATH.fullmatch(path) or ".." in path.split("/"):
        raise ValueError(f"not a plain absolute path: {path!r}")
    return path
