"""Each layer's blob is read once, ever: equal questions share one reading, answers are kept."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

from scanner.domain.failure import Failure
from scanner.scan.images.under_way import UnderWay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scanner.domain.image.image_survey import LayerSurvey
    from scanner.domain.image.offers import Layer
    from scanner.domain.image.reference import ImageReference

MAX_HELD = 8
"""Surveys held in memory where no store keeps them, of at most 30 MiB each; those of an image are asked for in a row."""

FAILURE_KEPT_S = 3600.0
"""How long a layer that could not be read is left alone."""

MAX_FAILURES = 10_000
"""Failures remembered; the oldest go first."""


class SurveyCache(Protocol):
    """Keeps surveys of layers for ever, for a digest never means anything else."""

    async def get_survey(self, layer: str, tool: str) -> LayerSurvey | None:
        """What was found before by the same version of the survey."""

    async def put_survey(self, layer: str, tool: str, survey: LayerSurvey) -> None:
        """Keep it."""


class LayerSurveys:
    """Reads layers, ``per_registry`` of one registry at once; ``read`` streams one."""

    def __init__(  # noqa: PLR0913 -- each is one independent collaborator
        self,
        read: Callable[[ImageReference, Layer], Awaitable[LayerSurvey | Failure]],
        cache: SurveyCache | None = None,
        tool: str = "",
        *,
        per_registry: int = 2,
        on_read: Callable[[int], None] = lambda _bytes: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read, self._cache, self._tool, self._clock = read, cache, tool, clock
        self._per_registry, self._on_read = per_registry, on_read
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._held: OrderedDict[str, LayerSurvey] = OrderedDict()
        self._failures: OrderedDict[str, tuple[Failure, float]] = OrderedDict()
        self._under_way: UnderWay[LayerSurvey | Failure] = UnderWay()

    async def known(self, layer: Layer) -> LayerSurvey | Failure | None:
        """What is known of a layer without reading it: its survey, why it could not be read lately, or nothing."""
        if held := self._held.get(layer.digest):
            return held
        stored = await self._cache.get_survey(layer.digest, self._tool) if self._cache else None
        return stored or self._failure(layer)

    async def read(self, reference: ImageReference, layer: Layer) -> LayerSurvey | Failure:
        """The survey of a layer, which is read unless it is known."""
        known = await self.known(layer)
        if known is not None:
            return known
        return await self._under_way.of(layer.digest, lambda: self._look(reference, layer))

    async def close(self) -> None:
        """Give up what is under way."""
        await self._under_way.close()

    async def _look(self, reference: ImageReference, layer: Layer) -> LayerSurvey | Failure:
        turn = self._turns.setdefault(reference.registry, asyncio.Semaphore(self._per_registry))
        async with turn:
            found = await self._read(reference, layer)
        self._on_read(layer.size)
        if isinstance(found, Failure):
            self._failures[layer.digest] = (found, self._clock())
            if len(self._failures) > MAX_FAILURES:
                self._failures.popitem(last=False)
            return found
        if self._cache:
            await self._cache.put_survey(layer.digest, self._tool, found)
        else:
            self._held[layer.digest] = found
            if len(self._held) > MAX_HELD:
                self._held.popitem(last=False)
        return found

    def _failure(self, layer: Layer) -> Failure | None:
        failure, at = self._failures.get(layer.digest, (None, 0.0))
        return failure if failure is not None and self._clock() - at < FAILURE_KEPT_S else None
