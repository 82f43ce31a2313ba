"""One bounded GET for service discovery."""

from __future__ import annotations

import base64
import http.client
import io
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from scanner.formats import certificates
from scanner.formats.files import FileError

if TYPE_CHECKING:
    import socket
    import ssl
    from pathlib import Path

MAX_BODY_BYTES = 16 << 20
"""A hundred thousand targets with their labels; more is not an inventory."""

NOT_WHOLE = "the answer is not whole, or not HTTP"
"""Whatever ``http.client`` finds wrong with an answer, without its words."""


@dataclass(frozen=True, slots=True)
class Login:
    """HTTP basic authentication."""

    username: str
    password: str = field(repr=False)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the credentials to whoever is named there."""

    def redirect_request(self, _request: object, answer: Any, *_: object) -> NoReturn:
        answer.close()
        raise ValueError("it redirects, which is not followed: name the final address")


class _Until(io.RawIOBase):
    """What a socket receives until a moment of the monotonic clock: its own time-out begins anew with every byte."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, until: float) -> None:
        self._raw, self._sock, self._until = raw, sock, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer that is there in time, its head included."""

    def __init__(self, until: float, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.fp = io.BufferedReader(_Until(self.fp.detach(), sock, until))


class _Handler(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    """Connections whose answers are."""

    def __init__(self, until: float, context: ssl.SSLContext) -> None:
        super().__init__()
        self._until, self._believed = until, context

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(self._made, http.client.HTTPConnection), req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(self._made, http.client.HTTPSConnection, context=self._believed), req)

    def _made(self, kind: Any, host: str, **named: Any) -> http.client.HTTPConnection:
        made: http.client.HTTPConnection = kind(host, **named)
        made.response_class = partial(_Response, self._until)  # type: ignore[assignment] # it is only called
        return made


def opener(timeout_s: float, context: ssl.SSLContext) -> urllib.request.OpenerDirector:
    """Asks once, its answer's end within ``timeout_s`` from now; through no proxy of the environment, after no redirect.

    Raises ``OSError``, ``ValueError`` or ``http.client.HTTPException``, while it is opened or read.
    """
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), _Handler(time.monotonic() + timeout_s, context), _NoRedirect()
    )


def fetch(
    url: str, *, login: Login | None = None, token: str = "", ca_file: Path | None = None, timeout_s: float = 10.0
) -> bytes:
    """The body of ``url``; no proxy of the environment, no redirect, no file or ftp address.

    Raises:
        OSError: it cannot be reached, or answers with an error.
        ValueError: not http or https, a redirect, no whole answer, or a body longer than ``MAX_BODY_BYTES``.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ValueError("must be an http or https address")
    once = opener(timeout_s, _context(ca_file))
    request = urllib.request.Request(url, headers=_headers(login, token))  # noqa: S310 -- the scheme was checked
    try:
        with once.open(request, timeout=timeout_s) as answer:
            body: bytes = answer.read(MAX_BODY_BYTES + 1)
            missing = answer.length
    except urllib.error.HTTPError as error:
        error.close()
        raise
    except http.client.HTTPException:
        raise ValueError(NOT_WHOLE) from None
    if len(body) > MAX_BODY_BYTES:
        raise ValueError(f"the answer is longer than {MAX_BODY_BYTES} bytes")
    if missing:
        raise ValueError(NOT_WHOLE)
    return body


def _context(ca_file: Path | None) -> ssl.SSLContext:
    """Who is believed; what is wrong with the file is said of it, not of the address."""
    try:
        return certificates.verifying(ca_file)
    except FileError as error:
        raise ValueError(
            f"ca_file {ca_file} cannot be used: {error.problem}: write the CA's certificate there, as PEM"
        ) from None


def _headers(login: Login | None, token: str) -> dict[str, str]:
    headers = {"Accept": "application/json", "User-Agent": "archscan"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    elif login:
        pair = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    return headers
