"""The proxy that a registry's operator named: what it is told, how one gets past it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpcore
import httpx

if TYPE_CHECKING:
    import ssl

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Proxy:
    """Asked over ``http``, or ``https`` as ``context`` verifies it; its credentials are told to it alone, in each request that it reads."""

    origin: httpcore.Origin
    context: ssl.SSLContext
    headers: Headers = field(repr=False)

    @classmethod
    def of(cls, url: str, context: ssl.SSLContext) -> Proxy:
        """From ``http[s]://[user:password@]host[:port]``.

        Raises:
            ValueError: a proxy of another kind.
            httpx.InvalidURL: no URL.
        """
        read = httpx.Proxy(url)
        if read.url.scheme not in {"http", "https"}:
            raise ValueError("a proxy is an http or https URL")
        origin = httpcore.URL(
            scheme=read.url.raw_scheme, host=read.url.raw_host, port=read.url.port, target=b"/"
        ).origin
        told = (
            [(b"Proxy-Authorization", b"Basic " + base64.b64encode(b":".join(read.raw_auth)))] if read.raw_auth else []
        )
        return cls(origin, context, told)

    def to_pass_on(self, request: httpcore.Request) -> tuple[bytes, Headers]:
        """Target and headers of a request in plain http, which the proxy reads (RFC 9112 section 3.2.2)."""
        url = request.url
        return b"%b://%b%b" % (url.scheme, _authority(url.host, url.port), url.target), [
            *self.headers,
            *request.headers,
        ]

    def to_connect(self, origin: httpcore.Origin) -> tuple[bytes, Headers]:
        """The same of the question for a tunnel (section 3.2.3), in which the origin and TLS are the proxy's no longer."""
        target = _authority(origin.host, origin.port)
        return target, [(b"Host", target), *self.headers]


def _authority(host: bytes, port: int | None) -> bytes:
    """As a target has it: an IPv6 address, which httpx gives bare, in its brackets."""
    name = b"[%b]" % host if b":" in host else host
    return name if port is None else b"%b:%d" % (name, port)
