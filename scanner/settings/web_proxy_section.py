"""The settings of a proxy in front of the pages that signs people in."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import Field, model_validator

from scanner.settings.fields import Network, Section, Text

ProxyScope = Literal["read", "gate", "operate"]
"""What people do on pages; the way back is confirmed with a token."""

MAX_NETWORKS = 16
"""Proxies stand in few places; a long list is somebody's whole network."""

UserName = Annotated[str, Field(min_length=1, max_length=256)]


class WebProxy(Section):
    """A proxy that signs people in, and says in a header who they are; nobody else may send that header."""

    header: Text = Field(
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$",
        description="The header with the user's name, such as Remote-User; the proxy replaces what browsers send in it.",
    )
    trusted: tuple[Network, ...] = Field(
        min_length=1,
        max_length=MAX_NETWORKS,
        description="Addresses from which the proxy asks; whoever sends the header from elsewhere is refused.",
    )
    scopes: tuple[ProxyScope, ...] = Field(default=("read",), description="What everybody may do whom it signed in.")
    users: dict[UserName, tuple[ProxyScope, ...]] = Field(
        default_factory=dict, description="What some may do instead, by name as the header has it."
    )

    @model_validator(mode="after")
    def _is_narrow(self) -> WebProxy:
        if self.header.lower() in {"authorization", "cookie", "host", "origin", "x-csrf-token", "forwarded"}:
            raise ValueError(f"header: {self.header} means something else already: name one that only the proxy sets")
        if any(ipaddress.ip_network(network).prefixlen == 0 for network in self.trusted):
            raise ValueError("trusted: that is everybody, who could then be anybody: name the proxy's address")
        return self
