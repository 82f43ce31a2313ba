"""Who somebody is by the word of a proxy that signed them in, which counts from its own addresses only."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

from scanner.web.http.problem import Problem

if TYPE_CHECKING:
    from starlette.requests import Request

    from scanner.web.http.access import Scope

MAX_NAME_CHARS = 256
"""An address for mail has at most 254."""

PREFIX = "proxy:"
"""Before such a name wherever it stands beside those of tokens, so that neither can be taken for the other."""


@dataclass(frozen=True, slots=True)
class TrustedProxy:
    """The header that it sets, where it asks from, what whom it signed in may do."""

    header: str
    networks: tuple[IPv4Network | IPv6Network, ...]
    scopes: frozenset[Scope]
    users: Mapping[str, frozenset[Scope]] = field(default_factory=dict)

    def user_of(self, request: Request) -> str:
        """The user's name; empty where the proxy says none.

        Raises:
            Problem: 403 the header comes from somebody else, 400 it is there twice or holds no name.
        """
        given = request.headers.getlist(self.header)
        if not given:
            return ""
        if not self._is_trusted(request):
            raise Problem(
                HTTPStatus.FORBIDDEN, "proxy_not_trusted", f"{self.header} is for the proxy of web.proxy to send"
            )
        if len(given) > 1:
            raise Problem(HTTPStatus.BAD_REQUEST, "proxy_ambiguous", f"{self.header} is there more than once")
        name = _decoded(given[0].strip())
        if len(name) > MAX_NAME_CHARS or not name.isprintable():
            raise Problem(HTTPStatus.BAD_REQUEST, "malformed", f"{self.header} holds no name")
        return name

    def scopes_of(self, name: str) -> frozenset[Scope]:
        """What this user may do."""
        return self.users.get(name, self.scopes)

    def _is_trusted(self, request: Request) -> bool:
        """By the connection's own address: what a header says of it would be the sender's word."""
        if request.client is None:
            return False
        try:
            address = ipaddress.ip_address(request.client.host)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)


def _decoded(given: str) -> str:
    """Headers are read as Latin-1; proxies send names in UTF-8."""
    try:
        return given.encode("latin-1").decode()
    except ValueError:
        return given
