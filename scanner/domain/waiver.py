"""A finding that somebody answers for, until a moment."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from scanner.domain.override import names_something
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.domain.report import Finding

ANY = "*"
"""What a pattern is that narrows nothing."""

BESIDE = {"host": "host", "image": "image", "workload": "workload", "reason": "finding_reason"}
"""What the patterns of ``match`` are called beside it, where ``reason`` is why somebody answers."""

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


def end_of_day(text: str) -> datetime | None:
    """The last moment in UTC of a day such as 2027-01-31; None where it is no day.

    Raises:
        ValueError: there is no such day.
    """
    if len(text) != len("2027-01-31"):
        return None
    return writable(datetime.combine(date.fromisoformat(text), time.max, tzinfo=UTC))


def patterns(match: Mapping[str, str], beside: Mapping[str, str]) -> dict[str, str]:
    """What a waiver covers, by the names of ``match``, however it is written: in ``match``, beside it, in both."""
    return {name: given if (given := match[name]) != ANY else beside[own] for name, own in BESIDE.items()}


def misfits(match: Mapping[str, str], beside: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong with how a waiver says what it covers: a place in it, then the words."""
    for name, own in BESIDE.items():
        if match[name] != ANY != beside[own]:
            yield (own,), f"match.{name} says it already: leave one of them out"
    given = patterns(match, beside)
    if not any(map(names_something, given.values())):
        yield ("match",), "name a host, image, workload or reason of findings: nobody answers for everything"
    if why := names_no_reason(given["reason"]):
        yield ((BESIDE["reason"],) if match["reason"] == ANY else ("match", "reason")), why


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
