"""Answers from the surveys of its layers what all files of an image mean for one process in it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from scanner.binary.program.survey.survey_files import names_in
from scanner.binary.program.survey.survey_merge import merge
from scanner.domain.failure import Failure
from scanner.domain.image.image_survey import ImageSurvey, LayerSurvey, Survey
from scanner.domain.image.reference import by_digest
from scanner.domain.platform.platform import canonical
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.survey_ways import INTERPRETERS, SurveyedProcess, survey_of
from scanner.domain.verdict.verdict import Depth

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scanner.domain.facts import Process
    from scanner.domain.image.offers import ImageFacts, Layer, Offer, Program
    from scanner.domain.image.reference import ImageReference
    from scanner.scan.images.layer_surveys import LayerSurveys
    from scanner.scan.ports import ImageResolver

MAX_REMEMBERED = 10_000
"""Surveys kept in memory, some 4 KiB each; the layers' are in the store."""

AT_ONCE_BYTES = 128 * 1024 * 1024
"""Of layers that another CPU's image shares: whoever waits for a verdict does not wait for more than a distribution's base
(Debian's has 48 MiB, Ubuntu's 30), which is where the wrong userland lies; the service reads the larger ones."""

_SIBLINGS = ("amd64", "arm64")
"""Whose layers are compared: one of these two is in every index that a base of one platform could have spoiled."""


class Rank(IntEnum):
    """Who is surveyed first: plans, what a tag means today, what a container was made from."""

    PLANNED = 1
    MOVED = 2
    EXISTING = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """A survey that a judgement lacks: of all layers of an offer (``whole``), or of those that another CPU's shares."""

    reference: ImageReference
    image: ImageFacts
    offer: Offer
    whole: bool
    rank: Rank

    @property
    def key(self) -> tuple[str, bool]:
        """What makes two of them one."""
        return (self.offer.digest, self.whole)


@dataclass(frozen=True, slots=True)
class Subject:
    """The process in an image from which its files are looked at."""

    offer: Offer
    override: Process | None
    program: Program
    checks: tuple[tuple[str, ...], ...] = ()

    @property
    def asked(self) -> SurveyedProcess:
        """The words and files on its way."""
        said = [process for process in (self.override, self.offer.process) if process is not None]
        chain = self.program.chain
        words = (word for argv in (self.program.argv, *self.checks) for word in argv)
        named = [path for word in words for path in _paths_in(word)]
        return SurveyedProcess(
            path=next((process.path for process in said if process.path is not None), None),
            cwd=next((process.working_dir for process in said if process.working_dir), "/"),
            named=tuple(dict.fromkeys([*(file.path for file in chain), *named])),
            starts_units=bool(chain) and chain[0].path.rpartition("/")[2] in {"systemd", "init"},
            loads=any(INTERPRETERS.match(file.path.rpartition("/")[2]) for file in chain),
        )


