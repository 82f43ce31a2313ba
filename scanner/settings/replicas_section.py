"""The settings of several instances that share one PostgreSQL store."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from scanner.settings.fields import Duration, FilePath, Section

MINUTE = 60.0

MAX_MEMBERS = 16
"""Instances of one store: each reads the whole report."""


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        named = False
    bare = named and parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username is not None)
    if not bare or parts.scheme not in ("http", "https"):
        raise ValueError("must be https://HOST:PORT")
    return text.rstrip("/")


Address = Annotated[str, AfterValidator(_address)]
"""https://HOST:PORT, nothing behind it."""


class Replicas(Section):
    """Several instances on one PostgreSQL: one scans and writes, the others follow."""

    advertise: Address | None = Field(
        default=None, description="https://HOST:PORT at which the other instances reach this one."
    )
    members: tuple[Address, ...] = Field(
        default=(),
        max_length=MAX_MEMBERS,
        description="Such addresses of all instances: what only the leader does is sent to no other, and with it the "
        "caller's token; answered with 503 where the leader's is not among them.",
    )
    ca_file: FilePath | None = Field(
        default=None, description="CA certificates in PEM for the members; the system's where it is null."
    )
    allow_plain: bool = Field(
        default=False, description="Whether members may be http:// on private networks, where tokens can be read."
    )
    lease: Duration = Field(
        default=30.0,
        ge=2,
        le=10 * MINUTE,
        description="How long a leader may say nothing before another takes over, which takes up to twice as long.",
    )

    @model_validator(mode="after")
    def _is_private(self) -> Replicas:
        for address in (*self.members, *([self.advertise] if self.advertise else ())):
            if address.startswith("http:") and not _may_be_plain(urlsplit(address).hostname or "", self.allow_plain):
                raise ValueError(
                    f"{address} is not https: tokens would be readable; on a private network allow_plain permits it, for "
                    "addresses in figures"
                )
        return self


def _may_be_plain(host: str, on_private: bool) -> bool:  # noqa: FBT001 -- the setting itself
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or (on_private and address.is_private)
