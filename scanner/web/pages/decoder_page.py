"""Paste an error: what it means, how to see that for oneself, what mends it; every reason has its place here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from scanner.domain.fleet_picture import URGENT
from scanner.domain.verdict import error_phrases
from scanner.domain.verdict.explanation import Explanation, explained
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from scanner.domain.verdict.reason_catalogue import MEANING
from scanner.web.api.bodies import MAX_LOG_CHARS
from scanner.web.http.access import Scope, needs
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute
from scanner.web.http.session import form_of
from scanner.web.pages.rendering import render
from scanner.web.pages.viewer import Asking

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES = (
    "exec /app/server: exec format error",
    "no matching manifest for linux/arm64/v8 in the manifest list entries",
    "exec /entrypoint.sh: no such file or directory",
    "qemu-x86_64: Could not open '/lib64/ld-linux-x86-64.so.2': No such file or directory",
    "Fatal glibc error: CPU does not support x86-64-v2",
)
"""What people paste most."""

router = APIRouter(route_class=GuardedRoute, include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class DecoderPage:
    """What was pasted with what it says; ``instead`` is what else it is known to be about.

    ``catalogue`` lists every reason below its status.
    """

    text: str
    found: Sequence[Explanation]
    instead: str
    catalogue: Sequence[tuple[Status, Sequence[tuple[Reason, str]]]]
    examples: Sequence[str] = EXAMPLES


CATALOGUE = tuple(
    (status, tuple((reason, MEANING[reason]) for reason in Reason if STATUS_OF[reason] is status)) for status in URGENT
)


@router.get("/decoder")
@needs(Scope.READ)
async def decoder(asking: Asking, text: Annotated[str, Query(max_length=4096)] = "") -> Response:
    """The form, with the answer to a short text that stands in the address."""
    return await asyncio.to_thread(lambda: render(asking, "decoder.html", decoder_page(text)))


@router.post("/decoder")
@needs(Scope.READ)
async def decode(request: Request, asking: Asking) -> Response:
    """The answer to a longer text."""
    text = dict(await form_of(request)).get("text", "")
    if len(text) > MAX_LOG_CHARS:
        raise Problem(413, "body_too_large", f"a text has at most {MAX_LOG_CHARS} characters: paste its last screens")
    return await asyncio.to_thread(lambda: render(asking, "decoder.html", decoder_page(text)))


def decoder_page(text: str) -> DecoderPage:
    """The page about a text."""
    found = explained(text) if text.strip() else ()
    instead = error_phrases.instead(text) if text.strip() and not found else ""
    return DecoderPage(text, found, instead, CATALOGUE)
