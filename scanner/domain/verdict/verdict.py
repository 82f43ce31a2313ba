"""The judgement as a value: a reason, the evidence for it, what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import STATUS_OF, Reason, Status

if TYPE_CHECKING:
    from scanner.domain.failure import Failure
    from scanner.domain.image.offers import BuiltFrom
    from scanner.domain.image.reference import Digest
    from scanner.domain.platform.platform import Platform


class Depth(StrEnum):
    """How many layers of evidence are asked for: the index, the config as well, the binary as well, all files always."""

    INDEX = "index"
    CONFIG = "config"
    BINARY = "binary"
    FULL = "full"

    @property
    def opens_programs(self) -> bool:
        """Whether the files that argv leads to are read."""
        return self in {Depth.BINARY, Depth.FULL}


class NextPull(StrEnum):
    """What the tag of an existing container means today, which is an answer beside its verdict."""

    NOT_ASKED = ""
    STARTS = "starts"
    BREAKS = "breaks"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One layer's testimony.

    ``layer`` is host, engine, local, index, config, binary, layer, survey, kernel, runtime, next_pull.
    """

    layer: str
    says: str


NOT_READ_TO_ITS_END = "layer not read to its end"
"""How evidence ends that rests on bytes which nobody held to their digest."""


@dataclass(frozen=True, slots=True)
class Fix:
    """What makes it right: a sentence, then the exact commands, in order."""

    summary: str = ""
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one workload; its status follows from its reason.

    ``digest`` is the manifest that was judged, ``None`` where none was known. ``failure`` is why something is not known, where that concerns a host, an address, a file or a setting. ``built_from``
    is what the image's own labels say of its source.
    """

    reason: Reason
    detail: str = ""
    evidence: tuple[Evidence, ...] = ()
    fix: Fix = Fix()
    offered: tuple[Platform, ...] = ()
    digest: Digest | None = None
    next_pull: NextPull = NextPull.NOT_ASKED
    failure: Failure | None = None
    built_from: BuiltFrom | None = None

    @property
    def status(self) -> Status:
        """The status that the reason stands for."""
        return STATUS_OF[self.reason]

    @property
    def rests_on_part(self) -> bool:
        """Whether it rests on a layer that was not read to its end."""
        return any(found.says.endswith(NOT_READ_TO_ITS_END) for found in self.evidence if found.layer == "layer")
