"""What a host said, what a registry proved, or why neither is known: frozen values that adapters hand to the judge.

A missing fact is ``None`` or a ``Failure``; it is never replaced by a likely value.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from scanner.domain.image import reference as references
from scanner.domain.platform.platform import Platform, canonical
from scanner.domain.verdict.condition import Condition  # noqa: TC001 - the store reads the hints of these values when it runs
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.image.reference import ImageReference
    from scanner.domain.survey import Survey


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something is not known: a value, never an exception past an adapter.

    What it concerns stands in fields, so that nobody reads it back out of ``detail``, which is for people: the ``host``
    (a machine, a registry), the ``address`` it resolved to, the ``path`` of a file, the ``setting`` that refuses or
    would permit it, each empty where it concerns none.
    """

    reason: Reason
    detail: str = ""
    host: str = ""
    address: str = ""
    path: str = ""
    setting: str = ""

    @property
    def concerns(self) -> bool:
        """Whether it names anything beside reason and detail."""
        return bool(self.host or self.address or self.path or self.setting)


# ---------------------------------------------------------------- what images are called


@lru_cache(maxsize=references.MAX_REMEMBERED)
def image_reference(text: str) -> ImageReference | Failure:
    """What an image is called, read where its text enters; the same text gives the same value."""
    try:
        return references.parse(text)
    except ValueError as error:
        return Failure(Reason.IMAGE_REFERENCE_INVALID, str(error))


# ---------------------------------------------------------------- the host


class Source(StrEnum):
    """What said that a workload exists."""

    DOCKER = "docker"
    PODMAN = "podman"
    CONTAINERD = "containerd"
    COMPOSE = "compose"
    QUADLET = "quadlet"
    KUBERNETES = "kubernetes"
    SWARM = "swarm"
    SYSTEMD = "systemd"
    NOMAD = "nomad"
    INVENTORY = "inventory"


class Stage(StrEnum):
    """Where a workload stands in its life."""

    RUNNING = "running"
    STOPPED = "stopped"
    PLANNED = "planned"


class EngineKind(StrEnum):
    """A program that pulls images and starts containers, each with selection rules of its own."""

    DOCKER = "docker"
    PODMAN = "podman"
    CONTAINERD = "containerd"
    CRI = "cri"


class EngineState(StrEnum):
    """Whether an engine answered; only ``ABSENT`` means that it has no workloads."""

    UP = "up"
    ABSENT = "absent"
    DOWN = "down"
    DENIED = "denied"
    UNKNOWN = "unknown"


class ImageStore(StrEnum):
    """How an engine keeps images, which decides how it chooses among platforms."""

    CLASSIC = "classic"
    CONTAINERD = "containerd"
    PODMAN = "podman"


@dataclass(frozen=True, slots=True)
class Engine:
    """One container engine of a host.

    ``platform`` is what the engine asks registries for (dockerd's own GOOS/GOARCH, not ``uname -m``).
    ``owner`` is the user of a rootless engine, empty for the system's. ``default_platform`` is
    DOCKER_DEFAULT_PLATFORM where the host sets it. ``in_vm`` tells that its containers run in another kernel than
    the one that was asked (Docker Desktop, podman machine).
    """

    kind: EngineKind
    state: EngineState
    version: str = ""
    platform: Platform | None = None
    store: ImageStore | None = None
    owner: str = ""
    default_platform: Platform | None = None
    in_vm: bool = False
    detail: str = ""

    @property
    def key(self) -> str:
        """``docker``, ``podman`` or, for a rootless one, ``podman:alice``: unique within a host."""
        return f"{self.kind}:{self.owner}" if self.owner else str(self.kind)


@dataclass(frozen=True, slots=True)
class BinfmtEntry:
    """One file of /proc/sys/fs/binfmt_misc, as the kernel prints it; magic and mask are raw bytes."""

    name: str
    enabled: bool
    interpreter: str
    flags: str = ""
    offset: int = 0
    magic: bytes = b""
    mask: bytes = b""
    extension: str = ""


