"""One host that serves an image: every request to it, its tokens, redirects, retries, its budget."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

import httpx

from scanner.domain.failure import Failure
from scanner.domain.host import MAX_PORT
from scanner.domain.verdict.reason import Reason
from scanner.registry.http import retry
from scanner.registry.http.exchange import WholeResponse, exchange
from scanner.registry.http.failures import BORDER_ERRORS, classify
from scanner.registry.http.redirects import MAX_HOPS, REDIRECTS, Trust, next_hop
from scanner.registry.http.refusals import MAX_ERROR_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from scanner.registry.config import ClientConfig, RegistryConfig
    from scanner.registry.http.budget import RegistryBudget
    from scanner.registry.http.observer import RegistryObserver
    from scanner.registry.http.transports import Transports

MAX_CHALLENGES_ANSWERED = 10
"""Answers to 401 in a row: as many credentials as are tried for one repository, a wider scope, one to spare."""

MAX_URLS = 1024
"""Addresses that are kept as they were read: the tags that a gate is asked about again and again, a kilobyte each."""


class Authorizer(Protocol):
    """What ``auth.Authenticator`` does for one registry."""

    async def authorization(self, repository: str) -> str | Failure | None:
        """The Authorization header to send now, if any."""

    async def challenge(self, headers: httpx.Headers, repository: str, rejected: str | None) -> str | Failure | None:
        """The header that answers a 401, if any; asked again when that one is rejected too, until it has none."""

    async def aclose(self) -> None:
        """Stop asking."""


class Clock(Protocol):
    """Time as it passes, and as it is written."""

    def monotonic(self) -> float:
        """Seconds that never go backwards."""

    def time(self) -> float:
        """Unix time."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True, slots=True)
class RegistryCall:
    """One question: ``path`` begins with a slash and is made of typed parts only.

    ``blob`` permits a redirect to object storage. ``counted`` tells that registries count this against their limits.
    ``namespace`` is the registry that a mirror is asked to stand for. ``follows`` tells whether a redirect is gone after,
    rather than an answer itself.
    """

    path: str
    repository: str
    method: str = "GET"
    accept: str = ""
    max_bytes: int = MAX_ERROR_BYTES
    blob: bool = False
    counted: bool = False
    range: str = ""
    namespace: str = ""
    follows: bool = True


