"""One HTTP request with its whole, bounded answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import httpx

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.registry.http.failures import BORDER_ERRORS, classify

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CONNECT_WITHIN_S = 5.0
"""Resolve, connect, TLS; a registry across the world needs one."""

READ_WITHIN_S = 10.0
"""Silence of a server between two pieces of an answer."""

_TIMEOUTS = httpx.Timeout(READ_WITHIN_S, connect=CONNECT_WITHIN_S).as_dict()


@dataclass(frozen=True, slots=True)
class WholeResponse:
    """A whole answer; the body is not shown, for it may hold a token."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)


if TYPE_CHECKING:
    Send = Callable[[httpx.Request], Awaitable[WholeResponse | Failure]]


async def exchange(
    transport: httpx.AsyncBaseTransport,
    request: httpx.Request,
    *,
    max_bytes: int,
    deadline_s: float,
    refused: Reason = Reason.IMAGE_NOT_ALLOWED,
) -> WholeResponse | Failure:
    """Send a request and read its answer, at most ``max_bytes`` long, within ``deadline_s`` seconds.

    No redirect is followed, no content coding undone: an encoded body is ``image_encoding_refused``, a longer one
    ``image_too_large``. ``refused`` is what ``failures.classify`` takes.
    """
    request.headers["accept-encoding"] = "identity"
    request.extensions.setdefault("timeout", _TIMEOUTS)
    try:
        async with asyncio.timeout(deadline_s):
            response = await transport.handle_async_request(request)
            try:
                return await _read(response, max_bytes)
            finally:
                await response.aclose()
    except BORDER_ERRORS as error:
        return classify(error, refused=refused)


async def _read(response: httpx.Response, max_bytes: int) -> WholeResponse | Failure:
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"", "identity"}:
        return Failure(Reason.IMAGE_ENCODING_REFUSED, "the answer is encoded, which was not asked for")
    body = bytearray()
    async for piece in cast("httpx.AsyncByteStream", response.stream):  # closed by whoever opened it
        body += piece
        if len(body) > max_bytes:
            return Failure(Reason.IMAGE_TOO_LARGE, f"the answer is longer than {max_bytes} bytes")
    return WholeResponse(response.status_code, response.headers, bytes(body))
