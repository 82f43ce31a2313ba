"""Asks the leader of several instances for what only it does, or refuses with its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from starlette.responses import StreamingResponse

from scanner.service.answers import Refusal
from scanner.service.leadership import LeaderRequest
from scanner.web.http.permitted import permitted_of, while_permitted
from scanner.web.http.problem import Problem

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from scanner.service.leadership import LeaderAnswer
    from scanner.web.http.session import Session

FORWARDED = "archscan-forwarded"
"""Whoever was passed on once is not passed on again: two that follow would send it to and fro."""


class Leader(Protocol):
    """Knows who leads."""

    @property
    def leads(self) -> bool:
        """Whether that is this process."""

    async def forward(self, asked: LeaderRequest) -> LeaderAnswer | Refusal:
        """The leader's answer."""

    def not_here(self) -> Refusal:
        """Why what cannot be passed on is not done."""


async def answer_of(leader: Leader, request: Request, session: Session | None) -> Response:
    """The leader's answer to a request whose caller may make it.

    Raises:
        Problem: 503 with who leads, where it cannot be asked; a session is this process's own, and so passed to nobody.
    """
    if session is not None or FORWARDED in request.headers:
        raise Problem.of(leader.not_here())
    scope: Any = request.scope
    target = scope["raw_path"].partition(b"?")[0] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    if not target.startswith(b"/"):
        raise Problem(400, "malformed", "the request names another server")
    answer = await leader.forward(LeaderRequest(request.method, target, dict(request.headers), await request.body()))
    if isinstance(answer, Refusal):
        raise Problem.of(answer)
    changes = request.app.state.context.access_changes
    return StreamingResponse(
        while_permitted(answer.body, changes, permitted_of(request)), answer.status, answer.headers
    )
