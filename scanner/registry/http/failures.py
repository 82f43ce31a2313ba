"""Makes failures of what can go wrong below an HTTP exchange; the only place that reads foreign errors.

EgressRefusedError      image_not_allowed (or what the caller says it means there)
ssl.SSLError            image_tls_rejected
EMFILE and its like     internal_exhausted
timeouts                image_timeout
httpx.DecodingError     image_encoding_refused
httpx.RemoteProtocolError, httpx.InvalidURL   image_malformed
everything else of httpx or the system        image_unreachable
"""

from __future__ import annotations

import os
import socket
import ssl
from typing import TYPE_CHECKING

import httpcore
import httpx

from scanner.descriptors import shortage
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.errors import EXHAUSTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.registry.http.address import Address, RefusedAddress

MAX_CAUSES = 16
"""How far the chain of an error's causes is followed; real ones have four."""

BORDER_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError)
"""What an exchange may raise (``ssl.SSLError`` and ``TimeoutError`` are kinds of ``OSError``); the rest is a bug."""

PLAIN_HTTP = "WRONG_VERSION_NUMBER"
"""What OpenSSL says of a server that answers our greeting in plain http."""


class EgressRefusedError(OSError):
    """A connection that must not be made; nothing was sent, and nothing connected to.

    ``setting`` names the one that would permit it, where one would.
    """

    def __init__(self, detail: str, *, host: str = "", address: str = "", setting: str = "") -> None:
        super().__init__(detail)
        self.host, self.address, self.setting = host, address, setting

    @classmethod
    def screened(cls, host: str, address: Address, refusal: RefusedAddress) -> EgressRefusedError:
        """The error for an address that a policy refuses."""
        setting = "allow_networks" if refusal.may_be_listed else ""
        return cls(f"{host!a} may not be connected to: {refusal.why}", host=host, address=str(address), setting=setting)


_UNKNOWN_AUTHORITY = frozenset({18, 19, 20, 21})
"""OpenSSL's X509_V_ERR_* of a chain whose authority nobody named: self-signed, or without its issuer."""


def classify(error: BaseException, *, refused: Reason = Reason.IMAGE_NOT_ALLOWED) -> Failure:
    """What an error below an HTTP exchange means.

    ``refused`` is what a connection that must not be made means to the caller: ``image_realm_refused`` for a token
    server, ``image_redirect_refused`` for a redirect. The detail holds no URL, for URLs may hold secrets.
    """
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, EgressRefusedError):
            return Failure(refused, str(cause), cause.host, cause.address, setting=cause.setting)
        if isinstance(cause, ssl.SSLError):
            return Failure(Reason.IMAGE_TLS_REJECTED, _tls_detail(cause), setting=_permits(cause))
        # glibc does not tell a name that it could not look up from one that nobody knows
        ours = (shortage() or cause) if isinstance(cause, socket.gaierror) else cause
        if isinstance(ours, OSError) and ours.errno in EXHAUSTED:
            return Failure(
                Reason.INTERNAL_EXHAUSTED, f"no connection can be made: {os.strerror(ours.errno or 0).lower()}"
            )
    return _classify_http(error, causes)


def _classify_http(error: BaseException, causes: tuple[BaseException, ...]) -> Failure:
    match error:
        case httpx.TimeoutException() | httpcore.TimeoutException() | TimeoutError():
            return Failure(Reason.IMAGE_TIMEOUT, "no answer in time")
        case httpx.DecodingError():
            return Failure(Reason.IMAGE_ENCODING_REFUSED, "the answer is encoded, which was not asked for")
        case httpx.RemoteProtocolError() | httpx.InvalidURL() | httpx.UnsupportedProtocol():
            return Failure(Reason.IMAGE_MALFORMED, "the answer is not whole, or not HTTP")
        case httpx.ProxyError():
            return Failure(Reason.IMAGE_UNREACHABLE, "the proxy refuses")
        case httpx.HTTPError() | httpcore.NetworkError() | OSError():
            return Failure(Reason.IMAGE_UNREACHABLE, _network_detail(causes))
    return Failure(Reason.INTERNAL_BUG, f"{type(error).__name__} in an exchange with a registry")


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    for _ in range(MAX_CAUSES):
        if current is None:
            return
        yield current
        current = current.__cause__ or current.__context__  # httpcore's pool raises "from None", which hides the cause


def _permits(error: ssl.SSLError) -> str:
    """The setting by which it would go through, where one would."""
    if getattr(error, "reason", None) == PLAIN_HTTP:
        return "plain_http"
    return "ca_file" if getattr(error, "verify_code", 0) in _UNKNOWN_AUTHORITY else ""


def _tls_detail(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate refused: {ascii(error.verify_message)[1:-1]}"
    return f"TLS fails: {getattr(error, 'reason', None) or 'handshake broken'}"


def _network_detail(causes: tuple[BaseException, ...]) -> str:
    for cause in reversed(causes):
        if isinstance(cause, socket.gaierror):
            return "the name does not resolve"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, OSError) and (cause.errno or 0) > 0:
            return os.strerror(cause.errno or 0).lower()  # asyncio puts words of its own in its place
    return "connection broken"
