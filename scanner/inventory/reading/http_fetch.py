"""One bounded GET for service discovery."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from scanner.formats import certificates
from scanner.formats.files import FileError

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

MAX_BODY_BYTES = 16 << 20
"""A hundred thousand targets with their labels; more is not an inventory."""


@dataclass(frozen=True, slots=True)
class Login:
    """HTTP basic authentication."""

    username: str
    password: str = field(repr=False)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the credentials to whoever is named there."""

    def redirect_request(self, *_: object) -> NoReturn:
        raise ValueError("it redirects, which is not followed: name the final address")


def fetch(
    url: str, *, login: Login | None = None, token: str = "", ca_file: Path | None = None, timeout_s: float = 10.0
) -> bytes:
    """The body of ``url``; no proxy of the environment, no redirect, no file or ftp address.

    Raises:
        OSError: it cannot be reached, or answers with an error.
        ValueError: not http or https, a redirect, or a body longer than ``MAX_BODY_BYTES``.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ValueError("must be an http or https address")
    context = _context(ca_file)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), _NoRedirect()
    )
    with opener.open(urllib.request.Request(url, headers=_headers(login, token)), timeout=timeout_s) as answer:  # noqa: S310 -- the scheme was checked
        body: bytes = answer.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise ValueError(f"the answer is longer than {MAX_BODY_BYTES} bytes")
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
