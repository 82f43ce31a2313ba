"""Sign-in with a token: from then on the pages offer what the token permits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from scanner.web.http import dependencies
from scanner.web.http.access import Access, Scope, needs
from scanner.web.http.dependencies import WebContext
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute
from scanner.web.http.session import SESSION_S, Sessions, cookie_name, form_of, is_same_origin
from scanner.web.pages.rendering import environment, packed

if TYPE_CHECKING:
    from collections.abc import Mapping

router = APIRouter(route_class=GuardedRoute, include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The form; ``next`` is where to go then, ``wrong`` what was wrong with the last try."""

    next: str = "/"
    wrong: str = ""
    can_sign_in: bool = True


@router.get("/sign-in")
@needs(Scope.OPEN)
async def sign_in_form(
    request: Request, access: Annotated[Access, Depends(dependencies.access)], to: str = "/"
) -> Response:
    """The form."""
    return sign_in_page(request, SignInPage(_inside(to), can_sign_in=access.has_tokens))


@router.post("/sign-in")
@needs(Scope.OPEN)
async def sign_in(
    request: Request,
    access: Annotated[Access, Depends(dependencies.access)],
    sessions: Annotated[Sessions, Depends(dependencies.sessions)],
) -> Response:
    """Begin a session for whoever has a token."""
    if not is_same_origin(request):
        raise Problem(403, "csrf_token_missing", "sign in from archscan's own page")
    fields: Mapping[str, str] = dict(await form_of(request))
    next_path = _inside(fields.get("next", "/"))
    token = access.holder(fields.get("token", "").strip())
    if token is None:
        page = SignInPage(next_path, "This is no token that archscan knows.", access.has_tokens)
        return sign_in_page(request, page, 401)
    answer = RedirectResponse(next_path, 303)
    answer.set_cookie(
        cookie_name(request), sessions.begin(token.sha256), max_age=int(SESSION_S), path="/",
        secure=request.url.scheme == "https", httponly=True, samesite="strict",
    )  # fmt: skip
    return answer


@router.post("/sign-out")
@needs(Scope.OPEN)
async def sign_out(
    request: Request,
    sessions: Annotated[Sessions, Depends(dependencies.sessions)],
    context: Annotated[WebContext, Depends(dependencies.context)],
) -> Response:
    """End the session, with what is open in it."""
    sessions.end(request)
    context.access_changes.tell()
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(cookie_name(request), path="/", secure=request.url.scheme == "https", samesite="strict")
    return answer


def sign_in_page(
    request: Request, page: SignInPage, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """The form as an answer."""
    text = environment().get_template("sign_in.html").render(page=page, here="/sign-in")
    return packed(request, text, status, dict(headers or {}))


def _inside(path: str) -> str:
    """A path of ours, never somebody else's address."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and path.isascii()
    return path if is_ours else "/"
