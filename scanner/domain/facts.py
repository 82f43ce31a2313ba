"""The facts of a host, or why they are not known: frozen values that adapters hand to the judge.

A missing fact is ``None`` or a ``Failure``; it is never replaced by a likely value.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.image.reference import ImageReference, image_reference
from scanner.domain.platform.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.image.offers import Program


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
    COMMAND = "command"
    NOMAD = "nomad"
    INVENTORY = "inventory"
    ARCHIVE = "archive"


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
    """Whether an engine answered; only ``ABSENT`` or ``UNUSED`` (there, never run yet) means that it has no workloads."""

    UP = "up"
    ABSENT = "absent"
    UNUSED = "unused"
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
    other CPUs as images name it: ``power9``, ``z14``, ``rva22u64``. ``becomes_root_by`` is ``doas`` where that is there and
    sudo is not; empty where nobody told, too.
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
    becomes_root_by: str = ""


@dataclass(frozen=True, slots=True)
class LocalImage:
    """The image in a host's own store that a container was made from.

    ``image_id`` and digests read ``sha256:<hex>``. ``repo_digests`` are ``name@digest`` as the engine lists them, none
    for an image that was built there; ``references`` are those among them that can be read. ``manifest_digest`` is the exact manifest where the engine tells
    (ImageManifestDescriptor). ``platform`` is what the image's own config says. ``program`` is what its argv resolves
    to, where the image was read from the host's own store. ``since`` is what its name means in that store today, where
    that is another image: whatever was built, or pulled, since the container was made.
    """

    image_id: str
    repo_digests: tuple[str, ...] = ()
    manifest_digest: str = ""
    platform: Platform | None = None
    process: Process | None = None
    program: Program | None = None
    since: Platform | None = None
    references: tuple[ImageReference, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read its names."""
        found = tuple(name for name in map(image_reference, self.repo_digests) if not isinstance(name, Failure))
        object.__setattr__(self, "references", found)


ALL_CAPABILITIES = "ALL"


@dataclass(frozen=True, slots=True)
class Privileges:
    """What a container's processes may beyond or below what their user may.

    ``groups`` are further groups as written, by name or number. ``gains`` and ``loses`` are capabilities beside the
    engine's own, in capitals without ``CAP_``, each in one of them; ``ALL`` stands for every one that neither names.
    """

    groups: tuple[str, ...] = ()
    gains: tuple[str, ...] = ()
    loses: tuple[str, ...] = ()

    def has(self, capability: str) -> bool | None:
        """Whether it has a capability, ``None`` where that is left to the engine."""
        for said in (capability, ALL_CAPABILITIES):
            if said in self.gains:
                return True
            if said in self.loses:
                return False
        return None

    @property
    def lacks_override(self) -> bool:
        """Whether CAP_DAC_OVERRIDE was taken away, so that the bits of a file count for root too."""
        return self.has("DAC_OVERRIDE") is False


