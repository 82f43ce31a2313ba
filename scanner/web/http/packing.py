"""Whether whoever asks takes an answer in gzip (RFC 9110, 12.5.3)."""

from __future__ import annotations

_NOT_AT_ALL = {"0", "0.", "0.0", "0.00", "0.000"}


def takes_gzip(accept_encoding: str | None) -> bool:
    """Whether ``Accept-Encoding`` offers gzip; one of weight zero is refused."""
    for one in (accept_encoding or "").lower().split(","):
        coding, *parameters = (part.strip() for part in one.split(";"))
        if coding in {"gzip", "x-gzip"}:
            return not any(parameter.replace(" ", "").removeprefix("q=") in _NOT_AT_ALL for parameter in parameters)
    return False
