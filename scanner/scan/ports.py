"""The narrow seams by which a scan asks the outside, which adapters fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.domain.facts import HostFacts, Process
    from scanner.domain.failure import Failure
    from scanner.domain.host import Host
    from scanner.domain.image.offers import ImageFacts, Offer, Program
    from scanner.domain.image.reference import ImageReference
    from scanner.domain.platform.platform import Platform
    from scanner.domain.report import HostReading
    from scanner.domain.verdict.verdict import Depth


class HostReader(Protocol):
    """Asks one host everything, once."""

    async def __call__(self, host: Host) -> HostFacts | Failure:
        """The host's facts from one complete answer, or why there are none."""


class ImageResolver(Protocol):
    """Asks registries what references offer."""

    async def resolve(
        self, reference: ImageReference, *, depth: Depth, wanted: Callable[[Platform | None], bool] | None = None
    ) -> ImageFacts | Failure:
        """What the reference offers; ``depth`` config reads the configs of the ``wanted`` entries too."""


class HeldImages(Protocol):
    """Tells of images by digest without asking whether a registry still has them."""

    async def __call__(
        self, reference: ImageReference, /, *, depth: Depth, wanted: Callable[[Platform | None], bool] | None = None
    ) -> ImageFacts | Failure | None:
        """What the digest stands for; ``None`` where that is not known."""


class BinaryInspector(Protocol):
    """Opens the program inside an image."""

    async def __call__(
        self, reference: ImageReference, offer: Offer, override: Process | None, host: str = "", /
    ) -> Program:
        """What argv resolves to in this manifest, asked for the sake of ``host``; trouble is the program's ``problem``."""


class MissingPart(Protocol):
    """Asks whether all that a pull needs is there."""

    async def __call__(self, reference: ImageReference, offer: Offer, /) -> Failure | None:
        """What the registry does not have of this offer; ``None`` also where that is not known."""


class ScanListener(Protocol):
    """Watches a scan go on, for progress bars and event streams."""

    def __call__(self, done: int, total: int, reading: HostReading) -> None:
        """One more host has its reading."""
