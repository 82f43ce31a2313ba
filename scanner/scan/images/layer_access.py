"""Opens layers for those who look into images: a program's chain of files, all files of a layer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from scanner.binary.inspect import inspect
from scanner.binary.layers.limits import LayerLimits
from scanner.binary.program import argv
from scanner.binary.program.survey.survey import read_layer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from scanner.binary.layers.source import OpenLayer
    from scanner.domain.facts import Process
    from scanner.domain.failure import Failure
    from scanner.domain.image.image_survey import LayerSurvey
    from scanner.domain.image.offers import Layer, Offer, Program
    from scanner.domain.image.reference import ImageReference

INSPECTION = "23"
"""Raised whenever the inspection of binaries learns to see more, so that what older versions stored is looked at anew."""

SURVEY = "3"
"""Raised whenever the survey of layers learns to see more, so that layers are read anew."""

SURVEY_LIMITS = LayerLimits(read_s=1800.0)
"""Of one layer: 4 GiB at 2.5 MB/s, which a busy registry gives to whoever is in no hurry."""


class LayerStore(Protocol):
    """Who has the layers of images: registries, or archives before them."""

    def may_stop_early(self, reference: ImageReference) -> bool:
        """Whether it is believed before a digest could be checked."""

    def open_layer(
        self,
        reference: ImageReference,
        layer: Layer,
        start: int = 0,
        end: int | None = None,
        *,
        deadline_s: float | None = None,
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The layer's stored bytes from ``start`` to ``end``."""


@dataclass(frozen=True, slots=True)
class LayerAccess:
    """Looks into the images of ``images``."""

    images: LayerStore

    async def inspect(self, reference: ImageReference, offer: Offer, override: Process | None) -> Program:
        """What argv resolves to in one manifest."""
        early_stop = self.images.may_stop_early(reference)
        return await inspect(offer, override, self._opener(reference), early_stop=early_stop)

    async def survey(self, reference: ImageReference, layer: Layer) -> LayerSurvey | Failure:
        """Every file of one layer that could be executed or loaded."""
        return await read_layer(layer, self._opener(reference, SURVEY_LIMITS.read_s), SURVEY_LIMITS)

    def _opener(self, reference: ImageReference, deadline_s: float | None = None) -> OpenLayer:
        def open_layer(
            layer: Layer, start: int = 0, end: int | None = None
        ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
            return self.images.open_layer(reference, layer, start, end, deadline_s=deadline_s)

        return open_layer


def inspection_key(offer: Offer, override: Process | None) -> tuple[str, ...]:
    """What an inspection's answer depends on beside the manifest."""
    command = argv.resolve(offer.process, override)
    known = (
        sorted(command.env.items(), key=str),
        command.env_known,
        command.user,
        command.init,
        command.written,
        command.privileges,
        command.read_only,
        command.input,
    )
    around = repr((known, command.mounts, command.volumes))
    return (command.cwd, hashlib.sha256(around.encode("utf-8", "surrogatepass")).hexdigest(), *command.argv)
