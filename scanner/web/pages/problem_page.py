"""An error for people, with the same reason as the document for programs."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from scanner.service.answers import RefusalReason
from scanner.web.http.problem import prefers_text
from scanner.web.pages.rendering import environment, packed
from scanner.web.pages.sign_in import SignInPage, sign_in_page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from scanner.web.http.access import Access
    from scanner.web.http.problem import Problem

ADVICE = {
    400: "The address or the form asks for something that there is not.",
    403: "You may not do this as you are signed in now.",
    404: "What you look for is not here, or not any more.",
    405: "This address answers another kind of request.",
    409: "This cannot be done as things stand.",
    429: "Too much is being asked at once.",
    503: "This cannot be answered now; it may be in a moment.",
}
"""What a person makes of a status."""


WAIT_S = 5
"""Until a browser looks again whether the first scan has ended."""


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """What went wrong; ``sign_in`` is where to become somebody who may."""

    status: int
    title: str
    reason: str
    detail: str
    advice: str
    sign_in: str = ""


def wants_page(request: Request) -> bool:
    """Whether a person asks: browsers name HTML before anything else, programs do not name it."""
    accept = request.headers.get("accept", "")
    html, json = accept.find("text/html"), accept.find("json")
    return html >= 0 and (json < 0 or html < json)


def answer(request: Request, problem: Problem) -> Response:
    """The problem as a page, a line or a document, by ``Accept``."""
    if not wants_page(request):
        is_text = prefers_text(request.headers.get("accept", ""))
        return problem.line() if is_text else problem.response()
    access: Access = request.app.state.access
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    headers = {**problem.headers, "Cache-Control": "no-store"}
    if problem.status == HTTPStatus.UNAUTHORIZED and access.has_tokens and request.method == "GET":
        if not access.has_users:
            headers["WWW-Authenticate"] = (
                'Bearer realm="archscan"'  # Basic would have browsers ask in a window of theirs
            )
        return sign_in_page(request, SignInPage(here), 401, headers)
    if problem.reason == RefusalReason.NOT_READY and request.method == "GET":
        waiting = environment().get_template("waiting.html").render(here=request.url.path, refresh_s=WAIT_S)
        return packed(request, waiting, int(problem.status), headers)
    sign_in = "/sign-in?" + urlencode({"to": here if request.method == "GET" else "/"}) if access.has_tokens else ""
    page = ProblemPage(
        int(problem.status),
        HTTPStatus(problem.status).phrase if problem.status in set(HTTPStatus) else "Error",
        problem.reason,
        problem.detail,
        ADVICE.get(int(problem.status), "Something went wrong here."),
        sign_in if problem.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} else "",
    )
    text = environment().get_template("problem.html").render(page=page, here="")
    return packed(request, text, page.status, headers)
