"""When a request is worth another try, after how long a wait."""

from __future__ import annotations

import random
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_RETRIES = 2
"""Tries after the first; what fails three times within seconds will fail the fourth time."""

MAX_WAIT_S = 30.0
"""All waits of one request together; a scan has a deadline of its own."""

MAX_HEADER_CHARS = 64
"""Of a Retry-After header; a date has 29 characters."""

_BACKOFF_S = 0.5
_BROKEN = frozenset({Reason.IMAGE_UNREACHABLE, Reason.IMAGE_MALFORMED, Reason.INTERNAL_EXHAUSTED})
"""A connection refused, or one that ended in the middle: a kept one may just have been closed at the other end. Or none was free."""

_FLAPPING = frozenset({
    HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT,
})  # fmt: skip


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the server asks to wait, from seconds or a date; ``None`` where it says nothing sensible.

    Args:
        headers: of the answer.
        now: Unix time, to which a date is compared.
    """
    text = headers.get("retry-after", "").strip()
    if not text or len(text) > MAX_HEADER_CHARS:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return max(moment - now, 0.0)


def pause(outcome: int | Failure, asked: float | None, tried: int) -> float | None:
    """Seconds until the next try; ``None`` where the outcome is final.

    Args:
        outcome: the status of the answer, or why there is none.
        asked: what ``retry_after`` read.
        tried: how many tries there were.
    """
    if tried > _retries(outcome):
        return None
    backoff = _BACKOFF_S * tried
    jitter = backoff * random.random() / 2  # noqa: S311 -- it spreads requests, it hides nothing
    return max(asked or 0.0, backoff + jitter)


def _retries(outcome: int | Failure) -> int:
    if isinstance(outcome, Failure):
        return 1 if outcome.reason in _BROKEN else 0
    return MAX_RETRIES if outcome in _FLAPPING else 0