@dataclass(frozen=True, slots=True)
class Process:
    """What a config or a container says will be exec'd; ``None`` means "not said here", empty means "none".

    ``env`` are variables in their order; one whose value stayed on the host has ``None`` for it. ``user`` is
    ``USER[:GROUP]`` as written. ``init`` tells that the engine puts an init of its own in front (``--init``).
    ``volumes`` are the paths over which an engine mounts a volume of its own accord (a config's Volumes).
    ``healthcheck`` is Docker's ``Test``: ``CMD`` or ``CMD-SHELL`` before its words, ``NONE`` to switch it off.
    ``shell`` is what a config says runs its ``CMD-SHELL`` (a Dockerfile's SHELL). ``read_only``: nothing can be written but on mounts,
    those among them that Podman makes by itself, but where it ``lacks_tmpfs`` (``--read-only-tmpfs=false``).
    ``nameless_env`` are words of a config's Env without ``=``, which ``env`` has as variables without a value.
    ``is_fed``: it reads what its engine's client is given to read (``run -i``), ``input``, ``None`` where that is not known.
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
    privileges: Privileges = Privileges()
    shell: tuple[str, ...] | None = None
    read_only: bool | None = None
    lacks_tmpfs: bool | None = None
    is_fed: bool | None = None
    input: str | None = None

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
class Maker:
    """What made a container, hence what makes it anew.

    ``kind`` is COMPOSE, SWARM, NOMAD, KUBERNETES, SYSTEMD; ``name`` is the service, allocation, pod or unit within ``project``
    (a Compose project, a namespace). ``files`` are Compose's, absolute or relative to ``directory``.
    """

    kind: Source
    name: str
    project: str = ""
    files: tuple[str, ...] = ()
    directory: str = ""


@dataclass(frozen=True, slots=True)
class Since:
    """The first ``version`` of its engine that takes a plan as it is written, with ``what`` of it the one before refuses."""

    version: tuple[int, int]
    what: str


@dataclass(frozen=True, slots=True)
class Workload:
    """One container, or one that is planned.

    ``name`` is the container (Docker, Podman), namespace/pod/container (Kubernetes), project/service (compose), unit
    (quadlet, systemd) or the image itself (planned in the inventory). ``image`` is the reference as written, by
    which it is shown and told apart, ``reference`` what that text says or why it says nothing.
    ``pinned_at`` is where the pinned platform stands (``compose.yml:12``).
    ``engine`` is the ``Engine.key`` that runs it, empty where no one said which is to run a planned one. ``process`` holds what was overridden
    beside the image. ``state``, ``error`` and ``log`` (last lines, oldest first) are the engine's own words, made
    printable. ``mounts`` are those over paths of the image, ``None`` where no one told. ``started_at`` and
    ``finished_at`` are Unix seconds of the last start and end; ``settled`` tells whether it had been up for at least
    60 s since its last start when the host was read (``None``: not told). ``live`` is what the kernel shows of its processes, ``None`` where that was not seen.
    ``checks`` are the commands of exec probes and lifecycle hooks, which a plan gives it.
    ``maker`` is what made the container, where it was not a person with an engine's own command. ``since`` tells which
    versions of its engine take a plan.
    """

    host: str
    name: str
    source: Source
    stage: Stage
    image: str
    engine: str = ""
    pinned: Platform | None = None
    pinned_at: str = ""
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
    maker: Maker | None = None
    since: Since | None = None
    reference: ImageReference | Failure = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read what the image is called, whoever makes a workload."""
        object.__setattr__(self, "reference", image_reference(self.image))

    @property
    def archive(self) -> str:
        """The file that its image is in, as a command names it; empty where the image is to come from a registry."""
        return self.name if self.source is Source.ARCHIVE else ""

    @property
    def image_name(self) -> str:
        """What its image is called as written, without tag and digest; empty where the text is no reference."""
        return "" if isinstance(self.reference, Failure) else self.image.removesuffix(self.reference.suffix)

    @property
    def ran_s(self) -> float | None:
        """How long its last run took, in whole seconds; ``None`` while it runs, or where nobody told."""
        if self.started_at is None or self.finished_at is None or self.finished_at < self.started_at:
            return None
        return float(int(self.finished_at - self.started_at))

    @property
    def override(self) -> Process | None:
        """What is said beside the image, with the paths below mounts, and those that stay open below a read-only root."""
        process = self.process or Process()
        # All but Docker may leave some writable, Swarm puts secrets there, Kubernetes the token of a pod's account.
        is_bare = self.engine.startswith(EngineKind.DOCKER) or process.lacks_tmpfs is True
        open_ones = ("/run/secrets",) if is_bare else ("/run", "/tmp", "/var/run", "/var/tmp")  # noqa: S108 - paths of a container
        left = open_ones if process.read_only is True else ()
        over = (*(mount.destination for mount in self.mounts or ()), *left)
        return replace(process, volumes=(*(process.volumes or ()), *over)) if over else self.process


@dataclass(frozen=True, slots=True)
class ProbeVersion:
    """Which probe a host answered with: the ``version`` of its answer, the SHA-256 of the script, empty where not told."""

    version: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """Everything one host said in one complete answer.

    ``gaps`` names the parts of the answer that are missing, each with the engine key or part it concerns
    (``{"docker": Failure(engine_down)}``). ``discrepancies`` are contradictions between kernel, userland and engine in
    words for the operator. ``probe`` is what the host answered with.
    ``answered_at`` is when (Unix seconds), where that was not just now: the answer was pushed.
    """

    host: str
    kernel: Kernel
    engines: tuple[Engine, ...] = ()
    workloads: tuple[Workload, ...] = ()
    gaps: Mapping[str, Failure] = field(default_factory=dict)
    discrepancies: tuple[str, ...] = ()
    os_release: str = ""
    probe: ProbeVersion | None = None
    answered_at: float | None = None

    def engine(self, key: str) -> Engine | None:
        """The engine with this ``Engine.key``."""
        return next((engine for engine in self.engines if engine.key == key), None)


HOSTS_SHARE = (
    Binfmt, BinfmtEntry, Engine, ImageReference, Kernel, LiveProcess, LocalImage, Mount, Platform, Process,
)  # fmt: skip
"""Values that many hosts and workloads of a fleet have alike; whoever holds a fleet need hold each of them once."""
