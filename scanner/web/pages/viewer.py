"""Who looks at a page: their name, what they may do, what their forms must bring back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from scanner.web.http import dependencies
from scanner.web.http.access import Access, Scope
from scanner.web.http.dependencies import WebContext
from scanner.web.http.session import Session
from scanner.web.pages.rendering import PageRequest

ACTING = (Scope.READ, Scope.GATE, Scope.OPERATE, Scope.ROLLBACK)
"""What pages show or do."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """``proof`` goes into each form of somebody who signed in; empty for others, whose forms could do nothing."""

    name: str = "anonymous"
    scopes: frozenset[Scope] = frozenset()
    proof: str = ""
    can_sign_in: bool = False
    by_proxy: bool = False

    @property
    def signed_in(self) -> bool:
        """Whether it is known who this is."""
        return bool(self.proof)

    @property
    def may_check(self) -> bool:
        """Whether the gate answers them."""
        return Scope.GATE in self.scopes

    @property
    def may_operate(self) -> bool:
        """Whether they may start scans or answer for findings."""
        return Scope.OPERATE in self.scopes

    @property
    def may_roll_back(self) -> bool:
        """Whether they may plan the way back, then confirm it."""
        return Scope.ROLLBACK in self.scopes


async def viewer(request: Request) -> Viewer:
    """Who made a guarded request."""
    access: Access = request.app.state.access
    session: Session | None = getattr(request.state, "session", None)
    authorization, host = request.headers.get("authorization"), request.headers.get("host")
    digest = session.token_sha256 if session else ""
    user = session.user if session else ""
    scopes = [scope for scope in ACTING if await access.permits(scope, authorization, host, digest, user)]
    return Viewer(
        name=str(request.state.caller),
        scopes=frozenset(scopes),
        proof=session.proof() if session else "",
        can_sign_in=access.has_tokens,
        by_proxy=bool(user),
    )


async def asking(
    request: Request,
    context: Annotated[WebContext, Depends(dependencies.context)],
    looking: Annotated[Viewer, Depends(viewer)],
) -> PageRequest:
    """What every page is made from."""
    return PageRequest(request, context, looking)


Asking = Annotated[PageRequest, Depends(asking)]
