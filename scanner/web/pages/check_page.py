"""The gate for people: paste images or a file of plans, choose hosts or a platform, see the decision with its proof."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from scanner.domain.decision import Decision
from scanner.domain.failure import Failure
from scanner.domain.instead import changes
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import parse
from scanner.formats import wrong_values
from scanner.service.answers import Checked, Refusal
from scanner.service.gate.gate import Gate
from scanner.service.gate.question import Destination, named_image
from scanner.web.api.bodies import CheckRequest
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.exposition import Exposition
from scanner.web.http.route import GuardedRoute
from scanner.web.http.session import form_of
from scanner.web.pages.image_rows import urgency
from scanner.web.pages.rendering import latest_of, render
from scanner.web.pages.viewer import Asking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.domain.decision import Ruling
    from scanner.domain.instead import Instead
    from scanner.domain.override import Override
    from scanner.domain.report import Finding
    from scanner.web.pages.rendering import PageRequest

DECISION_SAYS = {
    Decision.ALLOW: "Go ahead: every image starts where it is to go.",
    Decision.WARN: "It starts, but not as it should.",
    Decision.HOLD: "Wait: not enough is known to say yes.",
    Decision.DENY: "Do not deploy this: it will not start.",
}

OVERRIDDEN_SAYS = "It goes only because somebody answers for it; the images are as they are."
"""A warning that is no word of the images' own."""

PASTED = "compose.yaml"
"""What a pasted text counts as: under this name manifests are read too, and what is neither is a gap, never nothing."""

USUAL = ("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386", "linux/ppc64le", "linux/s390x", "linux/riscv64")
"""Platforms to choose from, beside those of the fleet; the field takes any other."""

router = APIRouter(route_class=GuardedRoute, include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class CheckForm:
    """What was asked, as it was typed."""

    images: str = ""
    hosts: str = ""
    platform: str = ""
    files: str = ""


@dataclass(frozen=True, slots=True)
class DecidedImage:
    """One image on one destination: ``ruling`` is what was decided of it, ``instead`` what could go in its place."""

    finding: Finding
    ruling: Ruling | None
    instead: Instead | None

    @property
    def changes(self) -> Mapping[str, str]:
        """What would make the image itself fit, by where that is written."""
        return changes(self.finding) if self.instead else {}


@dataclass(frozen=True, slots=True)
class CheckPage:
    """The form as it was filled in, with the answer: a decision, else why there is none."""

    question: CheckForm
    platforms: Sequence[str]
    checked: Checked | None = None
    refused: str = ""

    @property
    def says(self) -> str:
        """What the decision means."""
        if self.checked is None:
            return ""
        is_own = self.checked.decision is not Decision.WARN or not self.overrides
        return DECISION_SAYS[self.checked.decision] if is_own else OVERRIDDEN_SAYS

    @property
    def answers(self) -> Sequence[DecidedImage]:
        """Each image on each destination, the worst first."""
        if self.checked is None:
            return ()
        found: list[tuple[Finding, Ruling | None]] = [(ruling.finding, ruling) for ruling in self.checked.rulings]
        found = found or [(finding, None) for finding in self.checked.report.findings]
        instead = self.checked.instead
        made = [
            DecidedImage(one, ruling, instead.get((one.workload.image, one.workload.host))) for one, ruling in found
        ]
        return sorted(made, key=lambda answer: urgency(answer.finding))

    @property
    def overrides(self) -> Sequence[Override]:
        """Who answers for what would have been stopped, each once."""
        used = (ruling.override for ruling in self.checked.rulings) if self.checked else ()
        return list({one.id: one for one in used if one is not None}.values())

    @property
    def unread(self) -> Sequence[tuple[str, Failure]]:
        """Destinations of which nothing is known."""
        hosts = self.checked.report.hosts if self.checked else ()
        return [(host.name, host.reading) for host in hosts if isinstance(host.reading, Failure)]


@router.get("/check")
@needs(Scope.READ)
async def check_form(
    asking: Asking,
    image: Annotated[str, Query(max_length=2048)] = "",
    host: Annotated[str, Query(max_length=512)] = "",
    platform: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """The form, filled in as a link says."""
    page = CheckPage(CheckForm(image, host, platform), await asyncio.to_thread(_platforms, asking))
    return await asyncio.to_thread(render, asking, "check.html", page)


@router.post("/check")
@needs(Scope.GATE)
async def check(
    request: Request,
    asking: Asking,
    gate: Annotated[Gate, Depends(dependencies.gate)],
    exposition: Annotated[Exposition, Depends(dependencies.exposition)],
) -> Response:
    """Ask the gate; the answer is a page whatever it says, so that a person can read it."""
    fields = dict(await form_of(request))
    images, hosts, platform = (fields.get(name, "").strip() for name in ("images", "hosts", "platform"))
    question = CheckForm(images, hosts, platform, fields.get("files", "").replace("\r\n", "\n"))
    platforms = await asyncio.to_thread(_platforms, asking)
    asked = _read(question)
    if isinstance(asked, str):
        return render(asking, "check.html", CheckPage(question, platforms, refused=asked), status=400)
    plans, destination = asked
    answer = await gate.ask_files(plans, _files(question), destination, asking.viewer.name)
    if isinstance(answer, Refusal):
        exposition.gate_decided(Decision.HOLD)
        page = CheckPage(question, platforms, refused=f"{answer.detail} ({answer.reason})")
        return render(asking, "check.html", page, status=503 if answer.retry_after_s else 400)
    exposition.gate_decided(answer.decision)
    if any(ruling.override for ruling in answer.rulings):
        exposition.gate_overridden()
    return await asyncio.to_thread(render, asking, "check.html", CheckPage(question, platforms, answer))


def _read(question: CheckForm) -> tuple[tuple[Plan, ...], Destination] | str:
    """What the gate is asked beside the files, else what is wrong with the question in words."""
    images, hosts = tuple(question.images.split()), tuple(question.hosts.replace(",", " ").split())
    texts = {path: raw.decode() for path, raw in _files(question).items()}
    if not images and not texts:
        return "Name at least one image, or paste what shall run."
    try:
        body = CheckRequest(images=images, files=texts, hosts=hosts, platform=question.platform or None)
    except ValidationError as error:
        return wrong_values.words(error.errors()[0])
    for image in images:
        if isinstance(refused := named_image(image), Refusal):
            return refused.detail
    try:
        return tuple(map(Plan, images)), Destination(body.hosts, tuple(map(parse, body.destinations)))
    except ValueError as error:
        return str(error)


def _files(question: CheckForm) -> Mapping[str, bytes]:
    return {PASTED: question.files.encode()} if question.files.strip() else {}


def _platforms(asking: PageRequest) -> Sequence[str]:
    report = asking.report
    own = latest_of(asking.request).of(report).platforms if report else {}
    return [*dict.fromkeys((*(name for name in own if "/" in name), *USUAL))]
