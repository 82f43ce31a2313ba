"""Every error is a problem document (RFC 9457) with a ``reason`` that programs can compare."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from starlette.responses import JSONResponse, PlainTextResponse, Response

from scanner.domain.text import printable
from scanner.service.answers import Refusal, RefusalReason

if TYPE_CHECKING:
    from collections.abc import Mapping

_T = TypeVar("_T")

MEDIA_TYPE = "application/problem+json"

_STATUS = {
    RefusalReason.REGISTRY_NOT_ALLOWED: HTTPStatus.FORBIDDEN,
    RefusalReason.TOO_MANY_SCANS: HTTPStatus.TOO_MANY_REQUESTS,
    RefusalReason.NOT_READY: HTTPStatus.SERVICE_UNAVAILABLE,
    RefusalReason.FACTS_STALE: HTTPStatus.SERVICE_UNAVAILABLE,
    RefusalReason.STORE_FAILED: HTTPStatus.SERVICE_UNAVAILABLE,
    RefusalReason.TRAIL_FAILED: HTTPStatus.SERVICE_UNAVAILABLE,
    RefusalReason.STOPPING: HTTPStatus.SERVICE_UNAVAILABLE,
    RefusalReason.HOST_NOT_PUSHED: HTTPStatus.NOT_FOUND,
    RefusalReason.PUSH_FAILED: HTTPStatus.SERVICE_UNAVAILABLE,
    RefusalReason.WORKLOAD_NOT_FOUND: HTTPStatus.NOT_FOUND,
    RefusalReason.RELEASE_NOT_FOUND: HTTPStatus.NOT_FOUND,
    RefusalReason.VERDICT_NOT_OK: HTTPStatus.CONFLICT,
    RefusalReason.ROLLBACK_NOT_FOUND: HTTPStatus.NOT_FOUND,
    RefusalReason.ROLLBACK_STATE: HTTPStatus.CONFLICT,
    RefusalReason.ROLLBACK_EXPIRED: HTTPStatus.GONE,
    RefusalReason.ROLLBACK_BUSY: HTTPStatus.CONFLICT,
    RefusalReason.CAUTIONS_NOT_ACCEPTED: HTTPStatus.CONFLICT,
    RefusalReason.AGENT_OFF: HTTPStatus.CONFLICT,
    RefusalReason.AGENT_MISSING: HTTPStatus.SERVICE_UNAVAILABLE,
    RefusalReason.NOT_LEADER: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What is not listed is a mistake of the caller's."""


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """Raised by an endpoint; answered as a problem document."""

    def __init__(
        self, status: int, reason: str, detail: str, headers: Mapping[str, str] | None = None, **members: object
    ) -> None:
        super().__init__(detail)
        self.status, self.reason, self.detail = status, reason, detail
        self.headers, self.members = dict(headers or {}), members

    @classmethod
    def of(cls, refusal: Refusal, **members: object) -> Problem:
        """The problem that a refusal is."""
        status = _STATUS.get(refusal.reason, HTTPStatus.BAD_REQUEST)
        return cls(status, str(refusal.reason), refusal.detail, retry_after(refusal.retry_after_s), **members)

    def response(self) -> JSONResponse:
        """The document."""
        body = {"type": "about:blank", "title": _title(self.status), "status": int(self.status)}
        body |= {"reason": self.reason, "detail": self.detail} | self.members
        return JSONResponse(body, self.status, self.headers, MEDIA_TYPE)

    def line(self) -> Response:
        """The reason with what it is about, for scripts without a JSON reader."""
        return PlainTextResponse(f"{self.reason}: {printable(self.detail)}\n", self.status, self.headers)


def prefers_text(accept: str) -> bool:
    """Whether the plain text is named, in front of the document or without it; a wildcard names neither."""
    named = [one.partition(";")[0].strip().lower() for one in accept.split(",")]
    kinds = [one for one in named if one == "text/plain" or one.endswith("json")]
    return kinds[:1] == ["text/plain"]


def accepted(answer: _T | Refusal) -> _T:
    """What a use case answers.

    Raises:
        Problem: it refuses.
    """
    if isinstance(answer, Refusal):
        raise Problem.of(answer)
    return answer


def retry_after(seconds: float | None) -> dict[str, str]:
    """The header that says when to try again, in whole seconds."""
    return {} if seconds is None else {"Retry-After": str(max(1, round(seconds)))}


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