@dataclass(frozen=True, slots=True)
class OpenResponse:
    """An answer whose body is still to be read."""

    status: int
    headers: httpx.Headers
    response: httpx.Response

    def pieces(self) -> AbstractAsyncContextManager[AsyncGenerator[bytes, None]]:
        """The body as it arrives, nothing undone."""
        return aclosing(cast("AsyncGenerator[bytes, None]", self.response.aiter_raw()))  # typed as less than it is


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a request goes, over which transport."""

    transport: httpx.AsyncBaseTransport
    url: httpx.URL
    trust: Trust


_R = TypeVar("_R", bound=WholeResponse | OpenResponse)

if TYPE_CHECKING:
    Send = Callable[[httpx.AsyncBaseTransport, httpx.Request, Reason], Awaitable[_R | Failure]]


@dataclass(frozen=True, slots=True)
class RegistryEndpoint:
    """One registry or mirror."""

    config: RegistryConfig
    client: ClientConfig
    transports: Transports
    authorizer: Authorizer
    budget: RegistryBudget
    observer: RegistryObserver
    clock: Clock

    async def ask(self, call: RegistryCall) -> WholeResponse | Failure:
        """The whole answer, whatever its status."""

        async def send(
            transport: httpx.AsyncBaseTransport, request: httpx.Request, refused: Reason
        ) -> WholeResponse | Failure:
            return await exchange(
                transport,
                request,
                max_bytes=call.max_bytes,
                deadline_s=self.client.timeout_s,
                refused=refused,
            )

        return await self._persist(call, send)

    @asynccontextmanager
    async def open(self, call: RegistryCall) -> AsyncIterator[OpenResponse | Failure | WholeResponse]:
        """The answer with its body still to be read where it is 200 or 206, else the whole of it."""
        found = await self._persist(call, self._open)
        try:
            yield found
        finally:
            if isinstance(found, OpenResponse):
                await found.response.aclose()

    async def _open(
        self, transport: httpx.AsyncBaseTransport, request: httpx.Request, refused: Reason
    ) -> WholeResponse | OpenResponse | Failure:
        request.headers["accept-encoding"] = "identity"
        response: httpx.Response | None = None
        kept = False
        try:
            async with asyncio.timeout(self.client.timeout_s):
                response = await transport.handle_async_request(request)
                found = await _opened(response)
                kept = isinstance(found, OpenResponse)
                return found
        except BORDER_ERRORS as error:
            return classify(error, refused=refused)
        finally:
            if response is not None and not kept:
                await response.aclose()

    async def _persist(self, call: RegistryCall, send: Send[_R]) -> _R | Failure:
        """Try again what may pass, within bounds."""
        waited = 0.0
        tried = 0
        while True:
            if refusal := self.budget.refusal(counted=call.counted):
                return refusal
            found = await self._authorised(call, send)
            tried += 1
            asked = None if isinstance(found, Failure) else retry.retry_after(found.headers, self.clock.time())
            outcome = found if isinstance(found, Failure) else found.status
            wait = retry.pause(outcome, asked, tried)
            if wait is None or waited + wait > retry.MAX_WAIT_S:
                return found
            waited += wait
            await self.clock.sleep(wait)

    async def _authorised(self, call: RegistryCall, send: Send[_R]) -> _R | Failure:
        """Send with the token we have, again with each one that a 401 brings about."""
        authorization = await self.authorizer.authorization(call.repository)
        for _ in range(MAX_CHALLENGES_ANSWERED):
            if isinstance(authorization, Failure):
                return authorization
            found, own = await self._follow(call, send, authorization)
            if isinstance(found, Failure) or found.status != HTTPStatus.UNAUTHORIZED or not own:
                return found
            renewed = await self.authorizer.challenge(found.headers, call.repository, authorization)
            if renewed is None:
                return found
            authorization = renewed
        return Failure(Reason.IMAGE_DENIED, f"refused with {MAX_CHALLENGES_ANSWERED} different tokens")

    async def _follow(self, call: RegistryCall, send: Send[_R], authorization: str | None) -> tuple[_R | Failure, bool]:
        """Send, then go where the answer redirects; tells too whether the answer is the registry's own."""
        target = await self._start(call)
        for hop in range(MAX_HOPS + 1):
            if isinstance(target, Failure):
                return target, False
            own = target.trust is Trust.OWN
            authorization = authorization if own else None  # once abroad, never again
            found = await self._send(call, send, target, authorization)
            if isinstance(found, Failure) or found.status not in REDIRECTS or not call.follows:
                return found, own
            if hop < MAX_HOPS:
                target = await self._redirected(call, target.url, found.headers.get("location", ""))
        return Failure(Reason.IMAGE_REDIRECT_REFUSED, f"more than {MAX_HOPS} redirects"), False

    async def _start(self, call: RegistryCall) -> _Target | Failure:
        transport = await self.transports.to(Trust.OWN)
        if isinstance(transport, Failure):
            return transport
        url = _url(self.config.base_url + call.path, call.namespace)
        if url is None:
            return Failure(Reason.IMAGE_REFERENCE_INVALID, f"{self.config.name} is no host that could be asked")
        return _Target(transport, url, Trust.OWN)

    async def _redirected(self, call: RegistryCall, current: httpx.URL, location: str) -> _Target | Failure:
        hop = next_hop(self.config, current, location, blob=call.blob)
        if isinstance(hop, Failure):
            return hop
        transport = await self.transports.to(hop.trust)
        return transport if isinstance(transport, Failure) else _Target(transport, hop.url, hop.trust)

    async def _send(
        self, call: RegistryCall, send: Send[_R], target: _Target, authorization: str | None
    ) -> _R | Failure:
        refused = Reason.IMAGE_NOT_ALLOWED if target.trust is Trust.OWN else Reason.IMAGE_REDIRECT_REFUSED
        request = self._request(call, target.url, authorization)
        if target.trust is not Trust.OWN:
            return await send(target.transport, request, refused)
        async with self.budget.slot():
            began = self.clock.monotonic()
            found = await send(target.transport, request, refused)
            self._note(found, self.clock.monotonic() - began)
        return found

    def _request(self, call: RegistryCall, url: httpx.URL, authorization: str | None) -> httpx.Request:
        optional = {"accept": call.accept, "range": call.range, "authorization": authorization}
        headers = {name: value for name, value in optional.items() if value}
        timeouts = httpx.Timeout(self.client.read_timeout_s, connect=self.client.connect_timeout_s)
        return httpx.Request(
            call.method,
            url,
            headers={"user-agent": self.client.user_agent} | headers,
            extensions={"timeout": timeouts.as_dict()},
        )

    def _note(self, found: WholeResponse | OpenResponse | Failure, seconds: float) -> None:
        if isinstance(found, Failure):
            self.budget.note(found, {}, None)
            self.observer.request(self.config.name, str(found.reason), seconds)
            return
        asked = retry.retry_after(found.headers, self.clock.time())
        remaining = self.budget.note(found.status, found.headers, asked)
        self.observer.request(self.config.name, str(found.status), seconds)
        if remaining is not None:
            self.observer.rate_limit(self.config.name, remaining)


@lru_cache(maxsize=MAX_URLS)
def _url(text: str, namespace: str) -> httpx.URL | None:
    """Where a question goes, the registry that is meant in its query; ``None`` where that is no address."""
    try:
        url = httpx.URL(text, params={"ns": namespace} if namespace else None)
    except (httpx.InvalidURL, ValueError):
        return None
    return url if url.host and (url.port or 0) <= MAX_PORT else None


async def _opened(response: httpx.Response) -> OpenResponse | WholeResponse | Failure:
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in {"", "identity"}:
        return Failure(Reason.IMAGE_ENCODING_REFUSED, "the answer is encoded, which was not asked for")
    opened = OpenResponse(response.status_code, response.headers, response)
    if opened.status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        return opened
    body = bytearray()
    async with opened.pieces() as pieces:
        async for piece in pieces:
            body += piece
            if len(body) > MAX_ERROR_BYTES:
                return Failure(Reason.IMAGE_TOO_LARGE, f"the refusal is longer than {MAX_ERROR_BYTES} bytes")
    return WholeResponse(opened.status, opened.headers, bytes(body))
