"""Passes on to another archscan what only that one can do, with the caller's own credential."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from scanner.errors import in_words
from scanner.service.answers import Refusal, RefusalReason
from scanner.service.leadership import LeaderAnswer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from typing import Self

    from scanner.service.leadership import LeaderRequest

CONNECT_S = 5.0
"""A leader that does not take a connection within this is down, or cut off."""

ANSWER_S = 300.0
"""A gate opens images while it is asked."""

AGAIN_S = 10.0
"""Until another has taken over, mostly."""

ASKED_HEADERS = frozenset({
    "accept", "accept-encoding", "authorization", "content-type", "idempotency-key", "if-none-match", "last-event-id",
    "x-prometheus-scrape-timeout-seconds",
})  # fmt: skip
"""What is passed on; cookies and what proxies say of a caller are for this archscan alone."""

ANSWERED_HEADERS = frozenset({
    "allow", "cache-control", "content-disposition", "content-encoding", "content-type", "etag", "idempotent-replayed",
    "location", "retry-after", "www-authenticate",
})  # fmt: skip
"""What of an answer is passed back; a redirect is, too, and followed by nobody here."""

FORWARDED = "archscan-forwarded"
"""Marks what was passed on, so that it is passed on once."""


class Forwarder:
    """Connections to the leader; made when the first request is passed on."""

    def __init__(self, trust: Callable[[], ssl.SSLContext | bool]) -> None:
        """``trust`` reads the certificates that members are believed by."""
        self._trust = trust
        self._made: httpx.AsyncClient | None = None
        self._making = asyncio.Lock()

    async def __call__(self, address: str, asked: LeaderRequest) -> LeaderAnswer | Refusal:
        """The answer of the archscan at ``address``; a refusal where there is none."""
        headers = {name: value for name, value in asked.headers.items() if name in ASKED_HEADERS}
        headers |= {FORWARDED: "1", "accept-encoding": headers.get("accept-encoding", "identity")}
        url = httpx.URL(address).copy_with(raw_path=asked.target)
        try:
            http = await self._client()
            request = http.build_request(asked.method, url, headers=headers, content=asked.body)
            response = await http.send(request, stream=True)
        except (httpx.HTTPError, OSError, ValueError) as error:
            detail = f"the leader at {address} does not answer: {in_words(error)}"
            return Refusal(RefusalReason.NOT_LEADER, detail, AGAIN_S)
        kept = {name: value for name, value in response.headers.items() if name in ANSWERED_HEADERS}
        return LeaderAnswer(response.status_code, kept, _Body(response))

    async def close(self) -> None:
        """Close the connections."""
        if self._made is not None:
            await self._made.aclose()

    async def _client(self) -> httpx.AsyncClient:
        async with self._making:
            if self._made is None:
                verify = await asyncio.to_thread(self._trust)
                self._made = httpx.AsyncClient(
                    verify=verify,
                    follow_redirects=False,  # a token goes to nobody else
                    trust_env=False,  # nor through a proxy that the environment names
                    timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
                )
            return self._made


class _Body:
    """What comes of an answer; closed, it gives its connection back, whether any of it was read or not."""

    def __init__(self, response: httpx.Response) -> None:
        self._response, self._pieces = response, response.aiter_raw()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        await self._response.aclose()
