"""Where a registry may send its reader.

A manifest is followed to the registry's own origin or to hosts the operator (or everybody) knows for it; a blob, which
object storage serves, to any public https host. Only the own origin ever sees an Authorization header.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import httpx

from scanner.domain.failure import Failure
from scanner.domain.host import MAX_PORT
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.registry.config import RegistryConfig

MAX_HOPS = 2
"""Registry to redirector to storage is the longest chain in the field; a loop has no end."""

MAX_LOCATION_CHARS = 16 << 10
"""Signed storage URLs have some 1,500 characters, up to 6,000 with a session's token in them; each costs a microsecond at most."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Trust(StrEnum):
    """Which transport may go there."""

    OWN = "own"
    LISTED = "listed"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class FollowedRedirect:
    """The next address, with how far it is trusted."""

    url: httpx.URL
    trust: Trust


def next_hop(config: RegistryConfig, current: httpx.URL, location: str, *, blob: bool) -> FollowedRedirect | Failure:
    """Judge a Location header; the refusal names the host, never the URL, which may carry a signature."""
    location = location.partition("#")[0]  # which only the reader of a document follows
    if not location:
        return _refused("a redirect leads nowhere")
    if len(location) > MAX_LOCATION_CHARS:
        return _refused(f"a redirect has more than {MAX_LOCATION_CHARS} characters")
    if not location.isascii():  # as URLs are (RFC 3986)
        return _refused("a redirect leads to something that is no URL")
    try:
        url = current.join(location)
        own = _origin(url) == _origin(httpx.URL(config.base_url))
    except (httpx.InvalidURL, ValueError):
        return _refused("a redirect leads to something that is no URL")
    if url.userinfo or not url.host or (url.port or 0) > MAX_PORT:
        return _refused("a redirect carries a name or leads to no host")
    if own:
        return FollowedRedirect(url, Trust.OWN)
    listed = _is_listed(url, config.known_redirect_hosts)
    if url.scheme != "https" and not (url.scheme == "http" and config.plain_http and listed):
        return _refused(f"a redirect to {ascii(url.host)[1:-1]} is not https")
    if listed:
        return FollowedRedirect(url, Trust.LISTED)
    if blob:
        return FollowedRedirect(url, Trust.PUBLIC)
    detail = f"a redirect leads to {ascii(url.host)[1:-1]}, which is not configured for {config.name}"
    return Failure(Reason.IMAGE_REDIRECT_REFUSED, detail, url.host, setting="redirect_hosts")


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _DEFAULT_PORTS.get(url.scheme)


def _is_listed(url: httpx.URL, hosts: tuple[str, ...]) -> bool:
    return any(_matches(url, host.lower()) for host in hosts)


def _matches(url: httpx.URL, host: str) -> bool:
    """``host`` at its scheme's own port, ``host:port`` at that one, ``*.host`` for every name below it."""
    authority = url.netloc.decode("ascii").lower()
    if host.startswith("*."):
        return url.port is None and authority.endswith(host[1:])
    return authority == host


def _refused(detail: str) -> Failure:
    return Failure(Reason.IMAGE_REDIRECT_REFUSED, detail)