@dataclass(frozen=True, slots=True)
class Binfmt:
    """The binfmt_misc handlers of a kernel; ``enabled`` is its global switch."""

    enabled: bool
    entries: tuple[BinfmtEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Kernel:
    """What the kernel and CPU of a host can execute; ``None`` where the host could not tell.

    ``machine`` is ``uname -m`` as printed, ``platform`` its canonical form (``None``: not understood or ambiguous).
    ``userland_bits`` is 32 or 64. ``page_size`` is in bytes. ``cpu_level`` is the x86-64 level 1 to 4 of an amd64
    machine. ``aarch32`` and ``ia32`` tell whether 32-bit ARM and 32-bit x86 programs start. ``arm_version`` is the
    ARM architecture version of an arm machine, such as ``v7``. ``kernel_bits`` is 32 or 64 where something other than
    ``machine`` tells it: a 64-bit kernel shows ``i686`` or ``armv8l`` to a 32-bit shell. ``cpu_variant`` is the level of
    other CPUs as images name it: ``power9``, ``z14``, ``rva22u64``.
    """

    system: str
    machine: str
    release: str = ""
    platform: Platform | None = None
    userland_bits: int | None = None
    page_size: int | None = None
    cpu_level: int | None = None
    arm_version: str | None = None
    aarch32: bool | None = None
    ia32: bool | None = None
    binfmt: Binfmt | None = None
    kernel_bits: int | None = None
    cpu_variant: str | None = None


@dataclass(frozen=True, slots=True)
class LocalImage:
    """The image in a host's own store that a container was made from.

    ``image_id`` and digests read ``sha256:<hex>``. ``repo_digests`` are ``name@digest`` as the engine lists them, none
    for an image that was built there; ``references`` are those among them that can be read. ``manifest_digest`` is the exact manifest where the engine tells
    (ImageManifestDescriptor). ``platform`` is what the image's own config says. ``program`` is what its argv resolves
    to, where the image was read from the host's own store.
    """

    image_id: str
    repo_digests: tuple[str, ...] = ()
    manifest_digest: str = ""
    platform: Platform | None = None
    process: Process | None = None
    program: Program | None = None
    references: tuple[ImageReference, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read its names."""
        found = tuple(name for name in map(image_reference, self.repo_digests) if not isinstance(name, Failure))
        object.__setattr__(self, "references", found)


@dataclass(frozen=True, slots=True)
class Process:
    """What a config or a container says will be exec'd; ``None`` means "not said here", empty means "none".

    ``env`` are variables in their order; one whose value stayed on the host has ``None`` for it. ``user`` is
    ``USER[:GROUP]`` as written. ``init`` tells that the engine puts an init of its own in front (``--init``).
    ``volumes`` are the paths over which an engine mounts a volume of its own accord (a config's Volumes).
    ``healthcheck`` is Docker's ``Test``: ``CMD`` or ``CMD-SHELL`` before its words, ``NONE`` to switch it off.
    ``nameless_env`` are words of a config's Env without ``=``, which ``env`` has as variables without a value.
    """

    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    path: str | None = None
    working_dir: str | None = None
    env: tuple[tuple[str, str | None], ...] | None = None
    user: str | None = None
    init: bool | None = None
    volumes: tuple[str, ...] | None = None
    healthcheck: tuple[str, ...] | None = None
    nameless_env: tuple[str, ...] = ()

    @property
    def argv(self) -> tuple[str, ...]:
        """Entrypoint followed by Cmd (OCI image-spec config.md)."""
        return (self.entrypoint or ()) + (self.cmd or ())


@dataclass(frozen=True, slots=True)
class Mount:
    """What stands over a path of the image; ``kind`` is the engine's word (bind, volume, tmpfs, image)."""

    destination: str
    kind: str = ""
    noexec: bool = False


@dataclass(frozen=True, slots=True)
class LiveProcess:
    """One process of a running container as its kernel shows it; ``head`` are the first bytes of its executable."""

    argv0: str
    exe: str
    head: bytes


@dataclass(frozen=True, slots=True)
class Workload:
    """One container, or one that is planned.

    ``name`` is the container (Docker, Podman), namespace/pod/container (Kubernetes), project/service (compose), unit
    (quadlet, systemd) or the image itself (planned in the inventory). ``image`` is the reference as written, by
    which it is shown and told apart, ``reference`` what that text says or why it says nothing.
    ``engine`` is the ``Engine.key`` that runs it, empty where no one said which is to run a planned one. ``process`` holds what was overridden
    beside the image. ``state``, ``error`` and ``log`` (last lines, oldest first) are the engine's own words, made
    printable. ``mounts`` are those over paths of the image, ``None`` where no one told. ``started_at`` and
    ``finished_at`` are Unix seconds of the last start and end; ``settled`` tells whether it had been up for at least
    60 s since its last start when the host was read (``None``: not told). ``live`` is what the kernel shows of its processes, ``None`` where that was not seen.
    ``checks`` are the commands of exec probes and lifecycle hooks, which a plan gives it.
    """

    host: str
    name: str
    source: Source
    stage: Stage
    image: str
    engine: str = ""
    pinned: Platform | None = None
    local: LocalImage | None = None
    process: Process | None = None
    state: str = ""
    exit_code: int | None = None
    restart_count: int = 0
    error: str = ""
    log: tuple[str, ...] = ()
    build_only: bool = False
    mounts: tuple[Mount, ...] | None = None
    started_at: float | None = None
    finished_at: float | None = None
    settled: bool | None = None
    live: tuple[LiveProcess, ...] | None = None
    checks: tuple[tuple[str, ...], ...] = ()
    reference: ImageReference | Failure = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read what the image is called, whoever makes a workload."""
        object.__setattr__(self, "reference", image_reference(self.image))

    @property
    def ran_s(self) -> float | None:
        """How long its last run took, in whole seconds; ``None`` while it runs, or where nobody told."""
        if self.started_at is None or self.finished_at is None or self.finished_at < self.started_at:
            return None
        return float(int(self.finished_at - self.started_at))

    @property
    def override(self) -> Process | None:
        """What is said beside the image, the paths over which its mounts stand among it."""
        if not self.mounts:
            return self.process
        over = tuple(mount.destination for mount in self.mounts)
        process = self.process or Process()
        return replace(process, volumes=(*(process.volumes or ()), *over))


@dataclass(frozen=True, slots=True)
class HostFacts:
    """Everything one host said in one complete answer.

    ``gaps`` names the parts of the answer that are missing, each with the engine key or part it concerns
    (``{"docker": Failure(engine_down)}``). ``discrepancies`` are contradictions between kernel, userland and engine in
    words for the operator.
    """

    host: str
    kernel: Kernel
    engines: tuple[Engine, ...] = ()
    workloads: tuple[Workload, ...] = ()
    gaps: Mapping[str, Failure] = field(default_factory=dict)
    discrepancies: tuple[str, ...] = ()
    os_release: str = ""

    def engine(self, key: str) -> Engine | None:
        """The engine with this ``Engine.key``."""
        return next((engine for engine in self.engines if engine.key == key), None)


# ---------------------------------------------------------------- the image


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
    engines refuse.
    """

    argv: tuple[str, ...]
    chain: tuple[Executable, ...] = ()
    problem: Failure | None = None
    at_run_time: str = ""
    partly_read: tuple[str, ...] = ()
    emulators: tuple[Executable, ...] | None = ()
    branches: tuple[Program, ...] = ()
    objections: tuple[Objection, ...] = ()

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

    digest: str
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
class Offer:
    """One image manifest that a reference offers.

    ``entry`` is what the index says of it (``None``: no index, or an entry without platform), ``config`` what its own
    config says, a ``Failure`` where the config was asked for and could not be had, ``None`` where it was not asked for.
    ``program`` is what argv resolves to, ``None`` where it was not asked for. ``config_digest`` is the digest of the
    config blob, which Docker's classic store and Podman use as image id. ``nested`` tells that it stands in an index
    within the index, ``within`` in which one. ``diff_ids`` are the digests of its layers' tars as the config lists them,
    ``None`` where the config was not read. ``survey`` is what reading all of its files came to, or why that cannot be had;
    ``None`` where it was not asked for or is not there yet. ``checks`` are what health checks, probes and hooks of a
    workload run in it.
    """

    digest: str
    entry: Platform | None = None
    config: Platform | Failure | None = None
    process: Process | None = None
    layers: tuple[Layer, ...] = ()
    program: Program | None = None
    config_digest: str = ""
    nested: bool = False
    diff_ids: tuple[str, ...] | None = None
    within: InnerIndex | None = None
    survey: Survey | Failure | None = None
    checks: tuple[Program, ...] = ()

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
    digest: str
    is_index: bool
    offers: tuple[Offer, ...]
    taken_at: float = 0.0

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """What it offers, in the order of the index, each platform once."""
        return tuple(dict.fromkeys(offer.platform for offer in self.offers if offer.platform))

    def with_program(self, digest: str, program: Program, checks: tuple[Program, ...] = ()) -> ImageFacts:
        """The same facts, knowing what ``argv`` resolves to in the manifest ``digest``, and what its checks do."""
        offers = tuple(replace(o, program=program, checks=checks) if o.digest == digest else o for o in self.offers)
        return replace(self, offers=offers)

    def with_survey(self, digest: str, survey: Survey | Failure | None) -> ImageFacts:
        """The same facts, knowing what all files of the manifest ``digest`` come to."""
        offers = tuple(replace(o, survey=survey) if o.digest == digest else o for o in self.offers)
        return replace(self, offers=offers)
