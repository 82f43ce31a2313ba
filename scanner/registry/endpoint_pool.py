"""Every host that is asked, made when first needed: transports, tokens, budget."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from scanner import descriptors
from scanner.domain.failure import Failure
from scanner.registry.http.budget import RegistryBudget
from scanner.registry.http.connection_limit import ConnectionLimit
from scanner.registry.http.endpoint import RegistryEndpoint
from scanner.registry.http.transports import Transports
from scanner.registry.mirror_chain import MirrorChain, PullRoute
from scanner.registry.mirrors.pull_endpoints import PullEndpoints

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.domain.image.reference import ImageReference
    from scanner.registry.config import ClientConfig, RegistryConfig
    from scanner.registry.http.endpoint import Authorizer, Clock
    from scanner.registry.http.messages import Headers
    from scanner.registry.http.observer import RegistryObserver
    from scanner.registry.mirrors.mirrors import PullEndpoint

    AuthorizerFor = Callable[[RegistryConfig, Transports], Authorizer]


MAX_WAYS = 8192
"""References whose way is remembered: as many as have an answer."""

MAX_UNLISTED = 256
"""Registries that no configuration names; a hostile host can name any number of them."""


class Anonymous:
    """Sends no credentials, answers no challenge."""

    async def authorization(self, repository: str) -> str | Failure | None:
        """Nothing."""

    async def challenge(self, headers: Headers, repository: str, rejected: str | None) -> str | Failure | None:
        """Nothing."""

    async def aclose(self) -> None:
        """Nothing."""


class EndpointPool:
    """The way to each image.

    What is asked under the same configuration shares its connections and tokens, what is one host shares its budget.

    Raises:
        MirrorsError: a file of mirrors cannot be read or understood.
    """

    def __init__(
        self, config: ClientConfig, authorizer_for: AuthorizerFor | None, observer: RegistryObserver, clock: Clock
    ) -> None:
        self._config = config
        self._authorizer_for = authorizer_for or (lambda _config, _transports: Anonymous())
        self._observer = observer
        self._clock = clock
        self._pull_endpoints = PullEndpoints(config)
        self._places = ConnectionLimit(descriptors.for_registries(), config.timeout_s / 2)
        self._listed: dict[RegistryConfig, RegistryEndpoint] = {}
        self._unlisted: OrderedDict[RegistryConfig, RegistryEndpoint] = OrderedDict()
        self._budgets: WeakValueDictionary[str, RegistryBudget] = WeakValueDictionary()
        self._closing: set[asyncio.Task[None]] = set()
        self._ways: dict[ImageReference, MirrorChain] = {}

    @property
    def client_certificates(self) -> dict[str, str]:
        """The file of the certificate that is shown to each host, by the host's name."""
        return self._pull_endpoints.client_certificates

    def of(self, reference: ImageReference) -> MirrorChain:
        """The routes to what may serve this image, its registry last."""
        way = self._ways.get(reference)
        if way is None:
            way = self._way(reference)
            if len(self._ways) >= MAX_WAYS:
                self._ways.clear()
            self._ways[reference] = way
        return way

    def _way(self, reference: ImageReference) -> MirrorChain:
        found = self._pull_endpoints.of(reference)
        if isinstance(found, Failure):
            return MirrorChain((found,))
        return MirrorChain(tuple(self._route(pull, reference) for pull in found))

    def _route(self, pull: PullEndpoint, reference: ImageReference) -> PullRoute | Failure:
        """A mirror is as good as listed: the operator wrote its name, while a reference's own may be anybody's."""
        if pull.failure:
            return pull.failure
        config = pull.over(self._config.registry(pull.name))
        listed = pull.name != reference.registry or pull.name in self._config.registries
        return PullRoute(pull, self._endpoint(config, listed=listed))

    def _endpoint(self, config: RegistryConfig, *, listed: bool) -> RegistryEndpoint:
        found = (self._listed if listed else self._unlisted).get(config)
        if found is None:
            found = self._make(config, listed=listed)
            if listed:
                self._listed[config] = found
            else:
                self._make_room(config, found)
        return found

    def _make_room(self, config: RegistryConfig, endpoint: RegistryEndpoint) -> None:
        """Let the unlisted registry go that was first named; whoever is still reading from it is told so."""
        self._unlisted[config] = endpoint
        if len(self._unlisted) > MAX_UNLISTED:
            _, oldest = self._unlisted.popitem(last=False)
            self._ways.clear()  # one of them may lead there
            task = asyncio.create_task(_close(oldest))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _make(self, config: RegistryConfig, *, listed: bool) -> RegistryEndpoint:
        transports = Transports(config, listed=listed, places=self._places)
        return RegistryEndpoint(
            config=config,
            client=self._config,
            transports=transports,
            authorizer=self._authorizer_for(config, transports),
            budget=self._budget(config),
            observer=self._observer,
            clock=self._clock,
        )

    def _budget(self, config: RegistryConfig) -> RegistryBudget:
        """One for each host, whoever names it and however it is reached: it counts what it is asked by all of them.

        The limits are those that are configured for the host under any name of it.
        """
        found = self._budgets.get(config.host)
        if found is None:
            limits = next((one for one in self._config.registries.values() if one.host == config.host), config)
            found = RegistryBudget(self._config, clock=self._clock.monotonic, sleep=self._clock.sleep, registry=limits)
            self._budgets[config.host] = found
        return found

    async def aclose(self) -> None:
        """Close every connection."""
        await asyncio.gather(*self._closing)
        for endpoint in (*self._listed.values(), *self._unlisted.values()):
            await _close(endpoint)


async def _close(endpoint: RegistryEndpoint) -> None:
    await endpoint.authorizer.aclose()
    await endpoint.transports.aclose()
