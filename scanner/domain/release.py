"""Releases of a workload by digest: what a host has had, whether it started there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.domain.facts import Maker, Source, Stage, Workload
from scanner.domain.failure import Failure
from scanner.domain.image.reference import digest_of, image_reference
from scanner.domain.verdict.started import is_up

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.domain.facts import LocalImage
    from scanner.domain.image.reference import Digest, ImageReference


@dataclass(frozen=True, slots=True)
class Release:
    """One digest of one workload on one host.

    ``digest`` is what the registry has it by, the image's ID where it was built there, ``None`` where nobody knows it. ``image`` is what an engine is
    asked for (``name@digest``, or the ID), ``reference`` what that says, ``written`` how the workload named it. ``started_at`` is when it was first
    seen up for 60 s without a restart (Unix seconds) on a host of ``platform``, ``None`` where it never was.
    ``current`` tells that it is what the workload has now.
    """

    host: str
    source: Source
    workload: str
    digest: Digest | None
    image_id: str
    image: str
    written: str
    platform: str
    first_seen: float
    last_seen: float
    started_at: float | None = None
    current: bool = False
    reference: ImageReference | Failure = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read what an engine is asked for."""
        object.__setattr__(self, "reference", image_reference(self.image))

    def started_on(self, platform: str) -> bool:
        """Whether it started on such hardware."""
        return self.started_at is not None and bool(platform) and self.platform == platform

    def is_called(self, wanted: str) -> bool:
        """Whether its digest or image ID is this one, or begins like this (12 digits at least)."""
        names = (self.digest or "", self.image_id)
        short = wanted.removeprefix("sha256:")
        few = len(short) < 12  # noqa: PLR2004 -- what Docker itself shows of an ID
        return wanted in names or (not few and any(name.removeprefix("sha256:").startswith(short) for name in names))


def owner_name(workload: Workload) -> str:
    """What a workload is called by whoever owns it.

    A Swarm task has a new name with each release, its service has not; a unit stays where its container is gone.
    """
    maker = workload.maker
    return maker.name if maker and maker.kind in {Source.SWARM, Source.SYSTEMD} else workload.name


def sighting(workload: Workload, platform: str, at: float) -> Release | None:
    """The release that a running or stopped workload is, as it was seen at ``at``; ``None`` where nobody told its image."""
    local = workload.local
    own = None if workload.stage is Stage.PLANNED or local is None else digest_of(local.image_id)
    if local is None or own is None:
        return None
    digest, image = _pulled(workload, local, own)
    started = at if is_up(workload) and workload.settled else None
    return Release(
        workload.host, workload.source, owner_name(workload), digest, local.image_id, image, workload.image, platform,
        at, at, started, current=True,
    )  # fmt: skip


def _pulled(workload: Workload, local: LocalImage, own: Digest) -> tuple[Digest, str]:
    """The digest, with what an engine is asked for; the repository that the workload names wins over others."""
    if len(local.references) == 1 and (only := local.references[0].digest) is not None:
        return only, f"{local.references[0].name}@{only}"
    named = workload.reference
    of_name = [one for one in local.references if not isinstance(named, Failure) and one.name == named.name]
    pinned = [one for one in of_name if not isinstance(named, Failure) and one.digest == named.digest]
    exact = [one for one in of_name if one.digest == local.manifest_digest]
    for one in (*pinned, *exact, *sorted(of_name or local.references, key=str)):
        if one.digest is not None:
            return one.digest, f"{one.name}@{one.digest}"
    return own, own


NO_CONTAINER = "-"
"""In the place of an image's ID: a unit whose container never lives long enough to be seen."""


def absent_unit(releases: Iterable[Release], name: str) -> Workload | None:
    """The unit of that name that had releases, but has no container now: Podman's units remove what ended."""
    names = {name, f"{name}.service"}
    had = [one for one in releases if one.workload in names and one.source is Source.PODMAN]
    last = max(had, key=lambda one: one.last_seen, default=None)
    if last is None or not last.workload.endswith(".service"):
        return None
    maker = Maker(Source.SYSTEMD, last.workload)
    return Workload(
        last.host, last.workload, Source.PODMAN, Stage.STOPPED, last.written, engine="podman", state="absent",
        maker=maker,
    )  # fmt: skip


def of_absent(unit: Workload, platform: str) -> Release:
    """What stands for the present release where there is no container: nobody knows its digest."""
    return Release(
        unit.host, unit.source, unit.name, None, NO_CONTAINER, unit.image, unit.image, platform, 0.0, 0.0, current=True
    )


def chosen(releases: Iterable[Release], wanted: str, current: str, platform: str) -> Release | None:
    """The release that is ``wanted``; without a wish the newest that started on such hardware, except the ``current`` image ID."""
    others = [one for one in releases if one.image_id != current]
    if wanted:
        return next((one for one in others if one.is_called(wanted)), None)
    started = [one for one in others if one.started_on(platform)]
    return max(started, key=lambda one: one.last_seen, default=None)
