"""A host's facts in brief: what its workloads have in common with those of other hosts is told once.

Thousands of hosts run the same images in the same way, so that their workloads differ by name and moment alone. A process that reads
answers tells such a pattern the first time that it meets it; from then on the digest of its bytes stands for it. Whoever hears
of a digest that he does not know has the answer told whole.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from scanner.domain import workload_pattern
from scanner.domain.facts import HOSTS_SHARE, HostFacts, Workload
from scanner.formats.parsing.offload_worker import pickled, qualified
from scanner.probe import reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.domain.failure import Failure
    from scanner.domain.host import Host

MAX_PATTERNS = 4096
"""Kept at either end, of a KiB or less; a fleet of ten thousand hosts has some thousand."""

MAX_PATTERN_BYTES = 4 << 10
"""Of one: most have a fifth. Who has one that says more is told whole, since what says so much is seldom said twice."""

MAX_BRIEF = 256
"""Workloads of a host that is told in brief; more are put together elsewhere than in an event loop, hence told whole."""

LITTLE_BYTES = 16 << 10
"""Of patterns that are read in the event loop: twenty usual ones, five milliseconds at most."""

Row = tuple[bytes, str, float | None, float | None]
"""A pattern's digest, then what a workload has of its own beside its host."""


@dataclass(frozen=True, slots=True)
class BriefFacts:
    """``rest`` are the facts without workloads, ``rows`` has one for each of those; ``patterns`` are those that are told now."""

    rest: HostFacts
    rows: tuple[Row, ...]
    patterns: tuple[bytes, ...]


_SHARED = frozenset(map(qualified, HOSTS_SHARE))

_told: dict[tuple[Any, ...], bytes] = {}
"""What this process has told, with its digest."""


def read(raw: bytes, host: Host) -> BriefFacts | HostFacts | Failure:
    """The facts in a probe's answer, in brief where they can be so; runs where a hostile answer can be ended."""
    found = reading.read(raw, host)
    return brief(found, _told) if isinstance(found, HostFacts) else found


def read_anew(raw: bytes, host: Host) -> BriefFacts | HostFacts | Failure:
    """The same for whoever does not know what was told: with every pattern."""
    found = reading.read(raw, host)
    return brief(found, {}) if isinstance(found, HostFacts) else found


def brief(facts: HostFacts, told: dict[tuple[Any, ...], bytes]) -> BriefFacts | HostFacts:
    """The facts with the patterns that are not among ``told``, which has them from then on; themselves where they say too much."""
    if len(facts.workloads) > MAX_BRIEF:
        return facts
    rows, fresh, patterns = [], dict[tuple[Any, ...], bytes](), dict[bytes, bytes]()
    for workload in facts.workloads:
        said = workload_pattern.said_in_common(workload)
        digest = told.get(said) or fresh.get(said)
        if digest is None:
            pattern = pickled(replace(workload, host="", name="", started_at=None, finished_at=None), _SHARED)
            if len(pattern) > MAX_PATTERN_BYTES:
                return facts
            digest = fresh[said] = sha256(pattern).digest()
            patterns[digest] = pattern
        rows.append((digest, workload.name, workload.started_at, workload.finished_at))
    if len(told) + len(fresh) > MAX_PATTERNS:
        told.clear()
    told |= fresh
    return BriefFacts(replace(facts, workloads=()), tuple(rows), tuple(patterns.values()))


def is_little(told: BriefFacts) -> bool:
    """Whether what is told is put together in the event loop; whoever took a process over puts anything into a field."""
    try:
        return sum(map(len, told.patterns[:MAX_BRIEF])) <= LITTLE_BYTES
    except TypeError:
        return False


class Patterns:
    """Those that were told, each believed to be what its digest says; ``value`` reads the bytes of one, ``None`` where they are none of ours."""

    def __init__(self, value: Callable[[bytes], object]) -> None:
        self._value = value
        self._known: OrderedDict[bytes, workload_pattern.Pattern] = OrderedDict()

    def whole(self, told: BriefFacts) -> HostFacts | None:
        """The facts; ``None`` where one of their patterns is not known, or where no process of ours tells them so."""
        try:
            return self._whole(told) if max(len(told.rows), len(told.patterns)) <= MAX_BRIEF else None
        except (AttributeError, TypeError, ValueError):  # as in ``is_little``
            return None
        finally:
            while len(self._known) > MAX_PATTERNS:  # the oldest; who meets it again has it told anew
                self._known.popitem(last=False)

    def _whole(self, told: BriefFacts) -> HostFacts | None:
        for each in told.patterns:
            self._learn(each)
        known, host = self._known, told.rest.host
        workloads = []
        for digest, name, started_at, finished_at in told.rows:
            pattern = known.get(digest)
            if pattern is None:
                return None
            workloads.append(workload_pattern.workload(pattern, host, name, started_at, finished_at))
        return replace(told.rest, workloads=tuple(workloads))

    def _learn(self, pattern: bytes) -> None:
        if len(pattern) > MAX_PATTERN_BYTES:
            return
        digest = sha256(pattern).digest()
        if digest in self._known:
            return
        found = self._value(pattern)
        if isinstance(found, Workload):
            self._known[digest] = workload_pattern.pattern_of(found)
