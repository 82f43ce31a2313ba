"""Which findings a reader asked for."""

from __future__ import annotations

import base64
import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from scanner.domain.verdict.reason import Reason, Status
from scanner.formats.documents import lenient_json
from scanner.web.http.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scanner.domain.report import Finding

MAX_PATTERN_CHARS = 512
"""As long as the longest image reference."""

MAX_PAGE = 10_000
"""Findings or hosts in one answer; a fleet of ten thousand hosts is read in pages."""


class HostQuery(BaseModel):
    """The query of ``/api/v1/hosts``: ``cursor`` is what the page before gave as ``next_cursor``.

    It names the last host of that page, so that a host that comes or goes meanwhile moves no other.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=1000, ge=1, le=MAX_PAGE)
    cursor: str = Field(default="", max_length=MAX_PATTERN_CHARS)


MAX_CURSOR_CHARS = 4096
"""The key of a finding, whose names are as long as hosts let them be."""


class FindingFilter(BaseModel):
    """The query of ``/api/v1/findings``; patterns are globs, several statuses or reasons are alternatives."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: tuple[Status, ...] = Field(default=(), max_length=len(Status))
    reason: tuple[Reason, ...] = Field(default=(), max_length=len(Reason))
    host: str = Field(default="*", max_length=MAX_PATTERN_CHARS)
    image: str = Field(default="*", max_length=MAX_PATTERN_CHARS)
    workload: str = Field(default="*", max_length=MAX_PATTERN_CHARS)
    limit: int = Field(default=1000, ge=1, le=MAX_PAGE)
    offset: int = Field(default=0, ge=0, le=10_000_000)
    cursor: str = Field(default="", max_length=MAX_CURSOR_CHARS, description="next_cursor of the page before.")

    @property
    def names_host(self) -> bool:
        """Whether ``host`` is a name, and no pattern."""
        return not any(mark in self.host for mark in "*?[")

    def begin(self, found: Sequence[Finding]) -> int:
        """Where the page begins: behind the finding that the cursor names, wherever a newer report has it now.

        Raises:
            Problem: 400, the cursor is none of ours.
        """
        if not self.cursor:
            return self.offset
        offset, key = _opened(self.cursor)
        if 0 < offset <= len(found) and list(found[offset - 1].key) == key:
            return offset
        return next((place + 1 for place, finding in enumerate(found) if list(finding.key) == key), offset)

    def select(self, findings: Iterable[Finding]) -> list[Finding]:
        """All findings that match, page or not."""
        return [finding for finding in findings if self._matches(finding)]

    def _matches(self, finding: Finding) -> bool:
        workload, verdict = finding.workload, finding.verdict
        return (
            (not self.status or verdict.status in self.status)
            and (not self.reason or verdict.reason in self.reason)
            and _fits(workload.host, self.host)
            and _fits(workload.image, self.image)
            and _fits(workload.name, self.workload)
        )


def cursor_at(found: Sequence[Finding], end: int) -> str | None:
    """What the next page is asked for with; ``None`` where this was the last."""
    if end >= len(found):
        return None
    return base64.urlsafe_b64encode(json.dumps([end, *found[end - 1].key]).encode()).decode()


def _opened(cursor: str) -> tuple[int, list[str]]:
    try:
        offset, *key = lenient_json.loads(base64.urlsafe_b64decode(cursor))
    except (ValueError, TypeError):
        raise Problem(400, "cursor_invalid", "cursor is a next_cursor of this endpoint, as it was given") from None
    if type(offset) is not int or offset < 0:
        raise Problem(400, "cursor_invalid", "cursor is a next_cursor of this endpoint, as it was given")
    return offset, key


def _fits(text: str, pattern: str) -> bool:
    return pattern in ("*", text) or fnmatchcase(text, pattern)


def containing(words: str) -> str:
    """What somebody typed into a search field, as a glob."""
    words = words.strip()
    return words if any(mark in words for mark in "*?[") else f"*{words}*"
