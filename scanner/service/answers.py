"""What the web layer asks of the running service; the composition root implements it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from scanner.domain.host import Host
    from scanner.domain.platform.platform import Platform
    from scanner.domain.report import Report


class RefusalReason(StrEnum):
    """Why something was not done; the word is the ``reason`` of the problem document."""

    HOST_NOT_IN_INVENTORY = "host_not_in_inventory"
    REFERENCE_INVALID = "reference_invalid"
    PLATFORM_INVALID = "platform_invalid"
    REGISTRY_NOT_ALLOWED = "registry_not_allowed"
    WAIVER_INVALID = "waiver_invalid"
    TOO_MANY_SCANS = "too_many_scans"
    NOT_READY = "not_ready"
    FACTS_STALE = "facts_stale"
    STORE_FAILED = "store_failed"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, in one line; ``retry_after_s`` where trying again may help."""

    reason: RefusalReason
    detail: str
    retry_after_s: float | None = None


class ScanState(StrEnum):
    """Where an asked-for scan stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self in (ScanState.DONE, ScanState.FAILED)


@dataclass(frozen=True, slots=True)
class ScanTicket:
    """One asked-for scan. Moments are Unix seconds, ``done`` of ``total`` hosts have been read.

    ``joined`` tells the asker that the same scan had been asked for before; ``detail`` why it failed.
    """

    id: str
    state: ScanState
    hosts: tuple[str, ...]
    requested_at: float
    requested_by: str
    started_at: float | None = None
    finished_at: float | None = None
    done: int = 0
    total: int = 0
    joined: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """The gate's answer: ``decision`` is allow, warn, deny or hold."""

    report: Report
    decision: str


@dataclass(frozen=True, slots=True)
class Probed:
    """What one probe of one host found (``None``: nothing before its deadline), with a log for the operator."""

    report: Report | None
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reloaded:
    """Whether a new configuration is in force; ``detail`` says what was wrong with it."""

    successful: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether there is a report to answer from; ``detail`` says what is missing."""

    ready: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Waived:
    """A finding that somebody answers for. Patterns are globs; ``until`` is Unix seconds.

    ``origin`` is ``config`` for one of the configuration file, which the API cannot delete, else ``api``.
    """

    id: str
    owner: str
    reason: str
    until: float
    host: str = "*"
    image: str = "*"
    workload: str = "*"
    finding_reason: str = "*"
    origin: str = "api"


class Service(Protocol):
    """The running service. ``by`` names the caller for the log; it is never a credential."""

    def report(self) -> Report | None:
        """The published report, ``None`` before the first."""

    def hosts(self) -> Sequence[Host]:
        """The inventory."""

    def ready(self) -> Readiness:
        """Whether the first report is there."""

    def healthy(self) -> Readiness:
        """Whether the process does its work at all."""

    def reload(self, by: str) -> Reloaded:
        """Read the configuration again."""

    def scan(self, ticket_id: str) -> ScanTicket | None:
        """An asked-for scan."""

    def scan_events(self, ticket_id: str) -> AsyncIterator[ScanTicket]:
        """The ticket now, then at each change, ending after the one that ended."""

    def waivers(self) -> Sequence[Waived]:
        """All that are in force."""

    async def request_scan(self, patterns: tuple[str, ...], by: str) -> ScanTicket | Refusal:
        """Scan the inventory hosts that match any glob (none: all), or join the scan that does."""

    async def check(
        self, images: tuple[str, ...], hosts: tuple[str, ...], platform: Platform | None, by: str
    ) -> Checked | Refusal:
        """May these images go to the inventory hosts that match, or to a plain host of ``platform``?"""

    async def probe(self, target: str, deadline_s: float, by: str) -> Probed | Refusal:
        """Scan one inventory host now, for at most ``deadline_s`` seconds."""

    async def add_waiver(self, waiver: Waived, by: str) -> Waived | Refusal:
        """Put a waiver in force; its id is chosen here."""

    async def delete_waiver(self, waiver_id: str, by: str) -> bool | Refusal:
        """End a waiver; ``False`` if there is none."""


class Exposition(Protocol):
    """What the web layer asks of the metrics."""

    def render(self, report: Report | None, accept: str | None) -> tuple[str, bytes]:
        """Content type and page of ``/metrics``."""

    def render_probe(
        self, report: Report | None, *, success: bool, duration_s: float, accept: str | None
    ) -> tuple[str, bytes]:
        """Content type and page of one probe."""

    def http_request(self, route: str, code: int) -> None:
        """One request was answered."""

    def gate_decided(self, decision: str) -> None:
        """The gate answered."""

    def internal_error(self) -> None:
        """The last net caught a bug."""
