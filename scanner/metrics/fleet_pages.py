"""The fleet's series as bytes, made once for the report that is published, once for the one that is about to be."""

from __future__ import annotations

import threading
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.metrics.exposition import exposition
from scanner.metrics.fleet_metrics import fleet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.report import Report
    from scanner.metrics.fleet_metrics import Fleet

PACKING = 3
"""Of gzip's nine levels: series are so much alike that the first ones make a tenth of them, the last ones take five times as long."""

_GZIP = 31
"""What makes ``zlib`` write gzip's head and end around the bytes."""


@dataclass(frozen=True, slots=True)
class Format:
    """How a page is asked for."""

    openmetrics: bool
    packed: bool = False


class _Plain:
    """A page as it is."""

    def __init__(self, fleet_series: bytes) -> None:
        self._series = fleet_series

    def with_end(self, own: bytes) -> bytes:
        """The page that ends with our own series."""
        return self._series + own


class _Packed:
    """A page in gzip, of which only the end is packed for each scrape."""

    def __init__(self, fleet_series: bytes) -> None:
        self._packing = zlib.compressobj(PACKING, zlib.DEFLATED, _GZIP)
        self._begun = self._packing.compress(fleet_series) + self._packing.flush(zlib.Z_SYNC_FLUSH)

    def with_end(self, own: bytes) -> bytes:
        """The page that ends with our own series."""
        packing = self._packing.copy()  # it knows the checksum of what is packed already
        return self._begun + packing.compress(own) + packing.flush()


_Page = _Plain | _Packed
_Pages = dict[Format, _Page]


class FleetPages:
    """The pages of two reports at most: a scrape may come while the next one is prepared, but not published."""

    def __init__(self, max_findings: int) -> None:
        self._max_findings = max_findings
        self._changed_at: Mapping[str, float] = {}
        self._formats: frozenset[Format] = frozenset()
        self._lock = threading.Lock()
        self._made: list[tuple[Report | None, _Pages]] = []
        self._settings = 0

    def configure(self, max_findings: int) -> None:
        """Show so many findings from now on."""
        if max_findings != self._max_findings:
            self._max_findings = max_findings
            self._forget()

    def architectures_changed(self, changed_at: Mapping[str, float]) -> None:
        """Hosts changed their architecture then; each scan tells that, and mostly it is what was known before."""
        if changed_at != self._changed_at:
            self._changed_at = dict(changed_at)
            self._forget()

    def samples(self, report: Report | None) -> Fleet:
        """All that is shown of a report."""
        return fleet(report, self._max_findings, self._changed_at)

    def prepare(self, report: Report) -> None:
        """Make what is about to be published in the formats that were asked for; may be called from any thread."""
        if formats := self._formats:
            self._make(report, formats, is_published=False)

    def is_ready(self, report: Report | None, wanted: Format) -> bool:
        """Whether the page of this report is there; to make it takes as long as the fleet is large."""
        return self._known(report, wanted) is not None

    def page(self, report: Report | None, wanted: Format, own: bytes) -> bytes:
        """The page of the published report, with our ``own`` series behind it."""
        self._formats |= {wanted}
        page = self._known(report, wanted) or self._make(report, frozenset({wanted}), is_published=True)[wanted]
        return page.with_end(own)

    def _known(self, report: Report | None, wanted: Format) -> _Page | None:
        """What was made of the published report; nobody asks any more for what was made of one before."""
        with self._lock:
            for at, (known, pages) in enumerate(self._made):
                if known is report:
                    self._made = self._made[at:]
                    return pages.get(wanted)
        return None

    def _make(self, report: Report | None, formats: frozenset[Format], *, is_published: bool) -> _Pages:
        settings = self._settings
        samples = self.samples(report)
        pages: _Pages = {}
        for openmetrics in {one.openmetrics for one in formats}:
            written = exposition(samples, openmetrics=openmetrics)
            pages |= {
                one: _Packed(written) if one.packed else _Plain(written)
                for one in formats
                if one.openmetrics is openmetrics
            }
        with self._lock:
            if settings == self._settings:
                self._keep(report, pages, is_published=is_published)
        return pages

    def _keep(self, report: Report | None, pages: _Pages, *, is_published: bool) -> None:
        for known, made in self._made:
            if known is report:
                made.update(pages)
                return
        one = report, pages
        self._made = [one, *self._made[-1:]] if is_published else [*self._made[-1:], one]

    def _forget(self) -> None:
        with self._lock:
            self._settings += 1
            self._made = []
