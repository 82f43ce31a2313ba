"""How many file descriptors each part of this process may hold: all of them together stay below what the system grants."""

from __future__ import annotations

import os
import resource
import socket
from typing import Any

MAX_DESCRIPTORS = 65_536
"""For ten thousand kept connections several times over; some systems grant a thousand million, which children close one by one."""

OWN = 64
"""For the interpreter, the store, the pipes to processes that read documents, files that are read."""

MAX_CLIENTS = 1000
"""Fleet-wide dashboards need dozens."""

MIN_CLIENTS = 8

EXTRA_CLIENTS = 16
"""Beyond these: whoever asks for health is answered, anybody else is told to come back."""

CLIENTS_SHARE = 4
"""One of so many descriptors is for connections of clients."""

MAX_REGISTRIES = 512
"""A hostile host may name registries that accept and say nothing, ten questions each."""

MIN_REGISTRIES = 8

REGISTRIES_SHARE = 8

MIN_HOSTS = 2


def raise_granted() -> None:
    """Use as many descriptors as the system grants: what Go's programs do by themselves."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def for_clients() -> int:
    """Connections that the web server may have open, ``EXTRA_CLIENTS`` not counted."""
    return max(MIN_CLIENTS, min(MAX_CLIENTS, _granted() // CLIENTS_SHARE - EXTRA_CLIENTS))


def for_registries() -> int:
    """Connections to registries, mirrors, token servers and storage, of all of them together."""
    return max(MIN_REGISTRIES, min(MAX_REGISTRIES, _granted() // REGISTRIES_SHARE))


def for_hosts() -> int:
    """Connections over SSH: the rest."""
    return max(MIN_HOSTS, _granted() - OWN - for_clients() - EXTRA_CLIENTS - for_registries())


def shortage() -> OSError | None:
    """What the system says where it grants this process not even a moment's descriptors; ``None`` where it does.

    For libraries that hide it: glibc says of a name that nobody knows it, SQLite that there is no such file.
    """
    try:
        for end in os.pipe():  # which fails for want of descriptors alone
            os.close(end)
    except OSError as error:
        return error
    return None


def addresses(*asked: Any, **options: Any) -> Any:
    """What ``socket.getaddrinfo`` finds.

    Raises:
        OSError: our own shortage, which says nothing about the name, as the system says it; else as there.
    """
    try:
        return socket.getaddrinfo(*asked, **options)
    except socket.gaierror as error:
        if short := shortage():
            raise short from error
        raise


def _granted() -> int:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
