"""The question that the gate is asked: what is about to be deployed where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.domain.facts import Source
from scanner.domain.failure import Failure
from scanner.domain.image.mistyped import meant
from scanner.domain.image.reference import image_reference
from scanner.domain.plan import Plan
from scanner.domain.verdict.reason import Reason
from scanner.probe.planned.folder import FolderPlans, Gap
from scanner.service.answers import Refusal, RefusalReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scanner.domain.image.reference import ImageReference
    from scanner.domain.platform.platform import Platform

_BUILT = Failure(
    Reason.IMAGE_LOCAL_ONLY,
    "it is built where it runs, so that no registry has it: save what was built, and check that (oci-archive:FILE)",
)


MAX_SHOWN_CHARS = 200
"""Of a text that is no reference: enough to find it again in what was typed."""


def named_image(text: str) -> ImageReference | Refusal:
    """The image that somebody names, never by a URL: where a registry is, only the configuration says (CVE-2020-16248)."""
    found = image_reference(text)
    if isinstance(found, Failure):
        hint = meant(text[:MAX_SHOWN_CHARS])
        why = f"{text[:MAX_SHOWN_CHARS]!r} is not an image reference: {found.detail}" + (f"; {hint}" if hint else "")
        return Refusal(RefusalReason.REFERENCE_INVALID, why)
    return found


@dataclass(frozen=True, slots=True)
class Destination:
    """Inventory hosts by patterns, or plain hosts of platforms; exactly one of the two."""

    hosts: tuple[str, ...] = ()
    platforms: tuple[Platform, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """Images with what is said beside them, and what files plan; ``is_built_there``: by the engine that runs it."""

    images: tuple[Plan, ...] = ()
    files: FolderPlans = field(default_factory=FolderPlans)
    is_built_there: bool = False

    @classmethod
    def of(cls, images: Iterable[str]) -> Question:
        """Images as they are, as their references are written."""
        return cls(tuple(Plan(image) for image in images))

    @property
    def plans(self) -> Iterator[Plan]:
        """Everything that is planned."""
        yield from self.images
        yield from (one.planned for one in self.files.filed)

    @property
    def written(self) -> tuple[str, ...]:
        """The images, each once, as their references are written; those that are built where they run are none."""
        return tuple(dict.fromkeys(plan.image for plan in self.plans if not plan.build_only))

    @property
    def references(self) -> dict[str, ImageReference | Failure]:
        """What the images are called, by how that is written."""
        return {plan.image: plan.reference for plan in self.plans if not plan.build_only}

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What of the question cannot be judged: what files leave open, and what is built where it runs."""
        built = (
            Gap(one.planned.workload or one.planned.image, one.planned.source or Source.INVENTORY, _BUILT, one.file)
            for one in self.files.filed
            if one.planned.build_only and not self.is_built_there
        )
        return (*self.files.gaps, *built)

    @property
    def planned_files(self) -> FolderPlans:
        """What files plan, as a scan takes it, which tells by itself of what is built there for another platform."""
        filed = tuple(one for one in self.files.filed if self.is_built_there or not one.planned.build_only)
        return FolderPlans(filed, self.gaps)
