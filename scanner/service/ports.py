"""The narrow seams by which the use cases ask the rooms that are opened above them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from scanner.domain.facts import HostFacts
    from scanner.domain.failure import Failure
    from scanner.domain.host import Host
    from scanner.domain.image.reference import ImageReference
    from scanner.domain.override import Override
    from scanner.domain.report import Report
    from scanner.probe.planned.folder import FolderPlans
    from scanner.scan.images.image_surveys import Wanted
    from scanner.scan.plans.plans import Deployments
    from scanner.scan.ports import HostReader
    from scanner.scan.scan import ScanLimits, Scanner
    from scanner.settings.schema import Settings


class Adapters(Protocol):
    """All that one configuration can ask: its hosts, its registries, its plans; open until it is closed."""

    def one_scan(self) -> AbstractContextManager[None]:
        """Within this each reference is resolved once: a tag cannot move in a scan."""

    def one_check(self) -> AbstractContextManager[None]:
        """Within this each reference is resolved once: what was known of a tag before counts for ``gate.max_tag_age`` alone."""

    async def read(self, host: Host) -> HostFacts | Failure:
        """Ask one host."""

    def scanner(  # noqa: PLR0913 -- each is an independent choice of the use case
        self,
        limits: ScanLimits,
        *,
        read: HostReader | None = None,
        on_bug: Callable[[str], None] = ...,
        plans: Deployments = ...,
        survey_now: bool = ...,
        want_survey: Callable[[Wanted], None] | None = ...,
    ) -> Scanner:
        """A scanner over these adapters; ``read`` where facts come from elsewhere than the hosts.

        Surveys that a judgement lacks are made while it waits (``survey_now``), or ``want_survey`` is told of them.
        """

    async def survey(self, wanted: Wanted, grant: Callable[[int], bool]) -> int | Failure:
        """Read what a survey lacks, so that the next judgement finds it; how many bytes that took.

        Where ``grant`` refuses so many bytes nothing is read: the answer is ``survey_pending``.
        """

    async def plans(self, hosts: Sequence[Host], within_s: float) -> Deployments:
        """What is planned now for these hosts, which are the whole inventory; unknown where that takes longer."""

    async def tags(self, reference: ImageReference) -> tuple[str, ...] | Failure:
        """The tags of a repository, as its registry lists them now."""

    async def read_files(self, files: Mapping[str, bytes]) -> FolderPlans:
        """What these files, by path, plan together."""

    async def receive(self, host: Host, raw: bytes) -> Failure | None:
        """Keep the answer that a host pushed, for the next scan; why not, where it is no whole answer or cannot be kept."""

    def credential_ends(self) -> Mapping[str, float]:
        """When the certificates in use end (Unix seconds), by their place in the configuration."""

    async def close(self) -> None:
        """Close every connection."""


class OpenAdapters(Protocol):
    """Opens the adapters of one configuration."""

    def __call__(self, settings: Settings) -> Adapters:
        """Open them; nothing is contacted yet.

        Raises:
            SettingsError: a key, known_hosts or another file that the settings name cannot be used.
        """


class Observer(Protocol):
    """Watches what happens, for metrics."""

    def configure(self, *, max_findings: int, scan_interval_s: float, registries: tuple[str, ...]) -> None:
        """These settings are in force."""

    def config_reloaded(self, *, successful: bool, at: float) -> None:
        """The configuration was read at ``at`` (Unix seconds)."""

    def credential_expires(self, credential: str, at: float | None) -> None:
        """When a credential of ours ends (Unix seconds); ``None``: it is no longer used."""

    def prepare(self, report: Report) -> None:
        """This report is about to be published; called in a thread."""

    def scan_ended(self, *, complete: bool) -> None:
        """A scan ended."""

    def scan_skipped(self) -> None:
        """A scheduled scan did not start."""

    def store_failed(self) -> None:
        """Something could not be stored."""

    def internal_error(self) -> None:
        """The last net caught a bug."""

    def inventory_loaded(self, *, read: int, not_understood: int, skipped: int) -> None:
        """So many hosts of the inventory in force are read, or are not."""

    def overrides_in_force(self, overrides: Sequence[Override]) -> None:
        """These deployments are answered for against the gate."""

    def rollbacks_pending(self, count: int) -> None:
        """So many rollbacks were confirmed and have not ended."""

    def rollback_ended(self, outcome: str) -> None:
        """A rollback ended so."""

    def surveys_pending(self, count: int) -> None:
        """So many surveys are waiting to be made."""

    def first_scanned(self, at: float) -> None:
        """When the first complete scan ended that the store remembers (Unix seconds)."""
        ...

    def architectures_changed(self, changed_at: Mapping[str, float]) -> None:
        """When each host changed its platform (Unix seconds)."""
