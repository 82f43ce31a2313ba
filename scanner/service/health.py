"""Whether the service does its work, by the scans that come to an end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from scanner.service.answers import Readiness

if TYPE_CHECKING:
    from scanner.service.leadership import Leadership
    from scanner.service.publication import Publication
    from scanner.service.reloading import Reloading

STALE_INTERVALS = 3
"""A service that has published nothing for so many intervals does not do its work."""


class Health:
    """Goes by the event loop's clock, which nobody sets; made in the event loop that runs the scans."""

    def __init__(self, reloading: Reloading, publication: Publication, leadership: Leadership | None = None) -> None:
        self._reloading, self._publication, self._leadership = reloading, publication, leadership
        self._loop = asyncio.get_running_loop()
        self._alive_at = self._loop.time()

    def fleet_scanned(self) -> None:
        """A scan of the whole fleet has come to its end."""
        self._alive_at = self._loop.time()

    def ready(self) -> Readiness:
        """Whether there is a report."""
        role = self._leadership.role if self._leadership else ""
        return Readiness(self._publication.report() is not None, "the first scan has not ended yet", role)

    def healthy(self) -> Readiness:
        """Whether scans of the fleet come to an end at all, whatever the wall clock says; another's are another's."""
        if self._leadership is not None and not self._leadership.leads:
            return Readiness(True)  # noqa: FBT003 -- it is: a restart would mend nothing of the leader's
        scan = self._reloading.settings.scan
        age_s = self._loop.time() - self._alive_at
        limit_s = STALE_INTERVALS * (scan.interval + scan.deadline)
        return Readiness(age_s <= limit_s, f"no scan of the whole fleet has ended for {age_s:.0f} s")
