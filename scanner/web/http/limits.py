"""The outermost layer: bounded bodies, security headers, one count for each answer."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import structlog
from starlette.datastructures import Headers

from scanner.web.http.access import Scope as Needs
from scanner.web.http.problem import Problem
from scanner.web.http.session import with_our_cookies_alone

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from scanner.web.http.access import Access
    from scanner.web.http.exposition import Exposition

log = structlog.get_logger(__name__)

MAX_HEAD_BYTES = 16 << 10
"""Request target and headers; a bearer token, a proxy's additions, a long reference fit several times."""

HEAD_TOO_LARGE = ("head_too_large", f"target and headers have at most {MAX_HEAD_BYTES} bytes")
"""Reason and detail of the refusal, whoever notices it first: this layer, or the parser below it."""

MAX_BODY_BYTES = 64 << 10
"""The largest sensible body is a log excerpt to explain, or a gate question about a few dozen images."""

PIECE_BYTES = 64 << 10
"""What is handed to the connection at once: the next piece waits until the client took this one."""

LARGE_BYTES = 1 << 20
"""From here on an answer counts among those that wait for slow clients."""

MAX_UNSENT_BYTES = 64 << 20
"""Of large answers under way: a report of 10,000 hosts has some 40 MiB."""

MAX_ANSWER_BYTES = 4 << 20
"""Of a probe's answer that a host pushes: as long as one that is asked for, unless the settings say otherwise."""

LARGER_BODIES = {"/api/v1/check": 1 << 20, "/admission/v1": 3 << 20}
"""What a deployment's files, or a pod under review, may take; only from whoever shows a token for the gate."""

BODY_WITHIN_S = 10.0
"""The whole body, however it trickles."""

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


