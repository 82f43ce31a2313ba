"""The offers of an image, down to the files that argv leads to: frozen values that the judge weighs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from scanner.domain.image.reference import Digest  # noqa: TC001 - the store reads the hints of these values when it runs
from scanner.domain.platform.platform import Platform, canonical
from scanner.domain.verdict.condition import Condition  # noqa: TC001 - the store reads the hints of these values when it runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.facts import Process
    from scanner.domain.failure import Failure
    from scanner.domain.image.image_survey import Survey


class FileKind(StrEnum):
    """What the first bytes of a file make it, for the kernel that is asked to exec it."""

    ELF = "elf"
    SCRIPT = "script"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Elf:
    """What an ELF header and its notes prove.

    ``needs`` is the platform that can run it (GOARCH spelling, variant only where the binary itself demands one:
    ``amd64/v3`` from the GNU property note or Go's GOAMD64, ``arm/v7`` from attributes or GOARM). ``None`` for a
    machine that has no GOARCH. ``interpreter`` is PT_INTERP. ``libc`` is ``glibc`` or ``musl`` by its loader.
    ``max_page_size`` is the largest page size in bytes with which its segments can be mapped, 0 for any. ``page_hint``
    tells that it holds an allocator (jemalloc) whose page size was fixed when it was built.
    """

    machine: int
    bits: int
    byte_order: str
    needs: Platform | None
    type: int = 0
    flags: int = 0
    interpreter: str = ""
    libc: str = ""
    max_page_size: int = 0
    page_hint: bool = False


@dataclass(frozen=True, slots=True)
class Executable:
    """One file on the way from argv to a running program: a script, its interpreter, a binary, its loader.

    ``role`` is ``entrypoint``, ``interpreter``, ``loader``, ``library`` (what the loader brings in) or ``wrapped`` (what
    a wrapper such as tini will exec).
    """

    path: str
    role: str
    kind: FileKind
    elf: Elf | None = None
    shebang: str = ""

    def is_foreign_to(self, label: Platform) -> bool:
        """Whether this is a binary for another CPU than a label names, in whatever spelling."""
        if self.elf is None:
            return False
        return self.elf.needs is None or self.elf.needs.architecture != canonical(label).architecture


@dataclass(frozen=True, slots=True)
class Objection:
    """What an engine of which ``condition`` holds says of an image that others start."""

    condition: Condition
    failure: Failure


@dataclass(frozen=True, slots=True)
class Program:
    """What argv resolves to in one image: the chain of files, or where the chain breaks.

    ``problem`` is why the image cannot start whatever the host (a ``broken`` reason), or why it is not known (an
    ``unknown`` one). ``None`` means that the chain is whole. ``at_run_time`` says why nobody can tell before it runs
    what the last script or launcher of the chain starts; empty where control was followed to its end. ``partly_read``
    are the digests of layers that the answer rests on although they were not read to their end: nobody has held their
    bytes to these digests. ``emulators`` are those for the chain's CPUs that the image itself carries at one of their
    usual paths, ``None`` where that is not known. ``branches`` are the ways that the last script of the chain may go, each
    with what follows behind the chain; empty where one way leads on, else at least two. ``objections`` are what only some
    engines refuse. ``services`` are those, of a supervisor that stays up without them, which may be for another CPU.
    """

    argv: tuple[str, ...]
    chain: tuple[Executable, ...] = ()
    problem: Failure | None = None
    at_run_time: str = ""
    partly_read: tuple[Digest, ...] = ()
    emulators: tuple[Executable, ...] | None = ()
    branches: tuple[Program, ...] = ()
    objections: tuple[Objection, ...] = ()
    services: tuple[Program, ...] = ()

    @property
    def ways(self) -> tuple[Program, ...]:
        """Each way from argv to its end, with all the files on it."""
        if not self.branches:
            return (self,)
        ways = (way for branch in self.branches for way in branch.ways)
        return tuple(
            replace(
                way,
                chain=(*self.chain, *way.chain),
                partly_read=self.partly_read,
                emulators=self.emulators,
                objections=self.objections,
                services=(*self.services, *way.services),
            )
            for way in ways
        )

    @property
    def wants_survey(self) -> bool:
        """Whether only all files of the image can tell what it starts: the run decides, or several ways are open."""
        return bool(self.at_run_time or self.branches)

    @property
    def files(self) -> tuple[Executable, ...]:
        """The files of all ways, each once."""
        return tuple(dict.fromkeys(file for way in self.ways for file in way.chain))

    @property
    def problems(self) -> tuple[Failure, ...]:
        """Why ways break off."""
        return tuple(dict.fromkeys(way.problem for way in self.ways if way.problem is not None))


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's descriptor; ``size`` is in bytes as stored in the registry."""

    digest: Digest
    media_type: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class InnerIndex:
    """An index within the index, by its place there; ``platform`` is what the outer one says of it."""

    place: int
    platform: Platform | None = None


@dataclass(frozen=True, slots=True)
class BuiltFrom:
    """What an image's own labels say it was built from (OCI image-spec annotations.md): nobody vouches for it.

    ``repository`` is the address of the source code, ``revision`` a commit in it; each empty where no label says it.
    """

    repository: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """One image manifest that a reference offers.

    ``entry`` is what the index says of it (``None``: no index, or an entry without platform), ``config`` what its own
    config says, a ``Failure`` where the config was asked for and could not be had, ``None`` where it was not asked for.
    ``program`` is what argv resolves to, ``None`` where it was not asked for. ``config_digest`` is the digest of the
    config blob, which Docker's classic store and Podman use as image id, ``None`` where no manifest was read. ``nested`` tells that it stands in an index
    within the index, ``within`` in which one. ``diff_ids`` are the digests of its layers' tars as the config lists them,
    ``None`` where the config was not read. ``survey`` is what reading all of its files came to, or why that cannot be had;
    ``None`` where it was not asked for or is not there yet. ``checks`` are what health checks, probes and hooks of a
    workload run in it, ``objections`` what only some engines refuse of its documents. ``built_from`` is what its labels
    say of its source.
    """

    digest: Digest
    entry: Platform | None = None
    config: Platform | Failure | None = None
    process: Process | None = None
    layers: tuple[Layer, ...] = ()
    program: Program | None = None
    config_digest: Digest | None = None
    nested: bool = False
    diff_ids: tuple[Digest | Failure, ...] | None = None
    within: InnerIndex | None = None
    survey: Survey | Failure | None = None
    checks: tuple[Program, ...] = ()
    objections: tuple[Objection, ...] = ()
    built_from: BuiltFrom | None = None

    @property
    def platform(self) -> Platform | None:
        """What an engine that reads metadata takes this for: the index entry, else the config.

        Half a platform in the entry is completed by the config, as far as that names a whole one.
        """
        config = self.config if isinstance(self.config, Platform) else None
        whole = (named for named in (self.entry, config) if named is not None and named.os and named.architecture)
        return next(whole, self.entry)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What a registry proved about one reference, attestations and other non-images left out.

    ``digest`` is that of the document the reference resolved to, ``is_index`` whether that is an index.
    ``taken_at`` is Unix time in seconds.
    """

    reference: str
    digest: Digest
    is_index: bool
    offers: tuple[Offer, ...]
    taken_at: float = 0.0

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """What it offers, in the order of the index, each platform once."""
        return tuple(dict.fromkeys(offer.platform for offer in self.offers if offer.platform))

    def built_from(self, digest: Digest | None) -> BuiltFrom | None:
        """What the manifest ``digest`` says that it was built from; of another digest what all offers agree on."""
        said: dict[str, BuiltFrom] = {
            offer.digest: offer.built_from for offer in self.offers if offer.built_from is not None
        }
        if digest in said:
            return said[digest]
        repositories = {origin.repository for origin in said.values()}
        revisions = {origin.revision for origin in said.values()}
        if len(repositories) != 1:
            return None
        return BuiltFrom(repositories.pop(), revisions.pop() if len(revisions) == 1 else "")

    def with_program(self, digest: str, program: Program, checks: tuple[Program, ...] = ()) -> ImageFacts:
        """The same facts, knowing what ``argv`` resolves to in the manifest ``digest``, and what its checks do."""
        offers = tuple(replace(o, program=program, checks=checks) if o.digest == digest else o for o in self.offers)
        return replace(self, offers=offers)

    def with_survey(self, digest: str, survey: Survey | Failure | None) -> ImageFacts:
        """The same facts, knowing what all files of the manifest ``digest`` come to."""
        offers = tuple(replace(o, survey=survey) if o.digest == digest else o for o in self.offers)
        return replace(self, offers=offers)
