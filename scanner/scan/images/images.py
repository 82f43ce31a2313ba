"""Learns of each workload's image what must be known before it can be judged."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.domain.facts import HostFacts, LocalImage, Process, Stage, Workload
from scanner.domain.failure import Failure
from scanner.domain.image.healthcheck import checks_of
from scanner.domain.image.offers import ImageFacts, Offer, Program
from scanner.domain.image.reference import DEFAULT_REGISTRY
from scanner.domain.image.selection import Outcome, select
from scanner.domain.platform.platform import canonical
from scanner.domain.verdict.engine import engine_of, kernel_of
from scanner.domain.verdict.made_from import running_offer
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from scanner.domain.verdict.started import kernel_shows
from scanner.domain.verdict.verdict import Depth
from scanner.scan.aside import AT_ONCE
from scanner.scan.images.image_surveys import Rank, Subject, Surveying, Wanted
from scanner.scan.pace import Pace
from scanner.scan.questions import QuestionNote

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.domain.image.reference import ImageReference
    from scanner.domain.platform.platform import Platform
    from scanner.scan.ports import BinaryInspector, HeldImages, ImageResolver, MissingPart

LOCAL_REGISTRY = "localhost"
"""The registry part that Podman gives to images built on the host; nothing listens there."""

MAX_REPO_DIGESTS = 4
"""Names tried for one image: Podman lists every name with every digest, though not every pair was ever pushed."""

_GONE = {Reason.IMAGE_NOT_FOUND, Reason.IMAGE_TAG_MISSING}


@dataclass(frozen=True, slots=True)
class Known:
    """What the judge is given: the image that runs (or will), and what its tag means today."""

    image: ImageFacts | Failure | None
    next_pull: ImageFacts | Failure | None = None


async def nobody_asks(_reference: ImageReference, _offer: Offer) -> Failure | None:
    """Where nobody is asked, nothing is known to be missing."""
    return None


async def nobody_holds(
    _reference: ImageReference, *, depth: Depth, wanted: Callable[[Platform | None], bool] | None = None
) -> ImageFacts | Failure | None:
    """Where nothing is kept, registries are asked."""
    del depth, wanted
    return None


@dataclass(frozen=True, slots=True)
class Images:
    """Finds out about images, as deep as ``depth`` asks for.

    ``missing_part`` is asked before a planned start alone: what runs needs no pull, so that of its digest what is
    ``held`` will do.
    """

    registry: ImageResolver
    inspect: BinaryInspector
    depth: Depth = Depth.BINARY
    missing_part: MissingPart = nobody_asks
    surveys: Surveying | None = None
    held: HeldImages = nobody_holds
    pace: Pace = field(default_factory=lambda: Pace(AT_ONCE))

    async def known(self, host: HostFacts, workload: Workload, note: QuestionNote | None = None) -> Known:
        """Everything the judgement of this workload rests on; what was asked for it is taken down in ``note``."""
        note = note or QuestionNote()
        if workload.stage is Stage.PLANNED:
            return Known(await self._whole(workload, await self._if_pulled(host, workload, note), note))
        if workload.local is None:
            return Known(await self._if_pulled(host, workload, note))
        if _is_named_alone(workload, workload.local):
            own = await self._by_its_tag(_Asker(host, workload, Rank.EXISTING, note), workload.local)
            if own is not None:
                return Known(own)
        # The tag first: where it has not moved, its answer proves the digest too.
        ahead = await self._if_pulled(host, workload, note) if _tag(workload) else None
        running = await self._running(host, workload, workload.local, note)
        if isinstance(running, Failure) and running.reason in _GONE:
            running = None
        same = isinstance(running, ImageFacts) and isinstance(ahead, ImageFacts) and running.digest == ahead.digest
        return Known(running, None if same else ahead)

    async def _resolved(
        self,
        reference: ImageReference,
        note: QuestionNote,
        depth: Depth,
        wanted: Callable[[Platform | None], bool] | None = None,
    ) -> ImageFacts | Failure:
        facts = await self.registry.resolve(reference, depth=depth, wanted=wanted)
        await self.pace.wait()  # thousands may have waited for it
        note.resolved(reference, facts)
        return facts

    async def _if_pulled(self, host: HostFacts, workload: Workload, note: QuestionNote) -> ImageFacts | Failure:
        """What a pull of the reference would bring to this host."""
        reference = workload.reference
        if isinstance(reference, Failure):
            return reference
        facts = await self._resolved(reference, note, Depth.INDEX)
        if isinstance(facts, ImageFacts) and not _all_labelled(facts):
            facts = await self._resolved(reference, note, Depth.CONFIG, _unlabelled)
        if isinstance(facts, Failure) or (facts.is_index and self.depth is Depth.INDEX and _all_labelled(facts)):
            return facts
        engine = engine_of(host, workload)
        if isinstance(engine, Failure):
            return facts
        choice = select(engine, facts.offers, workload.pinned, kernel_of(host, engine), is_index=facts.is_index)
        if choice.outcome is not Outcome.TAKEN:
            return facts
        chosen = facts.offers[choice.order[0]]
        rank = Rank.PLANNED if workload.stage is Stage.PLANNED else Rank.MOVED
        asker = _Asker(host, workload, rank, note)
        return await self._deepened(reference, asker, _same_entry(chosen), lambda deep: _by_digest(deep, chosen))

    async def _whole(self, workload: Workload, facts: ImageFacts | Failure, note: QuestionNote) -> ImageFacts | Failure:
        """The facts of what was looked into, saying what of it a pull would not find."""
        if isinstance(facts, Failure) or isinstance(workload.reference, Failure) or not self.depth.opens_programs:
            return facts
        offers = []
        for offer in facts.offers:
            is_chosen = offer.program is not None or isinstance(offer.config, Failure)
            missing = None
            if is_chosen and offer.layers:
                missing = await self.missing_part(workload.reference, offer)
                note.looked_for(workload.reference, offer, missing)
            offers.append(_lacking(offer, missing) if missing else offer)
        return replace(facts, offers=tuple(offers))

    async def _running(
        self, host: HostFacts, workload: Workload, local: LocalImage, note: QuestionNote
    ) -> ImageFacts | Failure | None:
        """What the container was made from, by digest; ``None`` where no registry ever had it."""
        facts: ImageFacts | Failure | None = None
        for reference in _repo_digests(workload, local)[:MAX_REPO_DIGESTS]:
            facts = await self._under(reference, _Asker(host, workload, Rank.EXISTING, note), local)
            if isinstance(facts, ImageFacts) or facts.reason not in _GONE:
                return facts
        return facts

    async def _by_its_tag(self, asker: _Asker, local: LocalImage) -> ImageFacts | None:
        """What the container's own tag offers, where its image is among that.

        Docker's classic store leaves an index's digest at the image for the platform that was pulled first: the one for
        another platform has the tag, and no digest of that name, where the host had it by another name before.
        """
        reference = asker.workload.reference
        if isinstance(reference, Failure):
            return None
        facts = await self._under(reference, asker, local)
        return facts if isinstance(facts, ImageFacts) and asker.made_from(facts) is not None else None

    async def _under(self, reference: ImageReference, asker: _Asker, local: LocalImage) -> ImageFacts | Failure:
        """The same under one of the names that the host knows it by."""
        facts = await self._deepened(reference, asker, _like(local), asker.made_from)
        if isinstance(facts, Failure) or asker.made_from(facts) is not None:
            return facts
        # No entry looks like it: labels lie, so that only the configs' digests tell which one it is.
        return await self._deepened(reference, asker, _whatever, asker.made_from)

    async def _deepened(
        self,
        reference: ImageReference,
        asker: _Asker,
        wanted: Callable[[Platform | None], bool],
        find: Callable[[ImageFacts], Offer | None],
    ) -> ImageFacts | Failure:
        """The facts with configs, then with what argv of the one offer that matters resolves to."""
        held = await self._held(reference, asker, wanted)
        facts = held or await self._resolved(reference, asker.note, Depth.CONFIG, wanted)
        if isinstance(facts, Failure) or not self.depth.opens_programs:
            return facts
        offer = find(facts)
        if offer is None or isinstance(offer.config, Failure):
            return facts
        workload = asker.workload
        program = await self.inspect(reference, offer, workload.override, workload.host)
        checks = checks_of(workload, offer.process)
        asker.note.inspected(program)
        facts = facts.with_program(offer.digest, program, await self._checks(reference, offer, asker))
        if self.surveys is None or program.problem is not None:
            return facts
        whole = self.depth is Depth.FULL or program.wants_survey
        if whole and self.depth is not Depth.FULL and asker.is_shown:
            return facts
        subject = Subject(offer, workload.override, program, checks)
        lacking = Wanted(reference, facts, offer, whole, asker.rank)
        survey = await self.surveys.of(lacking, subject)
        asker.note.surveyed(lacking, subject, survey)
        return facts.with_survey(offer.digest, survey)

    async def _held(
        self, reference: ImageReference, asker: _Asker, wanted: Callable[[Platform | None], bool]
    ) -> ImageFacts | None:
        """What runs is what its digest says, whether or not its registry can be asked, or has it still."""
        if asker.rank is not Rank.EXISTING:
            return None
        facts = await self.held(reference, depth=Depth.CONFIG, wanted=wanted)
        if not isinstance(facts, ImageFacts) or any(isinstance(offer.config, Failure) for offer in facts.offers):
            return None
        return facts

    async def _checks(self, reference: ImageReference, offer: Offer, asker: _Asker) -> tuple[Program, ...]:
        """What its health check, probes and hooks lead to."""
        workload, found = asker.workload, []
        process = workload.override or Process()
        for command in checks_of(workload, offer.process):
            override = replace(process, entrypoint=command, cmd=(), is_fed=None, input=None)
            program = await self.inspect(reference, offer, override, workload.host)
            asker.note.inspected(program)
            found.append(program)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class _Asker:
    """For whose sake an image is opened, with what is asked for it."""

    host: HostFacts
    workload: Workload
    rank: Rank
    note: QuestionNote

    @property
    def is_shown(self) -> bool:
        """Whether the kernel shows what runs, so that no file of the image need be read for it."""
        engine = engine_of(self.host, self.workload)
        if isinstance(engine, Failure) or self.rank is not Rank.EXISTING:
            return False
        return kernel_shows(kernel_of(self.host, engine), self.workload) is not None

    def made_from(self, facts: ImageFacts) -> Offer | None:
        """Which of these images its container was made from."""
        engine = engine_of(self.host, self.workload)
        if isinstance(engine, Failure):
            return None
        return running_offer(self.workload, facts, engine, kernel_of(self.host, engine))


def _lacking(offer: Offer, missing: Failure) -> Offer:
    """An offer that cannot be pulled; what its bytes prove all the same stays the reason."""
    if offer.program is None:
        return replace(offer, config=missing)
    problem = offer.program.problem
    outweighed = {Reason.LAYER_UNREADABLE}  # by what not even its bytes are there for
    if problem is not None and problem.reason not in outweighed and STATUS_OF[problem.reason] is not Status.UNKNOWN:
        return offer
    return replace(offer, program=replace(offer.program, problem=missing))


def is_local_only(workload: Workload) -> bool:
    """Whether a container was made from an image that no registry is known to have."""
    return workload.local is not None and not _repo_digests(workload, workload.local)


def _tag(workload: Workload) -> ImageReference | None:
    """The tag that the next pull will ask for; a digest never means anything else, a name given here is never pulled."""
    reference = workload.reference
    if workload.local is None or isinstance(reference, Failure) or reference.digest:
        return None
    pulled = any(found.name == reference.name for found in _repo_digests(workload, workload.local))
    return reference if pulled else None


def _is_named_alone(workload: Workload, local: LocalImage) -> bool:
    """Whether an image that was pulled has a tag of a registry's that no digest of its own belongs to.

    A name without a registry is one that somebody gave here, which no stranger's registry is asked for.
    """
    own = workload.reference
    if isinstance(own, Failure) or own.digest or own.registry in {"", DEFAULT_REGISTRY, LOCAL_REGISTRY}:
        return False
    return bool(_repo_digests(workload, local)) and _tag(workload) is None


def _repo_digests(workload: Workload, local: LocalImage) -> list[ImageReference]:
    """The digests under which a registry may have this image, those under the container's own name first."""
    own = workload.reference
    remote = [found for found in local.references if found.registry != LOCAL_REGISTRY and found.digest]
    if isinstance(own, Failure):
        return remote
    if own.registry == LOCAL_REGISTRY:
        return []
    return sorted(remote, key=lambda found: found.name != own.name)


def _all_labelled(facts: ImageFacts) -> bool:
    return all(offer.entry is not None for offer in facts.offers)


def _unlabelled(entry: Platform | None) -> bool:
    return entry is None


def _same_entry(chosen: Offer) -> Callable[[Platform | None], bool]:
    return lambda entry: entry == chosen.entry


def _like(local: LocalImage) -> Callable[[Platform | None], bool]:
    """Entries that may be the local image: those of its architecture, and those that do not say."""

    def wanted(entry: Platform | None) -> bool:
        if entry is None or local.platform is None:
            return True
        return canonical(entry).architecture == canonical(local.platform).architecture

    return wanted


def _whatever(_entry: Platform | None) -> bool:
    return True


def _by_digest(facts: ImageFacts, chosen: Offer) -> Offer | None:
    return next((offer for offer in facts.offers if offer.digest == chosen.digest), None)
