"""Every registry that is asked, made when first needed: transports, tokens, budget, mirrors."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from scanner.registry.budget import Budget
from scanner.registry.endpoint import Endpoint
from scanner.registry.origin import Origin
from scanner.registry.transports import Transports

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from scanner.domain.facts import Failure
    from scanner.registry.config import ClientConfig, RegistryConfig
    from scanner.registry.endpoint import Authorizer, Clock
    from scanner.registry.observer import RegistryObserver

    AuthorizerFor = Callable[[RegistryConfig, Transports], Authorizer]


MAX_UNLISTED = 256
"""Registries that no configuration names; a hostile host can name any number of them."""


class Anonymous:
    """Sends no credentials, answers no challenge."""

    async def authorization(self, repository: str) -> str | Failure | None:
        """Nothing."""

    async def challenge(self, headers: httpx.Headers, repository: str, rejected: str | None) -> str | Failure | None:
        """Nothing."""

    async def aclose(self) -> None:
        """Nothing."""


class Origins:
    """One origin for each name that references use."""

    def __init__(
        self, config: ClientConfig, authorizer_for: AuthorizerFor | None, observer: RegistryObserver, clock: Clock
    ) -> None:
        self._config = config
        self._authorizer_for = authorizer_for or (lambda _config, _transports: Anonymous())
        self._observer = observer
        self._clock = clock
        self._listed: dict[str, Origin] = {}
        self._unlisted: OrderedDict[str, Origin] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()

    def of(self, name: str) -> Origin:
        """The registry of this name with its mirrors before it."""
        found = self._listed.get(name) or self._unlisted.get(name)
        if found is None:
            found = Origin((*self._mirrors_of(name), self._make(name, "")))
            if name in self._config.registries:
                self._listed[name] = found
            else:
                self._make_room(name, found)
        return found

    def _mirrors_of(self, name: str) -> list[Endpoint]:
        return [self._make(mirror, name) for mirror in self._config.registry(name).mirrors]

    def _make_room(self, name: str, origin: Origin) -> None:
        """Let the unlisted registry go that was first named; whoever is still reading from it is told so."""
        self._unlisted[name] = origin
        if len(self._unlisted) > MAX_UNLISTED:
            _, oldest = self._unlisted.popitem(last=False)
            task = asyncio.create_task(_close(oldest))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _make(self, name: str, namespace: str) -> Endpoint:
        config = self._config.registry(name)
        listed = name in self._config.registries or bool(namespace)
        transports = Transports(config, listed=listed)
        return Endpoint(
            config=config,
            client=self._config,
            transports=transports,
            authorizer=self._authorizer_for(config, transports),
            budget=Budget(
                self._config,
                clock=self._clock.monotonic,
                sleep=self._clock.sleep,
                concurrency=config.concurrency,
            ),
            observer=self._observer,
            clock=self._clock,
            namespace=namespace,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await asyncio.gather(*self._closing)
        for origin in (*self._listed.values(), *self._unlisted.values()):
            await _close(origin)


async def _close(origin: Origin) -> None:
    for endpoint in origin.endpoints:
        await endpoint.authorizer.aclose()
        await endpoint.transports.aclose()
