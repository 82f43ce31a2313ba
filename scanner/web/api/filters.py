"""Which findings a reader asked for."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from scanner.domain.verdict.reason import Reason, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.domain.report import Finding

MAX_PATTERN_CHARS = 512
"""As long as the longest image reference."""

MAX_PAGE = 10_000
"""Findings in one answer; a fleet of ten thousand hosts is read in pages."""


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


def _fits(text: str, pattern: str) -> bool:
    return pattern in ("*", text) or fnmatchcase(text, pattern)


def containing(words: str) -> str:
    """What somebody typed into a search field, as a glob."""
    words = words.strip()
    return words if any(mark in words for mark in "*?[") else f"*{words}*"
