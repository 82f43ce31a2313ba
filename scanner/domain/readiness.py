"""Counts what would run if hosts became another platform: every image of a report against one that is planned."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property, partial
from itertools import chain
from operator import neg
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from scanner.domain.failure import Failure
from scanner.domain.image.reference import image_reference
from scanner.domain.platform.platform import canonical
from scanner.domain.report_json import finding_document, moment
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from scanner.domain.finding_groups import Likeness
    from scanner.domain.platform.platform import Platform
    from scanner.domain.report import Finding, Report

SCHEMA = "archscan/readiness/v1"
"""What a consumer checks first."""

NO_TEAM = "(none)"
"""Whose host has no such label."""


class Outlook(StrEnum):
    """What would become of an image there, what blocks first."""

    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    LABELLED = "labelled"
    DEGRADED = "degraded"
    EMULATED = "emulated"
    READY = "ready"


OUTLOOK_MEANS: Mapping[Outlook, str] = MappingProxyType(
    {
        Outlook.BLOCKED: "would not start there",
        Outlook.UNKNOWN: "nobody knows yet",
        Outlook.LABELLED: "its label names this platform; its bytes were not judged for it",
        Outlook.DEGRADED: "starts on such a host, though something of it is wrong",
        Outlook.EMULATED: "runs through an emulator on such a host",
        Outlook.READY: "would start there natively",
    }
)

_OF_STATUS = {
    Status.OK: Outlook.READY,
    Status.DEGRADED: Outlook.DEGRADED,
    Status.EMULATED: Outlook.EMULATED,
    Status.UNKNOWN: Outlook.UNKNOWN,
    Status.MISMATCH: Outlook.BLOCKED,
    Status.BROKEN: Outlook.BLOCKED,
}

_PULLS_NOTHING_THAT_STARTS = {Reason.PLATFORM_LOST, Reason.NEXT_PULL_BROKEN, Reason.TAG_GONE}
"""A host that moves pulls anew, whatever starts where it was pulled long ago."""

_LABEL_LIES = {Reason.MISLABELLED, Reason.CONFIG_DISAGREES}
"""Then a label that names the target tells nothing."""

_ORDER = tuple(Outlook)

_PLACE = {outlook: place for place, outlook in enumerate(_ORDER)}


def _on_target(reason: Reason) -> Outlook:
    """What a judgement says that was made of a host of the target."""
    return Outlook.BLOCKED if reason in _PULLS_NOTHING_THAT_STARTS else _OF_STATUS[STATUS_OF[reason]]


@dataclass(frozen=True)
class ImageOutlook:
    """One image with how many workloads it has, on which hosts, each once; ``why`` says in a sentence what the outlook rests on.

    ``judged`` is the finding that decides: of a plain host of the target, else of a host of the fleet that is one.
    """

    image: str
    outlook: Outlook
    why: str
    workloads: int
    hosts: tuple[str, ...]
    judged: Finding | None = None

    @property
    def registry(self) -> str:
        """Where it comes from; empty where its reference cannot be read."""
        reference = image_reference(self.image)
        return "" if isinstance(reference, Failure) else reference.registry


@dataclass(frozen=True, slots=True)
class Tally:
    """How many images of one team, registry or host have which outlook."""

    name: str
    by_outlook: tuple[int, ...]

    @property
    def counts(self) -> Mapping[Outlook, int]:
        """How many of each, what blocks first."""
        return dict(zip(_ORDER, self.by_outlook, strict=True))

    @property
    def total(self) -> int:
        """How many images there are."""
        return sum(self.by_outlook)


@dataclass(frozen=True)
class Readiness:
    """A fleet before it moves; ``is_judged`` tells that images were opened for it, down to the program."""

    target: Platform
    scan_id: str
    finished_at: float
    images: tuple[ImageOutlook, ...]
    unread_hosts: tuple[str, ...]
    labels_of: Mapping[str, Mapping[str, str]]
    is_judged: bool
    team_label: str = "team"

    @cached_property
    def counts(self) -> Mapping[Outlook, int]:
        """How many images have which outlook."""
        seen = Counter(image.outlook for image in self.images)
        return {outlook: seen[outlook] for outlook in Outlook}

    @cached_property
    def by_team(self) -> Sequence[Tally]:
        """By the label that says whose a host is."""
        named = {host: labels.get(self.team_label, NO_TEAM) for host, labels in self.labels_of.items()}
        teams = defaultdict(lambda: NO_TEAM, named)
        return self._tallies(lambda image: set(map(teams.__getitem__, image.hosts)))

    @cached_property
    def by_registry(self) -> Sequence[Tally]:
        """By where the images come from."""
        return self._tallies(lambda image: (image.registry,))

    @cached_property
    def by_host(self) -> Sequence[Tally]:
        """By host: what each would have when it became the target."""
        return self._tallies(lambda image: image.hosts)

    def _tallies(self, names_of: Callable[[ImageOutlook], Collection[str]]) -> Sequence[Tally]:
        of_each = [Counter[str]() for _ in _ORDER]
        for image in self.images:
            of_each[_PLACE[image.outlook]].update(names_of(image))
        every = list(set().union(*of_each))
        columns = [map(counts.__getitem__, every) for counts in of_each]
        tallies = map(Tally, every, zip(*columns, strict=True))
        return sorted(tallies, key=lambda tally: (*map(neg, tally.by_outlook), tally.name))


def readiness(report: Report, target: Platform, judged: Report | None = None, team_label: str = "team") -> Readiness:
    """Every image of ``report`` on ``target``; ``judged`` are the same images against a plain host of it, where asked for.

    A host of which a part was not read, an engine or a plan, counts as one that was not.
    """
    by_image: dict[str, dict[Likeness, Sequence[Finding]]] = {}
    unread = {host.name: None for host in report.hosts if isinstance(host.reading, Failure)}
    for one, found in report.alike.items():
        if one.image:
            by_image.setdefault(one.image, {})[one] = found
        else:
            unread |= dict.fromkeys(report.hosts_alike[one])
    there = {finding.workload.image: finding for finding in judged.findings} if judged else {}
    is_target = cache(partial(_is, target))
    images = []
    for image, some in by_image.items():
        outlook, why, decides = _outlook(some, target, there.get(image), is_target)
        hosts = tuple(dict.fromkeys(chain.from_iterable(map(report.hosts_alike.__getitem__, some))))
        images.append(ImageOutlook(image, outlook, why, sum(map(len, some.values())), hosts, decides))
    return Readiness(
        target=target,
        scan_id=report.scan_id,
        finished_at=report.finished_at,
        images=tuple(sorted(images, key=lambda one: (_PLACE[one.outlook], -one.workloads, one.image))),
        unread_hosts=tuple(unread),
        labels_of={host.name: host.labels for host in report.hosts},
        is_judged=judged is not None,
        team_label=team_label,
    )


_Decided = tuple[Outlook, str, "Finding | None"]
"""What becomes of an image, why, by which finding."""


def _outlook(
    found: Mapping[Likeness, Sequence[Finding]],
    target: Platform,
    judged: Finding | None,
    is_target: Callable[[Platform], bool],
) -> _Decided:
    if judged is None:
        same = (one for one in found if one.platform is not None and is_target(one.platform))
        worst = min(same, key=lambda one: _PLACE[_on_target(one.reason)], default=None)
        judged = found[worst][0] if worst else None
    if judged is not None:
        return _on_target(judged.verdict.reason), judged.verdict.detail or _words(judged, target), judged
    offered = tuple(dict.fromkeys(chain.from_iterable(one.offered for one in found)))
    if any(map(is_target, offered)):
        return _by_label(target, found, is_target)
    if offered:
        return Outlook.BLOCKED, f"it offers {', '.join(map(str, offered))} only", None
    return Outlook.UNKNOWN, "what it offers is not known", None


def _by_label(
    target: Platform, found: Mapping[Likeness, Sequence[Finding]], is_target: Callable[[Platform], bool]
) -> _Decided:
    """What a label says that names the target, unless the very bytes behind it were read on hosts of another platform."""
    read = (next((each for each in some if _was_read(each, is_target)), None) for some in found.values())
    worst = min(filter(None, read), key=lambda each: _PLACE[_from_elsewhere(each)], default=None)
    if worst is None:
        return Outlook.LABELLED, f"its label says {target}; what it has for that was not read", None
    verdict, host = worst.verdict, worst.workload.host
    seen = f"its label says {target}; its bytes were judged for {host} alone, which is {worst.host_platform}"
    why = f"{seen}: {verdict.reason}" + (f": {verdict.detail}" if verdict.detail else "")
    return _from_elsewhere(worst), why, None


def _was_read(finding: Finding, is_target: Callable[[Platform], bool]) -> bool:
    """Whether it was what the image has for the target that was read for another host: no other is there, or asked for."""
    verdict, pinned = finding.verdict, finding.workload.pinned
    taken = pinned or (verdict.offered[0] if len(verdict.offered) == 1 else None)
    return taken is not None and is_target(taken) and any(said.layer == "binary" for said in verdict.evidence)


def _from_elsewhere(finding: Finding) -> Outlook:
    """What is broken is so whatever the CPU; bytes that are not what their label says may be for any."""
    if finding.verdict.status is Status.BROKEN:
        return Outlook.BLOCKED
    return Outlook.UNKNOWN if finding.verdict.reason in _LABEL_LIES else Outlook.LABELLED


def _words(judged: Finding, target: Platform) -> str:
    return f"judged on {judged.workload.host}, which is {target}: {judged.verdict.reason}"


def _is(target: Platform, platform: Platform) -> bool:
    """Whether a platform is the target, whatever the level of its CPU."""
    one, other = canonical(platform), canonical(target)
    if (one.os, one.architecture) != (other.os, other.architecture):
        return False
    return one.architecture != "arm" or one.variant == other.variant


def readiness_document(found: Readiness) -> dict[str, Any]:
    """The whole as JSON."""
    return {
        "schema": SCHEMA,
        "target": str(found.target),
        "scan": {"id": found.scan_id, "finished_at": moment(found.finished_at)},
        "judged": found.is_judged,
        "summary": {str(outlook): count for outlook, count in found.counts.items()},
        "unread_hosts": list(found.unread_hosts),
        "by_team": [_tally_document(tally) for tally in found.by_team],
        "by_registry": [_tally_document(tally) for tally in found.by_registry],
        "images": [_image_document(image, found.finished_at) for image in found.images],
    }


def _tally_document(tally: Tally) -> dict[str, Any]:
    return {"name": tally.name, **{str(outlook): count for outlook, count in tally.counts.items()}}


def _image_document(image: ImageOutlook, last_seen: float) -> dict[str, Any]:
    return {
        "image": image.image,
        "outlook": str(image.outlook),
        "why": image.why,
        "hosts": list(image.hosts),
        "workloads": image.workloads,
        "judged": finding_document(image.judged, last_seen) if image.judged else None,
    }
