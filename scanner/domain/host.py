"""A host of the inventory: where it is, who logs in, what it is meant to run."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.plan import Plan

MAX_NAME_CHARS = 253
"""DNS names end at 253 characters (RFC 1035), and so do ours: they are metric labels."""

MAX_PORT = 65535

IPV6 = 6

FAMILIES = frozenset({"inet", "inet6"})
"""IP versions, as ssh's AddressFamily calls them."""

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.:-]*[A-Za-z0-9_])?\.?", re.ASCII)
LOGIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?", re.ASCII)
_ZONE = re.compile(r"[A-Za-z0-9_.-]{1,15}", re.ASCII)
"""An interface, as Linux names one (IFNAMSIZ), without what a shell or a URL would interpret."""
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


_ENDPOINT = re.compile(
    r"(?:(?P<user>[^@\s:]+)@)?"
    r"(?:\[(?P<v6>[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?)\]"
    r"|(?P<bare>[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?)"
    r"|(?P<name>[^@\s:\[\]/]+))"
    r"(?::(?P<port>\d{1,5}))?",
    re.ASCII,
)
"""``[user@]host[:port]``; colons twice are an IPv6 address, whose port needs brackets around it, as ssh reads it."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host as people write one for ssh; ``user`` is empty and ``port`` is ``None`` where they name none."""

    user: str
    address: str
    port: int | None


def parse_endpoint(text: str) -> Endpoint | None:
    """``[user@]host[:port]``, or that as ``ssh://…``; ``None`` where it is neither."""
    found = _ENDPOINT.fullmatch(text.removeprefix("ssh://").removesuffix("/") if text.startswith("ssh://") else text)
    if found is None:
        return None
    return Endpoint(
        found["user"] or "",
        found["v6"] or found["bare"] or found["name"],
        int(found["port"]) if found["port"] else None,
    )


@dataclass(frozen=True, slots=True)
class Host:
    """One inventory host.

    ``local`` hosts are read by a subprocess, ``pushed`` ones send their answers by themselves, all others are read by
    SSH at ``address``:``port``.

    ``aliases`` are further names of the same machine. ``identity_files`` are the keys that the inventory names for it,
    ``jump_identity_files`` those for the bastions of ``jump``, one for each hop, empty where none is named. ``family`` is the
    IP version (``inet``, ``inet6``) whose addresses alone are tried of the first machine on the way, be it the host or a bastion of
    ``jump``; those behind a bastion are looked up there. ``problem``
    tells, file and line first, why the inventory's word on the host cannot be understood: such a host is not read.

    Raises:
        ValueError: a name, address, user, port or label outside its grammar. The grammar keeps option injection
            ("-oProxyCommand", CVE-2023-51385) and anything a shell or a log line would interpret out of the fleet.
    """

    name: str
    address: str = ""
    port: int = 22
    user: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    planned: tuple[Plan, ...] = ()
    jump: str = ""
    local: bool = False
    aliases: tuple[str, ...] = ()
    identity_files: tuple[str, ...] = ()
    jump_identity_files: tuple[str, ...] = ()
    problem: str = ""
    pushed: bool = False
    family: str = ""

    def __post_init__(self) -> None:
        """Refuse what is outside the grammar."""
        for name in (self.name, *self.aliases):
            if not is_name(name):
                raise ValueError(f"host name {name!r} is not a name: use letters, digits, '.', '-', '_' or ':'")
        if not (self.local or self.pushed or self.problem) and not _is_address(self.address):
            raise ValueError(f"host {self.name}: address {self.address!r} is neither a host name nor an IP address")
        if not (self.local or self.pushed or self.problem) and _lacks_its_zone(self.address):
            raise ValueError(
                f"host {self.name}: address {self.address} is link-local: name its interface, {self.address}%eth0"
            )
        if not 1 <= self.port <= MAX_PORT:
            raise ValueError(f"host {self.name}: port {self.port} is not between 1 and {MAX_PORT}")
        if self.user and not is_login(self.user):
            raise ValueError(f"host {self.name}: user {self.user!r} is not a login name")
        if self.family and self.family not in FAMILIES:
            raise ValueError(f"host {self.name}: address family {self.family!r} is neither inet nor inet6")
        for label in self.labels:
            if not is_label(label):
                raise ValueError(f"host {self.name}: label {label!r} must match [a-zA-Z_][a-zA-Z0-9_]*")

    @property
    def endpoint(self) -> str:
        """Its address with its port, an IPv6 address in brackets."""
        return written(self.address, self.port)


def written(address: str, port: int) -> str:
    """An address with its port, as ``parse_endpoint`` reads it."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def is_name(text: str) -> bool:
    """Whether a host may be called this; an address is a name too."""
    return len(text) <= MAX_NAME_CHARS and (bool(_NAME.fullmatch(text)) or is_ip(text))


def is_ip(text: str) -> bool:
    """Whether it is an address; a link-local one may name its zone, as in ``fe80::1%eth0`` (RFC 4007)."""
    address, percent, zone = text.partition("%")
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return False
    return not percent or (version == IPV6 and bool(_ZONE.fullmatch(zone)))


def unbracketed(text: str) -> str:
    """An address without the brackets that an IPv6 one has beside a port, or in a URL; any other text as it is."""
    inner = text.removeprefix("[").removesuffix("]")
    return inner if len(inner) == len(text) - 2 and ":" in inner and is_ip(inner) else text


def is_login(text: str) -> bool:
    """Whether an account may be called this: neither a shell nor a log line reads it as anything else."""
    return bool(LOGIN.fullmatch(text))


def is_label(text: str) -> bool:
    """Whether a label may be called this."""
    return bool(_LABEL.fullmatch(text))


def _is_address(text: str) -> bool:
    return is_ip(text) or (":" not in text and is_name(text))


def _lacks_its_zone(text: str) -> bool:
    """Whether it is an address that means nothing without the interface behind which it is (RFC 4007)."""
    return text[:2].lower() == "fe" and is_ip(text) and "%" not in text and ipaddress.ip_address(text).is_link_local
