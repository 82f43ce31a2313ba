"""Asks a registry for what an image offers, as it proves it."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from scanner.domain.failure import Failure
from scanner.domain.image.offers import ImageFacts
from scanner.domain.image.reference import Digest, by_digest
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth
from scanner.registry.documents.assembly import Assembly
from scanner.registry.documents.cache import Recent
from scanner.registry.documents.content_store import ContentStore
from scanner.registry.documents.singleflight import Singleflight
from scanner.registry.endpoint_pool import EndpointPool
from scanner.registry.http.observer import Nobody
from scanner.registry.layers import LayerReader
from scanner.registry.mirror_chain import Fetched
from scanner.registry.presence import Presence
from scanner.registry.tag_listing import tags_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from scanner.domain.image.offers import Layer, Offer
    from scanner.domain.image.reference import ImageReference
    from scanner.domain.platform.platform import Platform
    from scanner.registry.config import ClientConfig
    from scanner.registry.documents.cache import DocumentCache
    from scanner.registry.endpoint_pool import AuthorizerFor
    from scanner.registry.http.endpoint import Clock
    from scanner.registry.http.observer import RegistryObserver

MAX_REMEMBERED = 8192
"""References whose answer is remembered; a fleet of ten thousand hosts runs some thousand."""

MAX_ASSEMBLED = 100_000
"""Offers and layers in the facts that are kept for who asks the same; each takes some 500 bytes."""

MAX_LAST_KNOWN = 50_000
"""Offers and layers in the last facts that are kept for display."""

_DEPTHS = frozenset({Depth.INDEX, Depth.CONFIG})
"""What a registry can tell; deeper evidence is inside the layers."""


class SystemClock:
    """The machine's own time."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)
    sleep = staticmethod(asyncio.sleep)


@dataclass(frozen=True, slots=True)
class StaleFacts:
    """Facts that were true ``age_s`` seconds ago; never an answer, only something to show."""

    facts: ImageFacts
    age_s: float


