"""The bodies of requests, each field with its bounds."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from scanner.domain.override import names_something
from scanner.domain.waiver import ANY, BESIDE, Waiver, end_of_day, misfits, patterns, writable

MAX_IMAGES = 64
"""One deployment; a pipeline with more of them asks once per service."""

MAX_REFERENCE_CHARS = 512
"""Longer than any registry takes; checked before anything parses it."""

MAX_PATTERNS = 64

MAX_PLATFORMS = 16
"""An image that is built for more is checked for those that the fleet has."""

MAX_ARGUMENTS = 256
"""Words of a command."""

MAX_FILES = 256
"""Files of one deployment; a repository of more asks for each part of it."""

MAX_FILE_CHARS = 1 << 20
"""A body has no more; with a bound a text is also held to be one, which half of a surrogate pair is not."""

MAX_LOG_CHARS = 32 << 10
"""The last screens of a log, where the cause stands."""


def _day_lasts(value: object) -> object:
    try:
        return (isinstance(value, str) and end_of_day(value)) or value
    except ValueError:
        return value  # no day; what it is instead is said of a moment


Reference = Annotated[str, StringConstraints(min_length=1, max_length=MAX_REFERENCE_CHARS)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=253)]
ImagePattern = Annotated[str, StringConstraints(min_length=1, max_length=MAX_REFERENCE_CHARS)]
PlatformName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Argument = Annotated[str, StringConstraints(max_length=8192)]
End = Annotated[
    AwareDatetime,
    BeforeValidator(_day_lasts),
    AfterValidator(writable),
    WithJsonSchema({"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]}),
]
"""A moment with its zone, or a day until its end in UTC, as the configuration file has it."""
FileName = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^/\x00-\x1f][^\x00-\x1f]*$")]
FileText = Annotated[str, StringConstraints(max_length=MAX_FILE_CHARS)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScanRequest(_Body):
    """Which inventory hosts to scan now: globs, all of them where there is none."""

    hosts: tuple[Pattern, ...] = Field(default=(), max_length=MAX_PATTERNS)


class ImageRequest(_Body):
    """An image with what is said beside it; what is null is the image's own."""

    image: Reference
    entrypoint: tuple[Argument, ...] | None = Field(default=None, max_length=MAX_ARGUMENTS)
    command: tuple[Argument, ...] | None = Field(default=None, max_length=MAX_ARGUMENTS)
    platform: PlatformName | None = None
    workload: Annotated[str, StringConstraints(max_length=253)] = ""


class CheckRequest(_Body):
    """May these images, or what these files plan, go to inventory hosts (globs, labels) or to plain hosts of platforms?

    ``files`` are Compose projects, stacks, Kubernetes manifests, quadlets, units by their paths, the texts whole.
    """

    images: tuple[Reference | ImageRequest, ...] = Field(default=(), max_length=MAX_IMAGES)
    files: dict[FileName, FileText] = Field(default_factory=dict, max_length=MAX_FILES)
    hosts: tuple[Pattern, ...] = Field(default=(), max_length=MAX_PATTERNS)
    platform: PlatformName | None = None
    platforms: tuple[PlatformName, ...] = Field(default=(), max_length=MAX_PLATFORMS)

    @model_validator(mode="after")
    def _one_destination(self) -> CheckRequest:
        if not self.images and not self.files:
            raise ValueError("give images or files")
        if self.platform is not None and self.platforms:
            raise ValueError("give either platform or platforms")
        if self.hosts and self.destinations:
            raise ValueError("give either hosts or platforms, not both")
        if not self.hosts and not self.destinations:
            empty = sorted(self.model_fields_set & {"hosts", "platforms"})
            raise ValueError(
                f"{' and '.join(empty)} must not be empty: name where it is to go"
                if empty
                else "give hosts or platforms"
            )
        return self

    @property
    def destinations(self) -> tuple[str, ...]:
        """The platforms whose plain hosts are asked about."""
        return self.platforms or (() if self.platform is None else (self.platform,))


class OverrideRequest(_Body):
    """Somebody answers for images that the gate would not let through, until a moment."""

    owner: Words
    reason: Words
    until: End
    image: ImagePattern
    host: Pattern = ANY

    @model_validator(mode="after")
    def _is_narrow(self) -> OverrideRequest:
        if not names_something(self.image):
            raise ValueError("name an image: nobody answers for everything")
        return self


class ExplainRequest(_Body):
    """A log excerpt or error message."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_LOG_CHARS)]


class WaiverMatch(_Body):
    """What a waiver covers, as ``match`` of the configuration file has it: every pattern given must fit."""

    host: Pattern = ANY
    image: ImagePattern = ANY
    workload: Pattern = ANY
    reason: Pattern = ANY


class WaiverRequest(_Body):
    """Somebody answers for what matches, until a moment; at least one pattern, in ``match`` or beside it, must narrow it."""

    owner: Words
    reason: Words
    until: End
    match: WaiverMatch = WaiverMatch()
    host: Pattern = ANY
    image: ImagePattern = ANY
    workload: Pattern = ANY
    finding_reason: Pattern = ANY

    @model_validator(mode="after")
    def _is_narrow(self) -> WaiverRequest:
        for place, why in misfits(dict(self.match), self._beside):
            raise ValueError(why if place == ("match",) else f"{'.'.join(place)}: {why}")
        return self

    @property
    def _beside(self) -> dict[str, str]:
        return {own: getattr(self, own) for own in BESIDE.values()}

    @property
    def waiver(self) -> Waiver:
        """It as a waiver that has no id yet."""
        given = patterns(dict(self.match), self._beside)
        host, image, workload, reason = (given[name] for name in BESIDE)
        return Waiver("", self.owner, self.reason, self.until.timestamp(), host, image, workload, reason)


class RollbackRequest(_Body):
    """Which workload of which host to bring back; ``to`` is a digest, the last release that started without it."""

    host: Pattern
    workload: Annotated[str, StringConstraints(min_length=1, max_length=MAX_REFERENCE_CHARS)]
    to: Annotated[str, StringConstraints(pattern=r"^(sha256:)?[0-9a-f]{12,64}$")] | None = None
    dry_run: bool = False


class ConfirmRequest(_Body):
    """Go on with a plan; ``accept_cautions`` says that what speaks against it was read."""

    accept_cautions: bool = False


class StepRequest(_Body):
    """A step that an agent is about to do, with how the host stands."""

    step: Annotated[str, StringConstraints(pattern=r"^(find|prepare|switch|undo|finish|resume)$")]
    detail: Annotated[str, StringConstraints(max_length=1000)] = ""


class EndRequest(_Body):
    """How a rollback ended."""

    outcome: Annotated[str, StringConstraints(pattern=r"^(done|undone|refused)$")]
    detail: Annotated[str, StringConstraints(max_length=1000)] = ""
