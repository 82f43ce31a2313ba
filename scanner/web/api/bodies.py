"""What requests carry, each field with its bounds."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

MAX_IMAGES = 64
"""One deployment; a pipeline with more of them asks once per service."""

MAX_REFERENCE_CHARS = 512
"""Longer than any registry takes; checked before anything parses it."""

MAX_PATTERNS = 64

MAX_LOG_CHARS = 32 << 10
"""The last screens of a log, where the cause stands."""

Reference = Annotated[str, StringConstraints(min_length=1, max_length=MAX_REFERENCE_CHARS)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=253)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScanRequest(_Body):
    """Which inventory hosts to scan now: globs, all of them where there is none."""

    hosts: tuple[Pattern, ...] = Field(default=(), max_length=MAX_PATTERNS)


class CheckRequest(_Body):
    """May these images go to inventory hosts (globs), or to a plain host of a platform?"""

    images: tuple[Reference, ...] = Field(min_length=1, max_length=MAX_IMAGES)
    hosts: tuple[Pattern, ...] = Field(default=(), max_length=MAX_PATTERNS)
    platform: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None

    @model_validator(mode="after")
    def _one_destination(self) -> CheckRequest:
        if bool(self.hosts) == (self.platform is not None):
            raise ValueError("give either hosts or platform")
        return self


class ExplainRequest(_Body):
    """A log excerpt or error message."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_LOG_CHARS)]


class WaiverRequest(_Body):
    """Somebody answers for what matches, until a moment; at least one pattern must narrow it."""

    owner: Words
    reason: Words
    until: AwareDatetime
    host: Pattern = "*"
    image: Annotated[str, StringConstraints(min_length=1, max_length=MAX_REFERENCE_CHARS)] = "*"
    workload: Pattern = "*"
    finding_reason: Pattern = "*"

    @model_validator(mode="after")
    def _is_narrow(self) -> WaiverRequest:
        if {self.host, self.image, self.workload, self.finding_reason} == {"*"}:
            raise ValueError("name a host, image, workload or finding_reason: nobody answers for everything")
        return self
