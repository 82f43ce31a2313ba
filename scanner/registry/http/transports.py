"""The transports of one registry: to itself, to hosts it is known to redirect to, to everybody's object storage."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.registry.http import pinned_transport as pinned
from scanner.registry.http.redirects import Trust
from scanner.registry.http.tls import tls_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.registry.config import RegistryConfig
    from scanner.registry.http.address import Network
    from scanner.registry.http.connection_limit import ConnectionLimit


class Transports:
    """Made when first needed; the client certificate and private addresses stay with whom they were configured for."""

    def __init__(
        self,
        config: RegistryConfig,
        *,
        listed: bool,
        resolve: pinned.Resolve = pinned.system_resolve,
        places: ConnectionLimit | None = None,
    ) -> None:
        self._config, self._places = config, places
        self._listed = listed
        self._resolve = resolve
        self._made: dict[Trust, httpx.AsyncBaseTransport] = {}

    async def to(self, trust: Trust) -> httpx.AsyncBaseTransport | Failure:
        """The transport for a hop of this trust; authorities are read beside the event loop: those of one take 30 ms."""
        found = self._made.get(trust)
        if found is None:
            made = await asyncio.to_thread(self._make, trust)
            if isinstance(made, Failure):
                return made
            found = self._made.setdefault(trust, made)  # whoever asked at the same time may have been faster
        return found

    def _make(self, trust: Trust) -> httpx.AsyncBaseTransport | Failure:
        match trust:
            case Trust.OWN:
                return pinned.transport_for(
                    self._config, listed=self._listed, resolve=self._resolve, places=self._places
                )
            case Trust.LISTED:
                return self._to_listed()
            case Trust.PUBLIC:
                return self._foreign(private=False, hosts=())

    def _to_listed(self) -> httpx.AsyncBaseTransport | Failure:
        hosts = tuple(pinned.host_of(host) for host in self._config.redirect_hosts if not host.startswith("*."))
        return self._foreign(private=self._config.allow_networks, hosts=hosts)

    def _foreign(
        self, *, private: bool | Sequence[Network], hosts: tuple[str, ...]
    ) -> httpx.AsyncBaseTransport | Failure:
        context = tls_context(self._config.authorities)
        if isinstance(context, Failure):
            return context
        try:
            return pinned.make_transport(
                verify=context,
                allow_networks=private,
                proxy=self._config.proxy,
                plain_http=self._config.plain_http and bool(hosts),
                own_hosts=hosts,
                resolve=self._resolve,
                places=self._places,
            )
        except (ValueError, httpx.InvalidURL):
            return Failure(Reason.IMAGE_UNREACHABLE, f"the proxy of {self._config.name} is not an http or https URL")

    async def aclose(self) -> None:
        """Close every connection."""
        for transport in self._made.values():
            await transport.aclose()
        self._made.clear()
