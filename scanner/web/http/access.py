"""Who may do what: bearer tokens with scopes, decided for the route that was matched."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from scanner.domain.text import printable
from scanner.web.http.problem import Problem
from scanner.web.http.trusted_proxy import MAX_NAME_CHARS, PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.web.http.basic import BasicUsers
    from scanner.web.http.trusted_proxy import TrustedProxy

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

MAX_CREDENTIAL_CHARS = 1024
"""A token has some 43 characters; hashing more than this is somebody else's wish."""

MIN_TOKEN_CHARS = 16
"""64 bits even in hexadecimal: nobody guesses that over a network."""

_CHALLENGES = 'Basic realm="archscan", charset="UTF-8", Bearer realm="archscan"'
"""Basic first: browsers read only the first challenge of a header."""


class Scope(StrEnum):
    """What a token permits; none includes another."""

    OPEN = "open"
    READ = "read"
    GATE = "gate"
    OPERATE = "operate"
    PUSH = "push"
    ROLLBACK = "rollback"
    ROLLBACK_AGENT = "rollback_agent"


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token: its holder's name, the SHA-256 of its bytes in hexadecimal, what it permits.

    ``host`` is the one for which it may push.
    """

    name: str
    sha256: str
    scopes: frozenset[Scope]
    host: str = ""


def needs(scope: Scope, *, at_leader: bool | None = None) -> Callable[[Endpoint], Endpoint]:
    """Mark an endpoint; a route whose endpoint is not marked cannot be made.

    Of several instances the leader does it where that is said, or where nothing is said and it is more than reading.
    """
    is_leader_s = scope not in (Scope.OPEN, Scope.READ) if at_leader is None else at_leader

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.archscan_scope = scope  # type: ignore[attr-defined] # functions take attributes
        endpoint.archscan_at_leader = is_leader_s  # type: ignore[attr-defined] # the same
        return endpoint

    return mark


class Access:
    """Decides from the endpoint's scope, the Authorization header, whether the listener is on loopback.

    Without tokens, users or a proxy, reading is open on loopback only, for a Host header that names loopback: else any web page
    could read through the visitor's browser by rebinding its name. What acts needs a bearer token, always: browsers
    attach Basic credentials to requests that other sites make.
    """

    def __init__(
        self,
        tokens: Iterable[Token] = (),
        *,
        loopback: bool = True,
        users: BasicUsers | None = None,
        proxy: TrustedProxy | None = None,
    ) -> None:
        self.proxy = proxy
        self._tokens = tuple(tokens)
        self._users = users
        self._loopback = loopback

    async def decide(self, scope: Scope, authorization: str | None, host: str | None) -> str:
        """The caller's name.

        Raises:
            Problem: 401 without a valid credential, 403 where it does not permit this.
        """
        if scope is Scope.OPEN:
            return "anonymous"
        if authorization is None:
            return self._without_credential(scope, host)
        scheme, _, credential = authorization.partition(" ")
        credential = credential.strip()
        if len(credential) > MAX_CREDENTIAL_CHARS:
            raise _unauthenticated("the credential is too long")
        match scheme.lower():
            case "bearer":
                return self._bearer(scope, credential)
            case "basic":
                return await self._basic(scope, credential)
        raise _unauthenticated("use a bearer token")

    @property
    def has_tokens(self) -> bool:
        """Whether somebody could sign in at all."""
        return bool(self._tokens)

    @property
    def has_users(self) -> bool:
        """Whether browsers may ask for a user with a password."""
        return bool(self._users)

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens in force."""
        return self._tokens

    def knows(self, token_sha256: str) -> bool:
        """Whether the token of this digest is in force."""
        return any(token.sha256 == token_sha256 for token in self._tokens)

    def holder(self, credential: str) -> Token | None:
        """The token that these characters are, if any."""
        return self._token(credential) if 0 < len(credential) <= MAX_CREDENTIAL_CHARS else None

    def of_session(self, scope: Scope, token_sha256: str) -> str:
        """The name of whoever signed in with the token of this digest.

        Raises:
            Problem: 401 where the token is in force no more, 403 where it does not permit this.
        """
        if scope is Scope.OPEN:
            return "anonymous"
        return self._permitted(scope, next((token for token in self._tokens if token.sha256 == token_sha256), None))

    def of_proxy(self, scope: Scope, user: str) -> str:
        """The name, as it stands beside those of tokens, of a user whom the proxy signed in.

        Raises:
            Problem: 401 where no proxy counts any more, 403 where they may not do this.
        """
        if scope is Scope.OPEN:
            return "anonymous"
        if self.proxy is None:
            raise _unauthenticated("no proxy signs people in any more")
        if scope not in self.proxy.scopes_of(user):
            raise _forbidden("scope_missing", f"the user {printable(user, MAX_NAME_CHARS)} has not the scope {scope}")
        return f"{PREFIX}{user}"

    async def permits(
        self, scope: Scope, authorization: str | None, host: str | None, token_sha256: str = "", user: str = ""
    ) -> bool:
        """Whether whoever asks may do this; with ``token_sha256`` or ``user`` whoever signed in so."""
        try:
            if token_sha256:
                self.of_session(scope, token_sha256)
            elif user:
                self.of_proxy(scope, user)
            else:
                await self.decide(scope, authorization, host)
        except Problem:
            return False
        return True

    def pushes_for(self, authorization: str | None) -> str:
        """The host for which a bearer token may push, empty for any other credential; asked before a body is read."""
        scheme, _, credential = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or len(credential) > MAX_CREDENTIAL_CHARS:
            return ""
        token = self._token(credential.strip())
        return token.host if token and Scope.PUSH in token.scopes else ""

    def _without_credential(self, scope: Scope, host: str | None) -> str:
        if self._tokens or self._users or self.proxy:
            raise _unauthenticated("this needs a credential")
        if scope is not Scope.READ:
            raise _forbidden("token_required", "no token is configured, and this acts: add one with the scope "
                             f"{scope} under web.tokens")  # fmt: skip
        if not self._loopback:
            raise _forbidden("token_required", "reading without a token is for loopback listeners only: add a token "
                             "with the scope read under web.tokens, or users to web.config_file")  # fmt: skip
        if not is_loopback(host_name(host or "")):
            raise _forbidden("host_not_loopback", "without a token, call archscan as localhost or 127.0.0.1, or add a "
                             "token with the scope read under web.tokens")  # fmt: skip
        return "anonymous"

    def _bearer(self, scope: Scope, credential: str) -> str:
        return self._permitted(scope, self._token(credential))

    def _permitted(self, scope: Scope, token: Token | None) -> str:
        if token is None:
            raise _unauthenticated("the token is not valid")
        if scope not in token.scopes:
            raise _forbidden("scope_missing", f"the token {token.name} has not the scope {scope}")
        return token.name

    async def _basic(self, scope: Scope, credential: str) -> str:
        user, password = _user_and_password(credential)
        token = self._token(password)
        if token is None and not (self._users and await self._users.verify(user, password)):
            raise _unauthenticated("user or password is not valid")
        if scope is not Scope.READ:
            raise _forbidden("bearer_required", "Basic authentication permits reading only: send a bearer token")
        if token is not None and scope not in token.scopes:
            raise _forbidden("scope_missing", f"the token {token.name} has not the scope {scope}")
        return token.name if token else user

    def _token(self, credential: str) -> Token | None:
        """Compares with every token in constant time, found or not."""
        digest = hashlib.sha256(credential.encode("utf-8", "surrogateescape")).hexdigest()
        found = None
        for token in self._tokens:
            if hmac.compare_digest(digest, token.sha256):
                found = token
        return found


def is_loopback(name: str) -> bool:
    """Whether a listener or Host name is this machine only."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def host_name(host: str) -> str:
    """The name of a Host header, lower case, without port or brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _user_and_password(credential: str) -> tuple[str, str]:
    try:
        user, colon, password = base64.b64decode(credential, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise _unauthenticated("the Basic credential is not base64") from None
    if not colon:
        raise _unauthenticated("the Basic credential has no colon")
    return user, password


def _unauthenticated(detail: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthenticated", detail, {"WWW-Authenticate": _CHALLENGES})


def _forbidden(reason: str, detail: str) -> Problem:
    return Problem(HTTPStatus.FORBIDDEN, reason, detail)
