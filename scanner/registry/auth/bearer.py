"""One token from a token server, by the token authentication of distribution or its OAuth2 sibling.

A password goes as Basic authentication with a GET. An identity token goes into a POST of the OAuth2 kind; servers that
know no such POST say 404 (GCR), 401 (Artifactory), 400 or 405, after which it is tried as a password. No refresh token
is asked for (``offline_token``): what we were given to log in with lasts longer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.formats.documents import lenient_json
from scanner.formats.documents.lenient_json import JsonError
from scanner.registry.auth import realm
from scanner.registry.auth.credential import CredentialKind
from scanner.registry.http.exchange import WholeResponse
from scanner.registry.http.messages import URL, Request

if TYPE_CHECKING:
    from scanner.registry.auth.credential import Credential
    from scanner.registry.http.exchange import Send

CLIENT_ID = "archscan"

MAX_TOKEN_BYTES = 64 * 1024
"""An answer with a token; the longest real ones have some 8 KiB."""

MIN_LIFE_S = 60.0
"""A token is kept at least this long: the specification's default, and some servers say less than they mean."""

MAX_LIFE_S = 3600.0
"""A token is kept at most this long, so that a withdrawn right is noticed."""

MAX_TOKEN_HOPS = 2
"""Redirects of a token server within itself; one adds a slash, another a version."""

LOGIN_REFUSED = Failure(Reason.IMAGE_DENIED, "the token server answers 401")
"""What a token server says of a wrong password; for a repository that is not ours it says 403, or grants nothing."""

_TOKEN = re.compile(r"[!-~]+", re.ASCII)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_METHOD_KEPT = frozenset({307, 308})
_NO_SUCH_POST = frozenset({400, 401, 404, 405})
_REFUSED = frozenset({400, 401, 403, 404, 405})


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a token is asked for; ``scopes`` are repeated, not joined."""

    realm: URL
    service: str = ""
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A token with the seconds it is kept (``life_s``) and those the server promised (``promised_s``)."""

    value: str = field(repr=False)
    life_s: float = MIN_LIFE_S
    promised_s: float = MIN_LIFE_S


async def fetch(send: Send, question: TokenRequest, credential: Credential | None) -> BearerToken | Failure:
    """Ask for a token with a credential, or anonymously. ``image_denied`` where the credential does not help."""
    if credential is not None and credential.kind is CredentialKind.REGISTRY_TOKEN:
        return BearerToken(credential.secret, MAX_LIFE_S, MAX_LIFE_S)
    if credential is not None and credential.kind is CredentialKind.IDENTITY_TOKEN:
        answer = await _follow(send, _post(question, credential))
        if not (isinstance(answer, WholeResponse) and answer.status in _NO_SUCH_POST):
            return _interpret(answer)
    return _interpret(await _follow(send, _get(question, credential)))


def _get(question: TokenRequest, credential: Credential | None) -> Request:
    asked = [("service", question.service)] if question.service else []
    asked += [("scope", scope) for scope in question.scopes]
    asked += [("client_id", CLIENT_ID)] if credential else []
    url = question.realm.copy_with(params=[*question.realm.params.multi_items(), *asked])
    return Request("GET", url, headers={"authorization": credential.basic} if credential else {})


def _post(question: TokenRequest, credential: Credential) -> Request:
    form = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "refresh_token": credential.secret}
    form |= {"service": question.service} if question.service else {}
    form |= {"scope": " ".join(question.scopes)} if question.scopes else {}
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return Request("POST", question.realm, content=urlencode(form).encode(), headers=headers)


async def _follow(send: Send, request: Request) -> WholeResponse | Failure:
    """Send, and follow the token server within itself."""
    for _ in range(MAX_TOKEN_HOPS + 1):
        request.headers["accept"] = "application/json"
        answer = await send(request)
        if isinstance(answer, Failure) or answer.status not in _REDIRECTS:
            return answer
        target = realm.redirected(request.url, answer.headers.get("location", ""))
        if isinstance(target, Failure):
            return target
        if request.method != "GET" and answer.status not in _METHOD_KEPT:
            return Failure(Reason.IMAGE_REALM_REFUSED, "the token server redirects a POST to a GET")
        kept = {name: request.headers[name] for name in ("authorization", "content-type") if name in request.headers}
        request = Request(request.method, target, headers=kept, content=request.content or None)
    return Failure(Reason.IMAGE_REALM_REFUSED, f"the token server redirects more than {MAX_TOKEN_HOPS} times")


def _interpret(answer: WholeResponse | Failure) -> BearerToken | Failure:
    if isinstance(answer, Failure):
        return _as_seen_from_a_token_server(answer)
    if answer.status == HTTPStatus.OK:
        return _token(answer.body)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Failure(Reason.IMAGE_RATE_LIMITED, "the token server asks to come back later")
    if answer.status in _REFUSED:
        return _denied(f"the token server answers {answer.status}")
    return Failure(Reason.IMAGE_SERVER_ERROR, f"the token server answers {answer.status}")


def _as_seen_from_a_token_server(failure: Failure) -> Failure:
    match failure.reason:
        case Reason.IMAGE_TOO_LARGE:
            return _denied(f"the token server's answer is longer than {MAX_TOKEN_BYTES} bytes")
        case Reason.IMAGE_NOT_ALLOWED:
            return replace(failure, reason=Reason.IMAGE_REALM_REFUSED)
    return failure


def _token(body: bytes) -> BearerToken | Failure:
    if len(body) > MAX_TOKEN_BYTES:
        return _denied(f"the token server's answer is longer than {MAX_TOKEN_BYTES} bytes")
    try:
        document = lenient_json.loads(body)
    except JsonError:
        return _denied("the token server's answer is not JSON")
    if not isinstance(document, dict):
        return _denied("the token server's answer is not a JSON object")
    value = document.get("token") or document.get("access_token")
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        return _denied("the token server's answer holds no token")
    promised = _seconds(document.get("expires_in"))
    return BearerToken(value, min(max(promised, MIN_LIFE_S), MAX_LIFE_S), promised)


def _seconds(value: Any) -> float:
    """What ``expires_in`` means; ``issued_at`` is not read, for our clock and theirs need not agree."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return MIN_LIFE_S
    return float(min(max(value, 0), MAX_LIFE_S)) if value == value else MIN_LIFE_S  # noqa: PLR0124 -- NaN


def _denied(detail: str) -> Failure:
    return Failure(Reason.IMAGE_DENIED, detail)
