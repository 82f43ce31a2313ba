"""Makes a failure of a registry's refusal, by what its status with its body means."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.formats.documents.strict_json import read_object

if TYPE_CHECKING:
    from scanner.registry.http.exchange import WholeResponse

MAX_ERROR_BYTES = 64 * 1024
"""A refusal that is longer has nothing to say; its status counts."""

MAX_DETAIL_CHARS = 200
"""Of the registry's own words; they end up in a table."""

_CODE = re.compile(r"[A-Z_]{1,40}", re.ASCII)
_DENYING = frozenset({
    HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
    HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS,
})  # fmt: skip
_DENIALS = frozenset({"DENIED", "UNAUTHORIZED"})


def refusal(answer: WholeResponse) -> Failure:
    """Translate any answer but the wanted one; only MANIFEST_UNKNOWN proves that a tag is missing."""
    code, message = _first_error(answer.body)
    detail = (
        f"the registry answers {answer.status}" + (f" {code}" if code else "") + (f": {message}" if message else "")
    )
    return Failure(_reason(answer.status, code), detail)


def _reason(status: int, code: str) -> Reason:
    if status == HTTPStatus.TOO_MANY_REQUESTS or code == "TOOMANYREQUESTS":
        return Reason.IMAGE_RATE_LIMITED
    if status in _DENYING or (status < HTTPStatus.INTERNAL_SERVER_ERROR and code in _DENIALS):
        return Reason.IMAGE_DENIED
    if status == HTTPStatus.NOT_FOUND and code == "MANIFEST_UNKNOWN":
        return Reason.IMAGE_TAG_MISSING
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return Reason.IMAGE_NOT_FOUND
    return Reason.IMAGE_SERVER_ERROR if status >= HTTPStatus.BAD_REQUEST else Reason.IMAGE_MALFORMED


def _first_error(body: bytes) -> tuple[str, str]:
    """Code and message of the first error (distribution-spec, error codes), as far as they are printable."""
    document = read_object(body) if len(body) <= MAX_ERROR_BYTES else {}
    errors: Any = None if isinstance(document, Failure) else document.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return "", ""
    code, message = first.get("code"), first.get("message")
    known = code if isinstance(code, str) and _CODE.fullmatch(code) else ""
    return known, ascii(message)[1:-1][:MAX_DETAIL_CHARS] if isinstance(message, str) else ""
