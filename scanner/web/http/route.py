"""A route that decides access before it reads anything of the request but its headers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from scanner.formats.documents import strict_json
from scanner.web.http.access import Access, Scope
from scanner.web.http.etag import conditional
from scanner.web.http.idempotency import Idempotency
from scanner.web.http.leader import Leader, answer_of
from scanner.web.http.problem import Problem
from scanner.web.http.protocol import CROWDED
from scanner.web.http.query import refuse_repeated, single_names
from scanner.web.http.session import SAFE_METHODS, Session, Sessions, refuse_forged
from scanner.web.http.straight import straight

_COME_BACK = {"Retry-After": "5", "Connection": "close"}


class StrictRequest(Request):
    """A request whose JSON has one meaning or none: a key that stands twice, or NaN, is refused as what is no JSON."""

    async def json(self) -> Any:
        """The document of the body.

        Raises:
            json.JSONDecodeError: it is none.
        """
        return strict_json.decoded(await self.body())


class GuardedRoute(APIRoute):
    """The scope stands on the endpoint (``@needs``); paths and URLs have no say (CVE-2026-48710)."""

    @property
    def scope(self) -> Scope:
        """What the endpoint needs."""
        scope = getattr(self.endpoint, "archscan_scope", None)
        if not isinstance(scope, Scope):
            raise TypeError(f"{self.path}: the endpoint does not say which scope it needs")
        return scope

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint behind its guard."""
        scope, handler = self.scope, straight(self.dependant, super().get_route_handler())
        single = single_names(self.dependant)
        at_leader = bool(getattr(self.endpoint, "archscan_at_leader", False))

        async def guarded(plain: Request) -> Response:
            request = StrictRequest(plain.scope, plain.receive)
            if request.scope.get(CROWDED) and scope is not Scope.OPEN:
                raise Problem(503, "too_many_connections", "too many connections are open", _COME_BACK)

            authorization = request.headers.get("authorization")
            session = _session_of(request, scope)

            async def decided() -> str:
                access: Access = request.app.state.access  # the one in force, which a reload may have changed
                if session is not None and session.user:
                    return access.of_proxy(scope, session.user)
                if session is not None:
                    sessions: Sessions = request.app.state.sessions
                    if sessions.of(request) is not session:
                        raise Problem(401, "unauthenticated", "the session has ended: sign in again")
                    return access.of_session(scope, session.token_sha256)
                return await access.decide(scope, authorization, request.headers.get("host"))

            request.state.session = session
            request.state.caller = await decided()
            request.state.decide_again = decided
            if session is not None and request.method not in SAFE_METHODS:
                await refuse_forged(request, session)
            refuse_repeated(request, single)
            leader: Leader | None = request.app.state.leader
            if at_leader and leader is not None and not leader.leads:
                return await answer_of(leader, request, session)
            if scope is Scope.GATE:  # a decision is of its moment, whoever repeats the question
                return conditional(request, await handler(request))
            idempotency: Idempotency = request.app.state.idempotency
            return conditional(request, await idempotency.once(request, request.state.caller, lambda: handler(request)))

        return guarded


def _session_of(request: Request, scope: Scope) -> Session | None:
    """Who signed in here or at a trusted proxy; nobody where the request brings a credential of its own.

    Raises:
        Problem: somebody else than the proxy sends the header that it says names in.
    """
    access: Access = request.app.state.access
    sessions: Sessions = request.app.state.sessions
    user = access.proxy.user_of(request) if access.proxy and scope is not Scope.OPEN else ""
    if "authorization" in request.headers:
        return None
    session = sessions.of(request)
    if session is not None and access.knows(session.token_sha256):
        return session  # one whose token is in force no more is nobody's
    return sessions.of_user(user) if user else None
