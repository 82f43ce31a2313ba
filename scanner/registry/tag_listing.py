"""The tags of a repository, as many as are worth a look."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.formats.documents.strict_json import read_object
from scanner.registry.http.endpoint import RegistryCall
from scanner.registry.http.refusals import refusal
from scanner.registry.mirror_chain import PullRoute

if TYPE_CHECKING:
    from scanner.registry.mirror_chain import MirrorChain

PAGE = 1000
"""Tags asked for at once; registries give fewer where they must."""

MAX_PAGES = 5
"""Requests for one repository; what is not among the first five thousand tags is not looked for."""

MAX_PAGE_BYTES = 1 << 20
"""A thousand tags of 128 characters, eight times over: some registries give all of them at once."""

_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}", re.ASCII)
_NEXT = re.compile(r'<([^<>]{1,2048})>\s*;\s*rel="?next"?', re.ASCII)


async def tags_of(chain: MirrorChain) -> tuple[str, ...] | Failure:
    """The first tags of a repository in the order of its own registry; mirrors need not have them all."""
    route = chain.routes[-1] if chain.routes else Failure(Reason.IMAGE_NOT_ALLOWED, "there is nobody to ask")
    if not isinstance(route, PullRoute):
        return route
    found: dict[str, None] = {}
    last = ""
    for _ in range(MAX_PAGES):
        page = await _page(route, last)
        if isinstance(page, Failure):
            return page
        tags, last = page
        found.update(dict.fromkeys(tags))
        if not last:
            break
    return tuple(found)


async def _page(route: PullRoute, last: str) -> tuple[list[str], str] | Failure:
    """One page, and the tag behind which the next one begins, empty at the end."""
    behind = f"&last={quote(last, safe='')}" if last else ""
    call = RegistryCall(
        path=f"{route.pull.path}/tags/list?n={PAGE}{behind}",
        repository=route.pull.repository,
        accept="application/json",
        max_bytes=MAX_PAGE_BYTES,
    )
    answer = await route.endpoint.ask(call)
    if isinstance(answer, Failure):
        return answer
    if answer.status != HTTPStatus.OK:
        return refusal(answer)
    document = read_object(answer.body)
    if isinstance(document, Failure):
        return document
    tags = document.get("tags") or []
    if not isinstance(tags, list):
        return Failure(Reason.IMAGE_MALFORMED, "the registry lists no tags")
    return [tag for tag in tags if isinstance(tag, str) and _TAG.fullmatch(tag)], _next(answer.headers.get("link", ""))


def _next(link: str) -> str:
    """Where the next page begins: only the tag is taken from the address, never the address (RFC 8288)."""
    found = _NEXT.search(link)
    if found is None:
        return ""
    try:
        named = parse_qs(urlsplit(found[1]).query).get("last", [""])[0]
    except ValueError:
        return ""
    return named if _TAG.fullmatch(named) else ""
