"""How one registry's 401 is answered: the Authorization header to send next, or why there is none.

    401 -> parse the challenges -> Bearer before Basic -> may that realm be asked? -> each credential once
        -> a token (one flight per repository) -> the header, kept until it expires or is rejected

Nothing loops: in one session about a repository each credential is used once, once more when the registry asks
for a wider scope, and the session begins anew only after ``SESSION_S``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.registry.auth import bearer, challenge, realm
from scanner.registry.auth.bearer import MAX_LIFE_S, TokenRequest
from scanner.registry.auth.credential import Credential, CredentialKind
from scanner.registry.documents.cache import Recent
from scanner.registry.documents.singleflight import Singleflight
from scanner.registry.http.messages import Headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scanner.registry.auth.challenge import Challenge
    from scanner.registry.config import RegistryConfig
    from scanner.registry.http.exchange import Send

SESSION_S = 60.0
"""How long a refused credential stays refused: often enough to notice a new one, rarely enough to lock no account."""

SETTLED_S = 30.0
"""A header that was good for so long was accepted; when it is refused now, it has expired and all may be tried anew."""

MAX_REPOSITORIES = 10_000
"""Repositories of one registry whose tokens are kept; a fleet uses some hundreds."""

MAX_REFUSED_LOGINS = 64
"""Logins remembered as refused; a registry has a handful of credentials."""

MAX_SCOPES = 8
"""Scopes in one question; registries ask for one or two."""

MAX_SCOPE_CHARS = 512
"""A scope names a repository, of 255 characters at most."""

LOGIN = "username"
"""The setting of a registry that would let us in which lets nobody in without a login."""

_WRITES = frozenset({"push", "delete", "*"})
"""Actions on a repository that reading never needs, so that no token of ours can do them."""


class Candidates(Protocol):
    """What ``credentials.Credentials`` does."""

    async def candidates(self, registry: str, repository: str) -> tuple[Credential, ...] | Failure:
        """What to try, in turn; empty means anonymously."""


@dataclass(frozen=True, slots=True)
class _Grant:
    """A header with the moment it was granted, the one it is thrown away at, and the one from which it was in order."""

    header: str = field(repr=False)
    expires_at: float
    settled_at: float


@dataclass(slots=True)
class _AuthSession:
    """What was tried for one repository since ``began_at``; ``None`` among ``tried`` is the anonymous try."""

    began_at: float
    tried: set[Credential | None] = field(default_factory=set)
    scopes: tuple[str, ...] = ()
    last: Credential | None = None
    widened: bool = False
    failure: Failure | None = None


class Authenticator:
    """Answers the challenges of one registry; safe for any number of tasks, each of which may be cancelled.

    ``send`` is a bounded request over the registry's own transport (``exchange`` with ``MAX_TOKEN_BYTES``); the header
    is never sent anywhere by this class but to the permitted token server.
    """

    def __init__(
        self,
        config: RegistryConfig,
        credentials: Candidates,
        send: Send,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._credentials = credentials
        self._send = send
        self._clock = clock
        self._grants: Recent[_Grant | None] = Recent(MAX_REPOSITORIES)
        self._sessions: Recent[_AuthSession] = Recent(MAX_REPOSITORIES)
        self._refused: Recent[Failure] = Recent(MAX_REFUSED_LOGINS)
        self._flights: Singleflight[str | Failure] = Singleflight()

    async def authorization(self, repository: str) -> str | None:
        """The header to send with the next request, ``None`` to send none."""
        grant = self._granted(repository)
        return grant.header if grant else None

    async def challenge(self, headers: Headers | Sequence[str], repository: str, rejected: str | None) -> str | Failure:
        """The header to try after a 401 with these headers (or WWW-Authenticate values).

        ``rejected`` is the header that was answered with 401, ``None`` where none was sent. May be called again with
        what it returned, until it returns a ``Failure``: that happens after a few calls at the latest.
        """
        grant = self._granted(repository)
        if grant is not None and grant.header != rejected:
            return grant.header  # somebody else has asked meanwhile
        texts = headers.get_list("www-authenticate") if isinstance(headers, Headers) else list(headers)
        return await self._flights.join(repository, lambda: self._answer(texts, repository, rejected))

    async def aclose(self) -> None:
        """Stop asking."""
        await self._flights.aclose()

    # ------------------------------------------------------------ one session

    async def _answer(self, texts: list[str], repository: str, rejected: str | None) -> str | Failure:
        chosen = _choose(challenge.parse(texts))
        if isinstance(chosen, Failure):
            return chosen
        session = self._session(repository, rejected)
        if chosen.scheme == "basic":
            return await self._try_each(repository, session, None)
        if not chosen.param("realm"):
            return _denied("401 asks for a token, but names no token server")
        url = realm.permitted(chosen.param("realm"), self._config)
        if isinstance(url, Failure):
            return url
        self._note_scopes(session, chosen, repository)
        return await self._try_each(repository, session, TokenRequest(url, chosen.param("service"), session.scopes))

    def _session(self, repository: str, rejected: str | None) -> _AuthSession:
        """The session that goes on, or a new one where the last has ended."""
        now = self._clock()
        kept = self._grants.get(repository)
        grant = kept[0] if kept else None
        if grant is not None:
            self._grants.put(repository, None, now)
        found = self._sessions.get(repository)
        settled = grant is not None and grant.header == rejected and now >= grant.settled_at
        if found is not None and not settled and now - found[0].began_at < SESSION_S:
            return found[0]
        session = _AuthSession(now)
        self._sessions.put(repository, session, now)
        return session

    def _note_scopes(self, session: _AuthSession, chosen: Challenge, repository: str) -> None:
        """Ask for what the registry wants to see; once, when a token was too narrow, with the same credential."""
        own = (f"repository:{repository}:pull",) if repository else ()
        scopes = tuple(dict.fromkeys((*own, *_readable(chosen.param("scope"))[:MAX_SCOPES], *session.scopes)))[
            :MAX_SCOPES
        ]
        too_narrow = chosen.param("error").lower() == "insufficient_scope"
        if too_narrow and session.tried and not session.widened and set(scopes) > set(session.scopes):
            session.widened = True
            session.tried.discard(session.last)
        session.scopes = scopes

    async def _try_each(self, repository: str, session: _AuthSession, question: TokenRequest | None) -> str | Failure:
        """The next header: each credential is used once; a token server in trouble ends the search."""
        candidates = await self._credentials.candidates(self._config.name, repository)
        if isinstance(candidates, Failure):
            return candidates
        for credential in candidates or (None,):
            if credential in session.tried:
                continue
            found = await self._ask(question, credential)
            if isinstance(found, Failure) and found.reason is not Reason.IMAGE_DENIED:
                return found
            session.tried.add(credential)
            session.last = credential
            if isinstance(found, _Grant):
                self._grants.put(repository, found, self._clock())
                return found.header
            session.failure = session.failure or found
        return session.failure or _exhausted(candidates)

    async def _ask(self, question: TokenRequest | None, credential: Credential | None) -> _Grant | Failure:
        """A header by this credential: a token for the question, or the Basic scheme where there is none."""
        if question is None:
            return self._basic(credential)
        token = self._known_refusal(credential) or await bearer.fetch(self._send, question, credential)
        if isinstance(token, Failure):
            if token == bearer.LOGIN_REFUSED and credential is not None:
                self._refused.put(credential, token, self._clock())
            source = f" to the credential of {credential.source}" if credential and credential.source else ""
            return replace(token, detail=f"{token.detail}{source}")
        now = self._clock()
        return _Grant(f"Bearer {token.value}", now + token.life_s, now + min(SETTLED_S, max(token.promised_s, 1.0)))

    def _known_refusal(self, credential: Credential | None) -> Failure | None:
        """A login that just failed is not tried again for the next repository: a thousand would lock the account."""
        kept = self._refused.get(credential)
        return kept[0] if kept is not None and self._clock() - kept[1] < SESSION_S else None

    def _basic(self, credential: Credential | None) -> _Grant | Failure:
        if credential is None:
            return _denied(f"{self._config.name} asks for a user and a password, of which none is known")
        if credential.kind is CredentialKind.REGISTRY_TOKEN:
            return _denied(f"{self._config.name} asks for a user and a password, but a bearer token is configured")
        now = self._clock()
        return _Grant(credential.basic, now + MAX_LIFE_S, now + SETTLED_S)

    def _granted(self, repository: str) -> _Grant | None:
        kept = self._grants.get(repository)
        grant = kept[0] if kept else None
        return grant if grant is not None and self._clock() < grant.expires_at else None


def _choose(challenges: tuple[Challenge, ...] | Failure) -> Challenge | Failure:
    """Bearer before Basic; the others are not spoken."""
    if isinstance(challenges, Failure):
        return challenges
    for scheme in ("bearer", "basic"):
        for offered in challenges:
            if offered.scheme == scheme:
                return offered
    if not challenges:
        return _denied("401 without a WWW-Authenticate header")
    names = ", ".join(offered.scheme[:20] for offered in challenges[:4])
    return _denied(f"401 asks for {names}, and only Bearer and Basic are spoken")


def _readable(scope: str) -> tuple[str, ...]:
    """The scopes of a challenge without the actions that write."""
    return tuple(found for text in scope.split(" ")[:MAX_SCOPES] if (found := _without_writes(text)))


def _without_writes(scope: str) -> str:
    kind, name, actions = scope.partition(":")[0], scope.partition(":")[2].rpartition(":")[0], scope.rpartition(":")[2]
    if not name or len(scope) > MAX_SCOPE_CHARS:
        return ""
    if not kind.startswith("repository"):
        return scope
    kept = _distinct(action for action in actions.split(",") if action and action not in _WRITES)
    return f"{kind}:{name}:{','.join(kept)}" if kept else ""


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _exhausted(candidates: tuple[Credential, ...]) -> Failure:
    if not candidates:
        return replace(_denied("not for anonymous readers, and no credential is known"), setting=LOGIN)
    return _denied(f"refused with the credential of {candidates[-1].source or 'the configuration'}")


def _denied(detail: str) -> Failure:
    return Failure(Reason.IMAGE_DENIED, detail)
