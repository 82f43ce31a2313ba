"""Beside a failure, what the image offered when it was last seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from scanner.domain.image.offers import ImageFacts

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.domain.failure import Failure
    from scanner.domain.image.reference import ImageReference
    from scanner.domain.platform.platform import Platform
    from scanner.domain.verdict.verdict import Depth
    from scanner.registry.client import StaleFacts

MAX_PLATFORMS_NAMED = 8
"""Platforms in one line of detail; the largest real images offer thirty."""

_AGES = ((86400 * 7, "a week"), (86400, "a day"), (3600 * 6, "6 h"), (3600, "1 h"), (600, "10 min"), (60, "1 min"))
"""Ages in few steps: a detail that changed with each scan would be written anew for each finding of an outage."""


class Resolver(Protocol):
    """What ``client.Registry`` does."""

    async def resolve(
        self, reference: ImageReference, *, depth: Depth, wanted: Callable[[Platform | None], bool] | None = None
    ) -> ImageFacts | Failure:
        """What a reference offers."""

    def stale(self, reference: ImageReference) -> StaleFacts | None:
        """The last facts that were proved, however old."""


@dataclass(frozen=True, slots=True)
class StaleFallback:
    """Resolves as ``source`` does; a failure stays one, it only says more."""

    source: Resolver

    async def resolve(
        self, reference: ImageReference, *, depth: Depth, wanted: Callable[[Platform | None], bool] | None = None
    ) -> ImageFacts | Failure:
        """What a reference offers, or why that is not known, with what was last known of it."""
        found = await self.source.resolve(reference, depth=depth, wanted=wanted)
        if isinstance(found, ImageFacts):
            return found
        last = self.source.stale(reference)
        return found if last is None else replace(found, detail=f"{found.detail}; {seen(last)}".removeprefix("; "))


def seen(last: StaleFacts) -> str:
    """``last seen over 10 min ago (2026-11-23T05:58:12Z) offering linux/amd64``."""
    names = [str(platform) for platform in last.facts.platforms]
    offered = ", ".join(names[:MAX_PLATFORMS_NAMED]) + (" …" if len(names) > MAX_PLATFORMS_NAMED else "")
    moment = datetime.fromtimestamp(last.facts.taken_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"last seen {_age(last.age_s)} ago ({moment}) offering {offered or 'no platform that it names'}"


def _age(age_s: float) -> str:
    return next((f"over {name}" for least_s, name in _AGES if age_s >= least_s), "less than 1 min")
