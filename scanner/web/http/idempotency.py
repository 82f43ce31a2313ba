"""A request that is sent again with its ``Idempotency-Key`` is answered again, not carried out again."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from scanner.web.http.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

HEADER = "idempotency-key"

MAX_KEY_CHARS = 128
"""A UUID has 36."""

KEY = r"^[!-~]+$"
"""What a key consists of, as the description of the API says it too."""

KEPT_S = 3600.0
"""Long enough for every retry of a pipeline."""

MAX_KEPT = 500
"""Answers of all callers; the oldest is forgotten first."""

MAX_KEPT_BYTES = 256 << 10
"""A longer answer is a report, which may be asked for anew: only the smaller ones are kept."""

SERVER_ERRORS = 500


@dataclass(slots=True)
class _Answered:
    """What a key was first sent with, and what came of it (``None``: not yet)."""

    asked: str
    at: float
    response: Response | None = None


class Idempotency:
    """In memory, each caller's keys apart; what failed on our side may be tried again with the same key."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: OrderedDict[tuple[str, str, str], _Answered] = OrderedDict()

    async def once(self, request: Request, caller: str, carry_out: Callable[[], Awaitable[Response]]) -> Response:
        """The answer to a request, carried out at most once for each key.

        Raises:
            Problem: 400 a key that is none, 409 while the first goes on, 422 for another body under the same key.
        """
        key = request.headers.get(HEADER)
        if key is None or request.method != "POST":
            return await carry_out()
        if len(key) > MAX_KEY_CHARS or not re.fullmatch(KEY, key):
            raise Problem(
                400, "malformed", f"an Idempotency-Key has 1 to {MAX_KEY_CHARS} characters of ASCII, no space"
            )
        self._forget()
        place = (caller, request.url.path, key)
        asked = hashlib.sha256(request.url.query.encode() + b"\0" + await request.body()).hexdigest()
        if known := self._known.get(place):
            return _again(known, asked)
        entry = self._known[place] = _Answered(asked, self._clock())
        try:
            response = await carry_out()
        except BaseException:
            self._known.pop(place, None)
            raise
        is_kept = not isinstance(response, StreamingResponse) and len(response.body) <= MAX_KEPT_BYTES
        if response.status_code >= SERVER_ERRORS or not is_kept:
            self._known.pop(place, None)
        else:
            entry.response = response
        return response

    def _forget(self) -> None:
        now = self._clock()
        while self._known:
            first = next(iter(self._known.values()))
            if len(self._known) < MAX_KEPT and 0 <= now - first.at < KEPT_S:
                return
            self._known.popitem(last=False)


def _again(known: _Answered, asked: str) -> Response:
    if known.asked != asked:
        raise Problem(422, "idempotency_key_reused", "this key came with another body")
    if known.response is None:
        raise Problem(409, "idempotency_key_in_use", "the first request with this key goes on", {"Retry-After": "5"})
    again = Response(known.response.body, known.response.status_code)
    again.raw_headers = [*known.response.raw_headers, (b"idempotent-replayed", b"true")]
    return again
