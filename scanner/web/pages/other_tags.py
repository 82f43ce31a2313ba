"""Other tags of an image's repository that would start on a platform, looked for when somebody asks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from scanner.domain.decision import Decision
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import parse
from scanner.service.answers import Refusal
from scanner.service.gate.gate import Gate
from scanner.service.gate.question import Destination, named_image
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.exposition import Exposition
from scanner.web.http.problem import Problem, accepted
from scanner.web.http.route import GuardedRoute
from scanner.web.http.session import form_of
from scanner.web.pages.image_pages import OtherTags, image_page
from scanner.web.pages.rendering import render
from scanner.web.pages.viewer import Asking

if TYPE_CHECKING:
    from scanner.domain.platform.platform import Platform

router = APIRouter(route_class=GuardedRoute, include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class OtherTagsForm:
    """Which image, for which platform."""

    image: str
    platform: Platform


@router.post("/images")
@needs(Scope.GATE)
async def other_tags(
    request: Request,
    asking: Asking,
    gate: Annotated[Gate, Depends(dependencies.gate)],
    exposition: Annotated[Exposition, Depends(dependencies.exposition)],
) -> Response:
    """Ask the gate about the image on a plain host of the platform: a denial names the nearest tag that it would allow."""
    wanted = _wanted(dict(await form_of(request)))
    index = asking.index
    if wanted.image not in index.image_of:
        raise Problem(404, "image_not_found", "no workload of the latest report has this image, written like this")
    name = str(wanted.platform)
    answer = await gate.ask_files((Plan(wanted.image),), {}, Destination((), (wanted.platform,)), asking.viewer.name)
    if isinstance(answer, Refusal):
        exposition.gate_decided(Decision.HOLD)
        found = OtherTags(name, refused=f"{answer.detail} ({answer.reason})")
    else:
        exposition.gate_decided(answer.decision)
        found = OtherTags(name, answer.decision, next(iter(answer.instead.values()), None))
    return await asyncio.to_thread(
        lambda: render(
            asking, "image.html", image_page(index, wanted.image, found), status=503 if found.refused else 200
        )
    )


def _wanted(fields: dict[str, str]) -> OtherTagsForm:
    """What the form says.

    Raises:
        Problem: 400, it names no image or no platform.
    """
    image = fields.get("reference", "")
    accepted(named_image(image))
    try:
        return OtherTagsForm(image, parse(fields.get("platform", "")))
    except ValueError as error:
        raise Problem(400, "platform_invalid", str(error)) from None
