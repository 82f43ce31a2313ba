"""Answers with their ETag: who has one already is told so, instead of being sent it again (RFC 9110, 13.1.2)."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

if TYPE_CHECKING:
    from starlette.requests import Request

MAX_TAGGED_BYTES = 4 << 20
"""A longer answer takes longer to hash than the event loop may wait; it is read in pages instead."""

_OURS = "/api/v1/"


def conditional(request: Request, answer: Response) -> Response:
    """The answer with the tag of its bytes; 304 where ``If-None-Match`` has it."""
    is_tagged = request.method == "GET" and request.url.path.startswith(_OURS) and answer.status_code == HTTPStatus.OK
    if not is_tagged or isinstance(answer, StreamingResponse) or len(answer.body) > MAX_TAGGED_BYTES:
        return answer
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    kept = answer.headers.get("cache-control", "private, no-cache")
    given = request.headers.get("if-none-match", "")
    if given.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in given.split(",")}:
        return Response(status_code=304, headers={"ETag": tag, "Cache-Control": kept})
    answer.headers.update({"ETag": tag, "Cache-Control": kept})
    return answer
