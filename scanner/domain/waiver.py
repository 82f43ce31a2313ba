"""A finding that somebody answers for, until a moment."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.domain.report import Finding

_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""No later moment can be written in UTC."""


def writable(until: datetime) -> datetime:
    """An end as it can be written in UTC: within the last second that can, at its beginning.

    Raises:
        ValueError: it is in the year 10000.
    """
    if until - _LAST >= timedelta(seconds=1):
        raise ValueError("must end before the year 10000, in UTC")
    return min(until, _LAST)


def names_no_reason(glob: str) -> str:
    """Why a pattern of reasons covers nothing, empty where it covers some: a typing error would answer for nobody."""
    if any(fnmatchcase(reason, glob) for reason in Reason):
        return ""
    nearest = difflib.get_close_matches(glob, list(Reason), 1)
    return f"no reason is called {glob}" + (f"; did you mean {nearest[0]}?" if nearest else "")


class WaiverOrigin(StrEnum):
    """Who can end a waiver: whoever writes the configuration file, or whoever may use the API."""

    CONFIG = "config"
    API = "api"


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody, the ``owner``, answers for what fits every pattern (globs), until ``until`` in Unix seconds.

    ``reason`` is why it may stay as it is; ``finding_reason`` is the pattern of the reasons that it covers.
    """

    id: str
    owner: str
    reason: str
    until: float
    host: str = "*"
    image: str = "*"
    workload: str = "*"
    finding_reason: str = "*"
    origin: WaiverOrigin = WaiverOrigin.API

    def covers(self, finding: Finding) -> bool:
        """Whether every pattern fits."""
        workload = finding.workload
        pairs = (
            (workload.host, self.host),
            (workload.image, self.image),
            (workload.name, self.workload),
            (str(finding.verdict.reason), self.finding_reason),
        )
        return all(pattern == "*" or fnmatchcase(text, pattern) for text, pattern in pairs)
