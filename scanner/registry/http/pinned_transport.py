"""The one way out to registries: every connection goes to an address that was screened after resolution.

Checking a name first and connecting later is a race that DNS rebinding wins. Rewriting the URL to the address is worse:
a kept connection that was verified for one name then serves another name on the same address. So the address is pinned
inside the connection pool's network backend; the pool stays keyed by name, and TLS verifies the name.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Protocol, cast

import httpcore
import httpx

from scanner import descriptors
from scanner.domain.failure import Failure
from scanner.domain.host import MAX_PORT
from scanner.domain.verdict.reason import Reason
from scanner.registry.http import address as addresses
from scanner.registry.http.address import Address, AddressPolicy, Network
from scanner.registry.http.connection_limit import ConnectionLimit
from scanner.registry.http.connections import Connections
from scanner.registry.http.failures import EgressRefusedError
from scanner.registry.http.proxy import Proxy
from scanner.registry.http.sockets import AsyncioBackend
from scanner.registry.http.tls import tls_context

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from scanner.registry.config import RegistryConfig

RESOLVE_WITHIN_S = 5.0
"""Time to resolve a name where the request brings no connect timeout: the resolver's own first try."""

MAX_ADDRESSES = 16
"""Addresses of one name; the largest registries publish eight. A name with more is refused, not cut."""

MAX_CONNECTIONS = 20
"""Connections of one transport at a time; more are slower, not faster, on one event loop."""

KEEP_FOR_S = 30.0
"""How long an idle connection is kept; load balancers close theirs after 60 s."""

_ANYWHERE = AddressPolicy(networks=(IPv4Network("0.0.0.0/0"), IPv6Network("::/0")))

_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})


class Resolve(Protocol):
    """Names to addresses, as text; raises ``OSError`` where there are none."""

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Every address of ``host``."""


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says, in its order of preference."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label longer than 63 characters never reaches the resolver
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


# ---------------------------------------------------------------- the transport


def make_transport(  # noqa: PLR0913 -- each is one independent setting of a registry
    *,
    verify: ssl.SSLContext | bool = True,
    allow_networks: bool | Sequence[Network] = False,
    proxy: str | None = None,
    plain_http: bool = False,
    own_hosts: Collection[str] = (),
    resolve: Resolve = system_resolve,
    places: ConnectionLimit | None = None,
) -> httpx.AsyncBaseTransport:
    """A transport that reaches only what a registry's configuration permits.

    ``verify`` is a context, or ``True`` for the shared default one. ``own_hosts`` are hosts (without port) that the
    operator listed by hand: an address among them, or ``localhost``, may be reached as it stands. Without
    ``plain_http`` a plain http URL is refused. With a ``proxy`` (http or https) only the proxy is connected to, and it
    resolves; hosts that are addresses are then screened by their text. ``places`` are shared with other transports.

    Raises:
        ValueError: ``verify=False`` (there is no mode without verification), or a proxy of another kind.
    """
    policy, context = _policy(own_hosts, allow_networks=allow_networks), _context(verify)
    shared = places or ConnectionLimit(descriptors.for_registries())
    if proxy is None:
        through, backend = None, PinnedBackend(policy, _literal_names(own_hosts), resolve, shared)
    else:  # the operator chose it, so its own address is not screened
        through, backend = Proxy.of(proxy, context), PinnedBackend(_ANYWHERE, frozenset(), resolve, shared)
    kept = Connections(backend, context, most=MAX_CONNECTIONS, keep_for_s=KEEP_FOR_S, places=shared, proxy=through)
    return PinnedTransport(kept, policy=policy, plain_http=plain_http, proxied=through is not None)


def transport_for(
    config: RegistryConfig, *, listed: bool, resolve: Resolve = system_resolve, places: ConnectionLimit | None = None
) -> httpx.AsyncBaseTransport | Failure:
    """The transport of one registry.

    ``listed`` tells that the operator wrote its name, with its token hosts: only then may a name such as
    ``127.0.0.1:5000`` be what it says.
    Files or a proxy that cannot be used give a ``Failure``.
    """
    context = tls_context(config.authorities, config.cert_file, config.key_file)
    if isinstance(context, Failure):
        return context
    try:
        return make_transport(
            verify=context,
            allow_networks=config.allow_networks,
            proxy=config.proxy,
            plain_http=config.plain_http,
            own_hosts=tuple(map(host_of, (config.host, *config.auth_hosts))) if listed else (),
            resolve=resolve,
            places=places,
        )
    except (ValueError, httpx.InvalidURL):
        return Failure(Reason.IMAGE_UNREACHABLE, f"the proxy of {config.name} is not an http or https URL")


def host_of(authority: str) -> str:
    """The host of ``host[:port]`` in lower case, an IPv6 address without its brackets."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    return authority.partition(":")[0].lower()


class PinnedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport around a pool of ours; the pool is the only seam through which a network backend fits."""

    def __init__(
        self,
        pool: Connections,
        *,
        policy: AddressPolicy,
        plain_http: bool,
        proxied: bool,
    ) -> None:
        self._pool = cast("httpcore.AsyncConnectionPool", pool)  # httpx asks of it no more than what Connections has
        self._policy = policy
        self._plain_http = plain_http
        self._proxied = proxied

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Refuse what needs no connection to be refused, then do as httpx does."""
        if request.url.scheme != "https" and not (self._plain_http and request.url.scheme == "http"):
            raise EgressRefusedError(f"{request.url.scheme} to {request.url.host!a} is not configured")
        if (request.url.port or 1) > MAX_PORT:
            raise EgressRefusedError(f"{request.url.port} is no port")
        if self._proxied:
            _screen_text(request.url.host, self._policy)
        return await super().handle_async_request(request)


class PinnedBackend(AsyncioBackend):
    """Resolves, screens every address, then connects to one that was screened."""

    def __init__(
        self,
        policy: AddressPolicy,
        literal_names: frozenset[str],
        resolve: Resolve = system_resolve,
        places: ConnectionLimit | None = None,
    ) -> None:
        super().__init__(places)
        self._policy = policy
        self._literal_names = literal_names
        self._resolve = resolve

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first screened address that answers, all within ``timeout`` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (timeout or RESOLVE_WITHIN_S)
        failed: Exception = httpcore.ConnectError(f"{host!a} has no address")
        pinned = await self._screened(host, port, deadline)
        for number, address in enumerate(pinned):
            limit_s = max(deadline - loop.time(), 0.0) / (len(pinned) - number)  # a silent address must not take it all
            try:
                return await super().connect_tcp(str(address), port, limit_s)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def _screened(self, host: str, port: int, deadline: float) -> list[Address]:
        """Every address of the host, once all of them are permitted."""
        try:
            async with asyncio.timeout_at(deadline):
                texts = await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host!a} does not resolve in time") from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        if len(texts) > MAX_ADDRESSES:
            raise EgressRefusedError(f"{host!a} has more than {MAX_ADDRESSES} addresses")
        return [self._permitted(host, text) for text in texts]

    def _permitted(self, host: str, text: str) -> Address:
        found = addresses.parse(text)
        if found is None:
            raise EgressRefusedError(f"{host!a} resolves to something that is no address")
        if host.lower() in self._literal_names and found.is_loopback:
            return found
        if refusal := self._policy.refusal(found):
            raise EgressRefusedError.screened(host, found, refusal)
        return found


def _policy(own_hosts: Collection[str], *, allow_networks: bool | Sequence[Network]) -> AddressPolicy:
    literals = frozenset(found for host in own_hosts if (found := addresses.parse(host)))
    if isinstance(allow_networks, bool):
        return AddressPolicy(private=allow_networks, literals=literals)
    return AddressPolicy(networks=tuple(allow_networks), literals=literals)


def _literal_names(own_hosts: Collection[str]) -> frozenset[str]:
    return frozenset(host.lower() for host in own_hosts) & _LOCAL_NAMES


def _context(verify: ssl.SSLContext | bool) -> ssl.SSLContext:  # noqa: FBT001 -- httpx's own type
    if isinstance(verify, ssl.SSLContext):
        return verify
    context = tls_context() if verify else None
    if not isinstance(context, ssl.SSLContext):
        raise ValueError("there is no mode without verification")  # noqa: TRY004 -- the value is wrong, not its type
    return context


def _screen_text(host: str, policy: AddressPolicy) -> None:
    """Screen a host that the proxy will resolve, as far as its text tells (inet_aton forms such as 127.1 included)."""
    if host.rstrip(".").lower() in _LOCAL_NAMES and not policy.private:
        raise EgressRefusedError(f"{host!a} may not be connected to: it is the proxy itself", host=host)
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return  # a name, not an address
    for entry in found:
        numeric = addresses.parse(str(entry[4][0]))
        if numeric is None:
            raise EgressRefusedError(f"{host!a} may not be connected to: it is no address", host=host)
        if refusal := policy.refusal(numeric):
            raise EgressRefusedError.screened(host, numeric, refusal)