class ImageSurveys:
    """Answers from what is stored, reads what is not. ``max_image_bytes`` bounds what is read of one image."""

    def __init__(self, layers: LayerSurveys, resolver: ImageResolver, max_image_bytes: int) -> None:
        self._layers, self._resolver, self._max_image_bytes = layers, resolver, max_image_bytes
        self._shared: OrderedDict[str, tuple[Layer, ...]] = OrderedDict()
        self._known: OrderedDict[tuple[object, ...], Survey] = OrderedDict()

    def has_any(self, wanted: Wanted) -> bool:
        """Whether there can be something to survey: what another CPU's image shares is a question of indexes alone."""
        if wanted.whole:
            return True
        return sibling_of(wanted.image, wanted.offer) is not None and self._shared.get(wanted.offer.digest) != ()

    async def of(self, wanted: Wanted, subject: Subject, *, now: bool) -> Survey | Failure | None:
        """The survey of an image for one process, made ``now`` or else ``None`` where it is not there yet."""
        asked = subject.asked
        key = (*wanted.key, asked)
        if known := self._known.get(key):
            self._known.move_to_end(key)
            return known
        chosen = self._shared.get(wanted.offer.digest) if not wanted.whole else wanted.offer.layers
        if chosen is None and now:
            chosen = await self._sharing(wanted)
        at_once = now and (wanted.whole or sum(layer.size for layer in chosen or ()) <= AT_ONCE_BYTES)
        surveys = await self._of_layers(wanted.reference, chosen, read=at_once) if chosen else None
        if surveys is None or isinstance(surveys, Failure):
            return surveys
        survey = await asyncio.to_thread(_judged, surveys, asked, whole=wanted.whole)
        self._known[key] = survey
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        return survey

    async def make(self, wanted: Wanted, grant: Callable[[int], bool]) -> int | Failure:
        """Read what a survey lacks, so that the next judgement finds it; how many bytes that took, or why it failed.

        Nothing is read that ``grant``, asked for so many bytes, refuses: then the answer is ``survey_pending``.
        """
        chosen = wanted.offer.layers if wanted.whole else await self._sharing(wanted)
        missing = sum([layer.size for layer in chosen if await self._layers.known(layer) is None])
        if missing and not grant(missing):
            return Failure(Reason.SURVEY_PENDING, f"{missing} bytes are to be read, more than today's budget still has")
        found = await self._of_layers(wanted.reference, chosen, read=True)
        return found if isinstance(found, Failure) else missing

    async def files(self, reference: ImageReference, offer: Offer) -> ImageSurvey | Failure:
        """Every file of an image, read at once."""
        found = await self._of_layers(reference, offer.layers, read=True)
        if found is None or isinstance(found, Failure):
            return found or Failure(Reason.LAYER_LIMIT, "its layers were not read")
        return await asyncio.to_thread(merge, found)

    async def close(self) -> None:
        """Give up what is under way."""
        await self._layers.close()

    async def _of_layers(
        self, reference: ImageReference, layers: Sequence[Layer], *, read: bool
    ) -> list[LayerSurvey] | Failure | None:
        """The surveys of layers in their order; ``None`` where one is not there and may not be read."""
        size = sum(layer.size for layer in layers)
        if size > self._max_image_bytes:
            return _too_large(size, self._max_image_bytes)
        if read:
            found: Sequence[LayerSurvey | Failure | None] = await asyncio.gather(
                *(self._layers.read(reference, layer) for layer in layers)
            )
        else:
            found = [await self._layers.known(layer) for layer in layers]
        failure = next((each for each in found if isinstance(each, Failure)), None)
        if failure is not None:
            return failure
        surveys = [each for each in found if isinstance(each, LayerSurvey)]
        return surveys if len(surveys) == len(layers) else None

    async def _sharing(self, wanted: Wanted) -> tuple[Layer, ...]:
        """The layers of an offer that the one for another CPU in the same index has too: from manifests alone."""
        known = self._shared.get(wanted.offer.digest)
        if known is not None:
            return known
        sibling = sibling_of(wanted.image, wanted.offer)
        layers: tuple[Layer, ...] = ()
        if sibling is not None:
            same = by_digest(wanted.reference, wanted.image.digest)
            deep = await self._resolver.resolve(same, depth=Depth.CONFIG, wanted=lambda entry: entry == sibling.entry)
            if isinstance(deep, Failure):
                return ()
            theirs = {layer.digest for offer in deep.offers if offer.digest == sibling.digest for layer in offer.layers}
            layers = tuple(layer for layer in wanted.offer.layers if layer.digest in theirs)
        self._shared[wanted.offer.digest] = layers
        if len(self._shared) > MAX_REMEMBERED:
            self._shared.popitem(last=False)
        return layers


@dataclass(frozen=True, slots=True)
class Surveying:
    """What one scan may ask of the surveys: those that are there, all of them ``now``, or to be told what it lacks.

    What is not read within ``deadline_s`` of now is read on for the next who asks, and pending for this one.
    """

    surveys: ImageSurveys
    now: bool = False
    want: Callable[[Wanted], None] | None = None
    deadline_s: float | None = None

    async def of(self, wanted: Wanted, subject: Subject) -> Survey | Failure | None:
        """The survey of an image for one process; ``None`` where there is none, or none yet."""
        try:
            async with asyncio.timeout(self.deadline_s if self.now else None):
                found = await self.surveys.of(wanted, subject, now=self.now)
        except TimeoutError:
            found = None
        if found is None and self.want is not None and self.surveys.has_any(wanted):
            self.want(wanted)
        return found


def sibling_of(image: ImageFacts, offer: Offer) -> Offer | None:
    """The offer for another CPU in the same index whose layers are compared."""
    own = offer.platform
    if own is None or not image.is_index:
        return None
    others = [o for o in image.offers if o.entry and canonical(o.entry).architecture != canonical(own).architecture]
    by_architecture = {canonical(o.entry).architecture: o for o in reversed(others) if o.entry and o.entry.os == own.os}
    return next((by_architecture[name] for name in _SIBLINGS if name in by_architecture), None)


def _judged(surveys: list[LayerSurvey], asked: SurveyedProcess, *, whole: bool) -> Survey:
    return survey_of(merge(surveys), asked, whole=whole)


def _paths_in(word: str) -> tuple[str, ...]:
    """A word that is a path, or the paths that a command line in one word mentions."""
    if word.startswith("/") and not word.strip("/").count(" "):
        return (word,)
    return names_in(word.encode("utf-8", "replace")) or ()


def _too_large(size: int, limit: int) -> Failure:
    detail = f"its layers are {size} bytes long, more than scan.surveys.max_image_bytes ({limit}) allows to be read"
    return Failure(Reason.LAYER_LIMIT, detail, setting="scan.surveys.max_image_bytes")
