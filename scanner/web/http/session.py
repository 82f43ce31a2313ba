"""Sign-in for pages: a cookie that names a session here, which names a token; nobody reads either out of a page."""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from scanner.web.http.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

COOKIE = "archscan_session"
"""What the browser keeps; on TLS with the prefix that lets no neighbour set it."""

SECURE_COOKIE = f"__Host-{COOKIE}"

_OURS = re.compile(rb"(?:^|; ?)((?:%s|%s)=[A-Za-z0-9_-]{1,64})(?=;|$)" % (SECURE_COOKIE.encode(), COOKIE.encode()))
"""What a browser sends of ours, word for word as it was set; cookies of whatever else is served by this host come along."""

SESSION_S = 12 * 3600.0
"""A working day; then the token is asked for again."""

MAX_SESSIONS = 1000
"""Of all people together; the oldest has to sign in again."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

PROOF_FIELD = "csrf"
PROOF_HEADER = "x-csrf-token"

_BYTES = 32


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that somebody signed in with; ``token_sha256`` is the token's, ``ends_at`` is Unix seconds.

    ``user`` is whom a proxy signed in, instead of a token.
    """

    token_sha256: str
    secret: bytes
    ends_at: float
    user: str = ""

    def proof(self) -> str:
        """What a form brings back: the secret, never twice in the same letters, so that packing pages tells nothing."""
        pad = secrets.token_bytes(_BYTES)
        return pad.hex() + _xor(pad, self.secret).hex()

    def is_proved_by(self, text: str) -> bool:
        """Whether a form came from a page of this session."""
        try:
            both = bytes.fromhex(text)
        except ValueError:
            return False
        return len(both) == 2 * _BYTES and hmac.compare_digest(_xor(both[:_BYTES], both[_BYTES:]), self.secret)


class Sessions:
    """In memory only: a restart signs everybody out. Tokens are never kept, their digests are."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: OrderedDict[str, Session] = OrderedDict()
        self._key = secrets.token_bytes(_BYTES)

    def of_user(self, name: str) -> Session:
        """What stands for the session that somebody has with a proxy: it ends there, its forms are proved here."""
        return Session("", hmac.digest(self._key, name.encode("utf-8", "surrogateescape"), "sha256"), math.inf, name)

    def begin(self, token_sha256: str) -> str:
        """What the cookie of a new session says."""
        cookie = secrets.token_urlsafe(_BYTES)
        while len(self._known) >= MAX_SESSIONS:
            self._known.popitem(last=False)
        ends_at = self._clock() + SESSION_S
        self._known[_digest(cookie)] = Session(token_sha256, secrets.token_bytes(_BYTES), ends_at)
        return cookie

    def of(self, request: Request) -> Session | None:
        """The session of a request, as long as it lasts."""
        cookie = request.cookies.get(cookie_name(request), "")
        session = self._known.get(_digest(cookie)) if cookie else None
        if session is None:
            return None
        if not session.ends_at - SESSION_S <= self._clock() < session.ends_at:
            self._known.pop(_digest(cookie), None)
            return None
        return session

    def end(self, request: Request) -> None:
        """Forget the session of a request."""
        self._known.pop(_digest(request.cookies.get(cookie_name(request), "")), None)


def with_our_cookies_alone(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of a request without cookies that mean nothing here.

    Python's own reader takes half a second of the event loop for 16 KiB of backslashes between quotes (CVE-2024-7592).
    """
    return [(name, b"; ".join(_OURS.findall(value)) if name == b"cookie" else value) for name, value in headers]


def cookie_name(request: Request) -> str:
    """What the cookie is called on this connection."""
    return SECURE_COOKIE if request.url.scheme == "https" else COOKIE


async def refuse_forged(request: Request, session: Session) -> None:
    """Let nothing be done for a browser that another site made ask.

    Raises:
        Problem: 403, the request does not prove that it comes from a page of ours.
    """
    given = request.headers.get(PROOF_HEADER) or dict(await form_of(request)).get(PROOF_FIELD, "")
    if not session.is_proved_by(given) or not is_same_origin(request):
        raise Problem(403, "csrf_token_missing", "this did not come from a page of this session: load the page again")


async def form_of(request: Request) -> list[tuple[str, str]]:
    """The fields of a form as browsers send it, in their order; none of any other body.

    Raises:
        Problem: 400, it has more fields than any form of ours.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        return []
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return parse_qsl(body, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise Problem(400, "malformed", str(error)) from None


MAX_FIELDS = 64
"""More than any of our forms has."""


def is_same_origin(request: Request) -> bool:
    """Whether a browser says that one of our own pages asks; programs say nothing, and are asked for their token."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or origin == f"{request.url.scheme}://{request.headers.get('host', '')}"


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(left, right, strict=True))


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogateescape")).hexdigest()
