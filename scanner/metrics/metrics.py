"""The exposition as a whole: the published report's series, then our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.exposition import choose_encoder

from scanner.metrics import families as c
from scanner.metrics.exposition import exposition
from scanner.metrics.fleet_metrics import MAX_FINDINGS
from scanner.metrics.fleet_pages import FleetPages, Format
from scanner.metrics.ourselves import Instruments
from scanner.metrics.registries import RegistryObserver

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.domain.decision import Decision
    from scanner.domain.override import Override
    from scanner.domain.report import Report

_OPENMETRICS = "application/openmetrics-text"
_END = b"# EOF\n"


class Metrics:
    """Renders expositions; everything that happens is counted by one short call each."""

    def __init__(self, version: str, *, max_findings: int = MAX_FINDINGS) -> None:
        self._own = Instruments(version)
        self._pages = FleetPages(max_findings)
        self._leads = True
        own = self._own
        self.registries = RegistryObserver(own.registry_requests, own.registry_duration, own.registry_rate_limit)
        self.trail = own.trail
        self.workers = own.workers

    # ---------------------------------------------------------------- expositions

    def render(self, report: Report | None, accept: str | None, *, packed: bool = False) -> tuple[str, bytes]:
        """Content type and page for ``/metrics``, in the format that ``accept`` asks for; ``packed`` by gzip."""
        encode, content_type = choose_encoder(accept or "")
        page = self._pages.page(self._shown(report), _format(content_type, packed=packed), encode(self._own.registry))
        return content_type, page

    def is_ready(self, report: Report | None, accept: str | None, *, packed: bool = False) -> bool:
        """Whether that page takes no longer than our own few series do."""
        _, content_type = choose_encoder(accept or "")
        return self._pages.is_ready(self._shown(report), _format(content_type, packed=packed))

    def prepare(self, report: Report) -> None:
        """Render what is about to be published in the formats that were asked for; may be called from any thread.

        100,000 series take half a second, for which neither a scrape nor the event loop should wait.
        """
        self._pages.prepare(report)

    def render_probe(
        self, report: Report | None, *, success: bool, duration_s: float, accept: str | None
    ) -> tuple[str, bytes]:
        """The page of one ``/probe``: its target only, nothing of ourselves."""
        _, content_type = choose_encoder(accept or "")
        openmetrics = content_type.startswith(_OPENMETRICS)
        made = self._pages.samples(report)
        target = {
            family: samples for family, samples in made.items() if family not in (c.SCAN_LAST_SUCCESS, c.SCAN_DURATION)
        }
        probe = {c.PROBE_SUCCESS: [((), float(success))], c.PROBE_DURATION: [((), duration_s)]}
        page = exposition({**probe, **target}, openmetrics=openmetrics)
        return content_type, page + _END if openmetrics else page

    def _shown(self, report: Report | None) -> Report | None:
        """Nothing of a follower: two instances that are both scraped would page twice."""
        return report if self._leads else None

    def configure(self, *, max_findings: int, scan_interval_s: float, registries: tuple[str, ...] = ()) -> None:
        """Take on new settings."""
        self._pages.configure(max_findings)
        self._own.scan_interval.set(scan_interval_s)
        self.registries.configured(registries)

    def leads(self, leads: bool) -> None:  # noqa: FBT001 -- the fact itself
        """Whether this archscan scans, so that the fleet's series are its to show."""
        self._leads = leads
        self._own.leader.set(leads)

    def registry_limits(self) -> Mapping[str, tuple[int, float]]:
        """What each registry last said is left of its limit, with when it said so (Unix seconds)."""
        return self.registries.left

    # ---------------------------------------------------------------- events

    def architectures_changed(self, changed_at: Mapping[str, float]) -> None:
        """When each host changed its platform (Unix seconds); hosts that are not in the report are left out."""
        self._pages.architectures_changed(changed_at)

    def first_scanned(self, at: float) -> None:
        """When the first complete scan ended that the store remembers (Unix seconds)."""
        self._own.first_scan.at = at

    def scan_ended(self, *, complete: bool) -> None:
        """A scan of the fleet ended."""
        self._own.scans.inc()
        if not complete:
            self._own.scans_failed.inc()

    def scan_skipped(self) -> None:
        """A scheduled scan did not start."""
        self._own.scans_skipped.inc()

    def gate_decided(self, decision: Decision) -> None:
        """The gate answered."""
        self._own.gate_decisions.labels(str(decision)).inc()

    def gate_overridden(self) -> None:
        """The gate would have answered deny or hold without an override."""
        self._own.gate_overridden.inc()

    def gate_failed_open(self) -> None:
        """A pod was admitted although the gate held."""
        self._own.gate_failed_open.inc()

    def overrides_in_force(self, overrides: Sequence[Override]) -> None:
        """Who answers for deployments against the gate."""
        self._own.gate_override.clear()
        for one in overrides:
            self._own.gate_override.labels(one.id, one.owner, one.image, one.host).set(one.until)

    def rollbacks_pending(self, count: int) -> None:
        """So many rollbacks were confirmed and have not ended."""
        self._own.rollbacks_pending.set(count)

    def rollback_ended(self, outcome: str) -> None:
        """A rollback ended so."""
        self._own.rollbacks.labels(outcome).inc()

    def inventory_loaded(self, *, read: int, not_understood: int, skipped: int) -> None:
        """So many hosts of the inventory in force are read, or are not."""
        for state, count in (("read", read), ("not_understood", not_understood), ("skipped", skipped)):
            self._own.inventory_hosts.labels(state).set(count)

    def surveys_pending(self, count: int) -> None:
        """So many surveys are waiting to be made."""
        self._own.surveys_pending.set(count)

    def survey_read(self, count: int) -> None:
        """A layer of ``count`` bytes was read for a survey."""
        self._own.survey_bytes.inc(count)

    def credential_expires(self, credential: str, at: float | None) -> None:
        """When a credential of ours ends (Unix seconds); ``None``: it is gone or has no end."""
        if at is None:
            self._own.credential_expiry.remove(credential)
        else:
            self._own.credential_expiry.labels(credential).set(at)

    def config_reloaded(self, *, successful: bool, at: float) -> None:
        """The configuration file was read at ``at`` (Unix seconds)."""
        self._own.config_successful.set(successful)
        if successful:
            self._own.config_success_time.set(at)

    def store_failed(self) -> None:
        """Something could not be stored."""
        self._own.store_errors.inc()

    def internal_error(self) -> None:
        """The last net caught a bug."""
        self._own.internal_errors.inc()

    def http_request(self, route: str, code: int) -> None:
        """One request was answered; ``route`` is the template of the matched route, ``none`` without one."""
        self._own.http_requests.labels(route, str(code)).inc()

    def loop_lag(self, seconds: float) -> None:
        """The event loop was late by so much; a clock that stepped back counts as in time."""
        self._own.loop_lag.observe(max(seconds, 0.0))


def _format(content_type: str, *, packed: bool) -> Format:
    return Format(content_type.startswith(_OPENMETRICS), packed)