_SECURITY_HEADERS = tuple((name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items())


class LimitsMiddleware:
    """Reads the body ahead, so that no endpoint ever waits for a client."""

    def __init__(self, app: ASGIApp, metrics: Exposition) -> None:
        self._app, self._metrics, self._unsent = app, metrics, _Unsent()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        guarded = _Sender(scope, send, self._metrics, self._unsent)
        try:
            body = await _read(scope, receive, await _limit(scope))
        except Problem as problem:
            await problem.response()(scope, receive, guarded)
            return
        if body is not None:
            scope["headers"] = with_our_cookies_alone(scope["headers"])
            await self._serve(scope, _replay(body, receive), guarded)

    async def _serve(self, scope: Scope, receive: Receive, send: _Sender) -> None:
        """The last net: a bug costs its request, is counted, tells the caller nothing of our inside."""
        try:
            await self._app(scope, receive, send)
        except Exception:
            self._metrics.internal_error()
            log.exception("request_failed", route=send.route)
            if send.started:
                raise
            problem = Problem(500, "internal_bug", "archscan has a bug here; its log says more")
            await problem.response()(scope, receive, send)


class _Sender:
    """Adds headers to an answer, counts it under its route's template, hands it over piece by piece."""

    def __init__(self, scope: Scope, send: Send, metrics: Exposition, unsent: _Unsent) -> None:
        self._scope, self._send, self._metrics, self._unsent = scope, send, metrics, unsent
        self._head: Message | None = None
        self.started = False

    @property
    def route(self) -> str:
        """The template of the matched route: a closed set, whatever paths are asked for."""
        return str(getattr(self._scope.get("route"), "path", "none"))

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._head = message
            if "content-length" not in Headers(raw=message["headers"]):
                await self._begin()  # a stream, which has no first byte yet
            return  # until it is known whether what follows can be afforded
        body = message.get("body", b"")
        if not self._unsent.takes(len(body)):
            await self._too_busy()
            return
        try:
            await self._begin()
            for at in range(0, len(body) - PIECE_BYTES, PIECE_BYTES):
                await self._send({**message, "body": body[at : at + PIECE_BYTES], "more_body": True})
                await asyncio.sleep(0)  # only here is it noticed that whoever asked has gone
            rest = (len(body) - 1) // PIECE_BYTES * PIECE_BYTES if body else 0
            await self._send({**message, "body": body[rest:]})
        finally:
            self._unsent.done(len(body))

    async def _begin(self) -> None:
        if self._head is None:
            return
        message, self._head = self._head, None
        said = {name for name, _ in message["headers"]}
        message["headers"] = [*message["headers"], *(each for each in _SECURITY_HEADERS if each[0] not in said)]
        self.started = True
        self._metrics.http_request(self.route, message["status"])
        await self._send(message)

    async def _too_busy(self) -> None:
        """Others are slow to take what they asked for: this answer is not kept beside theirs."""
        if self.started:
            raise ConnectionAbortedError("more large answers are under way than there is memory for")
        detail = "more large answers are under way than there is memory for"
        problem = Problem(503, "too_busy", detail, {"Retry-After": "10"})
        await problem.response()(self._scope, _nothing, self)


class _Unsent:
    """How much of large answers is kept in memory for clients that have not taken them."""

    def __init__(self) -> None:
        self._bytes = 0

    def takes(self, count: int) -> bool:
        """Whether there is room for so much more; the first is never refused, or nobody would get it."""
        if count < LARGE_BYTES:
            return True
        if self._bytes and self._bytes + count > MAX_UNSENT_BYTES:
            return False
        self._bytes += count
        return True

    def done(self, count: int) -> None:
        """It is sent, or nobody wants it any more."""
        if count >= LARGE_BYTES:
            self._bytes -= count


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


_PUSHED = re.compile(r"/api/v1/hosts/(?P<host>[^/]{1,253})/facts")


async def _limit(scope: Scope) -> int:
    """How long the body of this request may be; a token is asked for before more than a little is read."""
    pushed = _PUSHED.fullmatch(scope["path"])
    larger = MAX_ANSWER_BYTES if pushed else LARGER_BODIES.get(scope["path"], 0)
    headers = Headers(scope=scope)
    length = headers.get("content-length", "")
    if not larger or (length.isdecimal() and int(length) <= MAX_BODY_BYTES):
        return MAX_BODY_BYTES
    access: Access = scope["app"].state.access
    if pushed is not None:
        return larger if access.pushes_for(headers.get("authorization")) == pushed["host"] else MAX_BODY_BYTES
    try:
        await access.decide(Needs.GATE, headers.get("authorization"), headers.get("host"))
    except Problem:
        return MAX_BODY_BYTES
    return larger


async def _read(scope: Scope, receive: Receive, limit: int) -> bytes | None:
    """The body; ``None`` if the client left."""
    headers = Headers(scope=scope)
    head = sum(len(name) + len(value) for name, value in scope["headers"])
    # The parser refuses a long head only if it arrives in pieces.
    if head + len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_HEAD_BYTES:
        raise _refused(400, *HEAD_TOO_LARGE)
    length, chunked = headers.get("content-length"), "transfer-encoding" in headers
    if length is not None and chunked:
        raise _refused(400, "framing_ambiguous", "a request has either a length or chunks")
    if length is not None and (not length.isdecimal() or int(length) > limit):
        raise _too_large(limit)
    if not chunked and length in (None, "0"):
        return b""
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return await _collect(receive, limit)
    except TimeoutError:
        raise _refused(408, "body_too_slow", f"the body did not arrive within {BODY_WITHIN_S:g} s") from None


async def _collect(receive: Receive, limit: int) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body in one message, then whatever comes (a client that leaves)."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return first.pop() if first else await receive()

    return replay


def _refused(status: int, reason: str, detail: str) -> Problem:
    return Problem(status, reason, detail, {"Connection": "close"})


def _too_large(limit: int) -> Problem:
    return _refused(413, "body_too_large", f"a body has at most {limit} bytes")