@dataclass(frozen=True, slots=True)
class _TagResolution:
    """What a reference meant at a moment (Unix time)."""

    digest: Digest | Failure
    taken_at: float


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The answers that one scan has been given, which stay the same to its end.

    ``max_age_s`` is how old an answer from before may be, ``None`` leaves that to the configuration.
    """

    max_age_s: float | None = None
    resolutions: dict[ImageReference, _TagResolution] = field(default_factory=dict)


class Registry:
    """Asks registries; an asynchronous context manager that closes its connections.

    Args:
        config: how registries are reached and how much they are asked.
        authorizer_for: makes the one who knows a registry's tokens.
        documents: a lasting store of documents by digest.
        observer: hears of every request.
        clock: time.
        last: what was proved last, where that outlives this client.

    Raises:
        MirrorsError: a file of mirrors in ``config`` cannot be read or understood.
    """

    def __init__(  # noqa: PLR0913 -- each is one independent collaborator
        self,
        config: ClientConfig,
        *,
        authorizer_for: AuthorizerFor | None = None,
        documents: DocumentCache | None = None,
        observer: RegistryObserver | None = None,
        clock: Clock | None = None,
        last: Recent[ImageFacts] | None = None,
    ) -> None:
        self._config = config
        self._clock: Clock = clock or SystemClock()
        self._endpoints = EndpointPool(config, authorizer_for, observer or Nobody(), self._clock)
        self._presence = Presence(
            self._endpoints.of, documents, clock=self._clock.monotonic, failure_max_age_s=config.failure_max_age_s
        )
        self._content = ContentStore(
            self._endpoints.of,
            documents,
            clock=self._clock.monotonic,
            failure_max_age_s=config.failure_max_age_s,
            note_read=self._presence.note_read,
        )
        self._resolutions: Recent[_TagResolution] = Recent(MAX_REMEMBERED)
        self._proved: Recent[_TagResolution] = Recent(MAX_REMEMBERED)
        self._assemblies: Recent[ImageFacts] = Recent(MAX_ASSEMBLED)
        self._last = last_seen() if last is None else last
        self._has_store = documents is not None
        self._singleflight: Singleflight[_TagResolution] = Singleflight()
        self._snapshot: ContextVar[_Snapshot | None] = ContextVar("registry_snapshot", default=None)

    async def __aenter__(self) -> Self:
        """Nothing is opened before it is needed."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything."""
        await self.aclose()

    async def aclose(self) -> None:
        """Give up what is under way, then close every connection."""
        await self._singleflight.aclose()
        await self._content.aclose()
        await self._presence.aclose()
        await self._endpoints.aclose()

    @contextmanager
    def scan(self, *, max_age_s: float | None = None) -> Iterator[None]:
        """Within this, each reference is resolved once, in the tasks begun here too: a tag cannot move in a scan.

        ``max_age_s`` is for whoever must know what a tag means now, or meant that long ago, whatever scans may believe.
        """
        token = self._snapshot.set(_Snapshot(max_age_s))
        try:
            yield
        finally:
            self._snapshot.reset(token)

    async def resolve(
        self, reference: ImageReference, *, depth: Depth, wanted: Callable[[Platform | None], bool] | None = None
    ) -> ImageFacts | Failure:
        """What a reference offers.

        Args:
            reference: a tag or a digest; where both stand, the digest counts.
            depth: ``index``, or ``config`` to read configs too. The config of a manifest without index, and of an
                entry without platform, is always read, for nothing else tells its platform.
            wanted: of which entries to read the config, by the platform they name; of all where it is ``None``.
        """
        if depth not in _DEPTHS:
            raise ValueError(f"a registry is asked for the index or the config, not for the {depth}")
        if refused := self._refusal(reference):
            return refused
        resolution = await self._resolution(reference)
        facts = await self._facts(reference, resolution, depth, wanted)
        if isinstance(facts, ImageFacts):
            self._last.put(reference, facts, self._clock.monotonic(), _weight(facts))
        return facts

    async def held(
        self, reference: ImageReference, *, depth: Depth, wanted: Callable[[Platform | None], bool] | None = None
    ) -> ImageFacts | Failure | None:
        """What a digest stands for, told without asking whether its registry still has it; ``None`` where that is not known.

        For whoever has the image already: a limit, an outage or a clean-up of the registry takes nothing from it.
        """
        if reference.digest is None or self._refusal(reference) or not await self._content.knows(reference.digest):
            return None
        known = self._proved.get(reference)
        resolution = known[0] if known else _TagResolution(reference.digest, self._clock.time())
        if known is None:
            self._proved.put(reference, resolution, self._clock.monotonic())
        return await self._facts(reference, resolution, depth, wanted)

    async def _facts(
        self,
        reference: ImageReference,
        resolution: _TagResolution,
        depth: Depth,
        wanted: Callable[[Platform | None], bool] | None,
    ) -> ImageFacts | Failure:
        """What stands under the digest that a reference means."""
        facts = await self._assembled(reference, resolution, "index", _none)
        if depth is Depth.CONFIG and isinstance(facts, ImageFacts) and facts.is_index:
            chosen = wanted or _all
            which = "".join("+" if chosen(offer.entry) else "-" for offer in facts.offers)
            facts = await self._assembled(reference, resolution, which, chosen)
        return facts

    async def _assembled(
        self,
        reference: ImageReference,
        resolution: _TagResolution,
        which: str,
        wanted: Callable[[Platform | None], bool],
    ) -> ImageFacts | Failure:
        """The facts with the configs of ``which`` entries; ten thousand hosts ask for the same ones."""
        if isinstance(resolution.digest, Failure):
            return resolution.digest
        key = (reference, resolution.digest, which)
        if (known := self._assemblies.get(key)) and known[1] == resolution.taken_at:
            return known[0]
        if known:  # what is under a digest stays what it is: only that it was proved is news
            facts: ImageFacts | Failure = replace(known[0], taken_at=resolution.taken_at)
        else:
            facts = await Assembly(self._content, reference, wanted).facts(resolution.digest, resolution.taken_at)
        if isinstance(facts, ImageFacts) and not any(isinstance(offer.config, Failure) for offer in facts.offers):
            self._assemblies.put(key, facts, resolution.taken_at, _weight(facts))
        return facts

    def stale(self, reference: ImageReference) -> StaleFacts | None:
        """The last facts that were proved, however old; for display beside a failure."""
        found = self._last.get(reference)
        if found is None:
            return None
        return StaleFacts(found[0], max(self._clock.time() - found[0].taken_at, 0.0))

    @property
    def client_certificates(self) -> dict[str, str]:
        """The file of the certificate that is shown to each host, by the host's name."""
        return self._endpoints.client_certificates

    async def missing_part(self, reference: ImageReference, offer: Offer) -> Failure | None:
        """What a pull of this offer needs that its registry does not have, ``None`` where nothing is known to be missing."""
        return None if self._refusal(reference) else await self._presence.missing_part(reference, offer)

    async def tags(self, reference: ImageReference) -> tuple[str, ...] | Failure:
        """The tags of a repository, as its registry lists them now: the first few thousand."""
        return self._refusal(reference) or await tags_of(self._endpoints.of(reference))

    def may_stop_early(self, reference: ImageReference) -> bool:
        """Whether an answer about this image may stand before its layer was read to its end."""
        return self._endpoints.of(reference).may_stop_early

    def open_layer(
        self,
        reference: ImageReference,
        layer: Layer,
        start: int = 0,
        end: int | None = None,
        *,
        deadline_s: float | None = None,
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The bytes ``start`` up to ``end`` of a layer, as the registry stores them.

        The digest is verified where the whole layer is read to its end. ``deadline_s`` is for whoever is in less of a
        hurry than the others.

        Raises:
            StreamBroken: at the first byte that cannot be had, with the reason why.
        """
        return LayerReader(
            check=lambda: self._refusal(reference),
            chain_of=self._endpoints.of,
            reference=reference,
            layer=layer,
            note_read=self._presence.note_read,
            deadline_s=deadline_s or self._config.layer_deadline_s,
            clock=self._clock.monotonic,
        ).open(start, end)

    def _refusal(self, ref: ImageReference) -> Failure | None:
        if not ref.registry:
            return Failure(Reason.IMAGE_REFERENCE_INVALID, f"{ref} names no registry that could be asked")
        if self._config.only_listed and ref.registry not in self._config.registries:
            return Failure(
                Reason.IMAGE_NOT_ALLOWED,
                f"{ref.registry} is not a listed registry",
                ref.registry,
                setting="only_listed",
            )
        return None

    async def _resolution(self, ref: ImageReference) -> _TagResolution:
        """What the reference means: as this scan was told, as is fresh, as the registry says now."""
        snapshot = self._snapshot.get()
        if snapshot and (held := snapshot.resolutions.get(ref)):
            return held
        resolution = self._fresh(ref, snapshot.max_age_s if snapshot else None) or await self._singleflight.join(
            ref, lambda: self._asked(ref)
        )
        if snapshot is None:
            return resolution
        # What a tag leads to is there, so nobody need ask for it by its digest.
        if isinstance(resolution.digest, Digest):
            snapshot.resolutions.setdefault(by_digest(ref, resolution.digest), resolution)
        return snapshot.resolutions.setdefault(ref, resolution)

    def _fresh(self, ref: ImageReference, believed_s: float | None) -> _TagResolution | None:
        found = self._resolutions.get(ref)
        if found is None:
            return None
        failed = isinstance(found[0].digest, Failure)
        max_age_s = self._config.failure_max_age_s if failed else self._config.cache_age_s
        if believed_s is not None:
            max_age_s = 0.0 if failed else believed_s
        return found[0] if self._clock.monotonic() - found[1] < max_age_s else None

    async def _asked(self, ref: ImageReference) -> _TagResolution:
        asked_at = self._clock.monotonic()
        resolution = _TagResolution(await self._digest(ref), self._clock.time())
        self._resolutions.put(ref, resolution, asked_at)
        return resolution

    async def _digest(self, ref: ImageReference) -> Digest | Failure:
        """The digest of a tag, or the proof that a digest is there; the document comes along where it costs nothing.

        HEAD counts against no quota, but where no document can be at hand, GET by the digest that it tells would follow.
        """
        chain = self._endpoints.of(ref)
        if ref.digest and not await self._content.knows(ref.digest):
            found: Digest | Fetched | Failure = await chain.manifest(ref.digest)
        elif ref.digest or self._has_store or self._last.get(ref):
            found = await chain.digest_of(ref)
        else:
            found = await chain.meant_by(ref)
        if not isinstance(found, Fetched):
            return found
        return await self._content.learn(found) or found.digest


def last_seen() -> Recent[ImageFacts]:
    """A memory of the last facts of each reference, for clients that follow one another."""
    return Recent(MAX_LAST_KNOWN)


def _weight(facts: ImageFacts) -> int:
    return sum(1 + len(offer.layers) for offer in facts.offers)


def _none(_platform: Platform | None) -> bool:
    return False


def _all(_platform: Platform | None) -> bool:
    return True
