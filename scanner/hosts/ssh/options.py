"""Connection options, built once per login name: building them anew costs more than the key exchange."""

from __future__ import annotations

import asyncio
import copy
import getpass
import os
import socket
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

import asyncssh

from scanner.hosts.ssh.algorithms import HOST_KEYS, Algorithms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.hosts.ssh.identity import ClientKey
    from scanner.hosts.ssh.jump import JumpTarget
    from scanner.hosts.ssh.trust import KnownKeys

CERTIFICATES = tuple(
    f"{name.removesuffix('@openssh.com')}-cert-v01@openssh.com" for name in HOST_KEYS if not name.startswith("sk-")
)

_WEBAUTHN = "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"

NOTHING_KNOWN: tuple[tuple[()], ...] = ((), (), (), (), (), (), ())
"""Believes nobody; every connection gets its own host's keys instead. Anything empty would mean ~/.ssh/known_hosts."""

_FAMILIES = {"": socket.AF_UNSPEC, "inet": socket.AF_INET, "inet6": socket.AF_INET6}

KEEPALIVE_MISSES = 2
"""A kept connection that missed this many answers is taken for dead, well before the next scan needs it."""


def build(  # noqa: PLR0913 -- each differs between hosts of one fleet
    user: str,
    keys: Sequence[ClientKey],
    connect_timeout_s: float,
    keepalive_interval_s: float,
    *,
    agent: str | None = None,
    algorithms: Algorithms = Algorithms(),  # noqa: B008 -- frozen
) -> asyncssh.SSHClientConnectionOptions:
    """Everything that connections of one login name have in common.

    Nothing comes from the account that archscan runs under: no ~/.ssh, no Kerberos, no password, no ``agent`` but the named.
    """
    _name_the_account()
    _silence_the_library()
    options = asyncssh.SSHClientConnectionOptions(
        config=None,
        username=user,
        client_keys=list(keys) or None,  # an empty list would mean ~/.ssh
        client_version="archscan",
        agent_path=agent,
        agent_forwarding=False,
        gss_host=None,
        gss_kex=False,
        gss_auth=False,
        password=None,
        password_auth=False,
        kbdint_auth=False,
        host_based_auth=False,
        preferred_auth="publickey",
        ignore_encrypted=False,
        x509_trusted_certs=None,
        x509_trusted_cert_paths=[],
        known_hosts=NOTHING_KNOWN,
        kex_algs=algorithms.kex,
        encryption_algs=algorithms.ciphers,
        mac_algs=algorithms.macs,
        signature_algs=(*algorithms.host_keys, _WEBAUTHN),
        server_host_key_algs=algorithms.host_keys,
        compression_algs=("none",),
        connect_timeout=connect_timeout_s,
        login_timeout=connect_timeout_s,
        keepalive_interval=keepalive_interval_s,
        keepalive_count_max=KEEPALIVE_MISSES,
        encoding=None,
    )
    if agent is not None:
        options.client_keys = list(options.client_keys or ())
        options.agent_path = agent
    return options


def _name_the_account() -> None:
    """Asyncssh wants to know our own login name; in a container our number may have none."""
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = "archscan"


def _silence_the_library() -> None:
    """A library below asyncssh prints that Diffie-Hellman groups are old; whoever named a profile, or looks at keys, knows that."""
    warnings.filterwarnings("ignore", "Diffie-Hellman over finite fields", module=r"asyncssh\.")


def for_host(
    base: asyncssh.SSHClientConnectionOptions,
    target: JumpTarget,
    alias: str,
    known: KnownKeys,
    algorithms: Algorithms = Algorithms(),  # noqa: B008 -- frozen
) -> asyncssh.SSHClientConnectionOptions:
    """The options of one connection: a shallow copy, with keys of its own.

    The key pairs are copied because a connection notes in them which signature its server prefers.
    """
    options = copy.copy(base)
    options.host, options.port, options.host_key_alias = target.address, target.port, alias
    options.family = _FAMILIES[target.family]
    options.client_keys = [copy.copy(pair) for pair in base.client_keys or ()]
    options.known_hosts = (known.keys, known.authorities, known.revoked, (), (), (), ())
    options.server_host_key_algs = _host_key_algorithms(
        frozenset(key.get_algorithm() for key in known.keys), algorithms.host_keys, certificates=bool(known.authorities)
    )
    options.waiter = asyncio.get_running_loop().create_future()
    return options


def for_keys(target: JumpTarget, kinds: Sequence[str]) -> asyncssh.SSHClientConnectionOptions:
    """The options of a connection on which a server shows a key of these kinds; nothing is believed, nobody logs in."""
    _name_the_account()
    _silence_the_library()
    options = asyncssh.SSHClientConnectionOptions(
        config=None,
        host=target.address,
        port=target.port,
        family=_FAMILIES[target.family],
        username=target.user,
        client_keys=None,
        client_version="archscan",
        agent_path=None,
        gss_host=None,
        known_hosts=None,
        x509_trusted_certs=None,
        x509_trusted_cert_paths=[],
        server_host_key_algs=tuple(kinds),
    )
    options.waiter = asyncio.get_running_loop().create_future()
    return options


@lru_cache(maxsize=64)
def _host_key_algorithms(kinds: frozenset[str], offered: tuple[str, ...], *, certificates: bool) -> tuple[str, ...]:
    """The kinds of key that we know of the host first: a server shows only one of its keys."""
    wanted = {"rsa-sha2-512", "rsa-sha2-256"} if "ssh-rsa" in kinds else set()
    first = [name for name in offered if name in kinds or name in wanted]
    rest = [name for name in offered if name not in first]
    return (*(CERTIFICATES if certificates else ()), *first, *rest)
