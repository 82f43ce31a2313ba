"""Plans: containers that a host is meant to run, from the file that says so to the judgement."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from scanner.domain.facts import Source, Stage, Workload
from scanner.domain.image.reference import image_reference
from scanner.domain.platform.platform import canonical
from scanner.domain.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scanner.domain.facts import Mount, Process, Since
    from scanner.domain.failure import Failure
    from scanner.domain.image.reference import ImageReference
    from scanner.domain.platform.platform import Platform

MAX_NAME_CHARS = 512
"""Of a workload or an image as reports show them; neither grammar allows more."""

Operator = Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]

_PATTERN = re.compile(r"[*?\[]")
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a plan asks of the host that it is placed on, in the words of a Kubernetes node selector.

    ``key`` is ``arch`` or ``os`` (Go's names), ``host`` (the host's name) or ``label:NAME`` (a label of the inventory).
    ``Gt`` and ``Lt`` compare whole numbers.
    """

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        """What is asked, for people: ``disk In (ssd)``."""
        values = f" ({', '.join(self.values)})" if self.values else ""
        return f"{self.key.removeprefix('label:')} {self.operator}{values}"


@dataclass(frozen=True, slots=True)
class HostNames:
    """The names of all hosts of an inventory, and how each begins (``web-1`` of ``web-1.example.com``)."""

    names: frozenset[str] = frozenset()
    short: frozenset[str] = frozenset()

    @classmethod
    def of(cls, names: Iterable[str]) -> HostNames:
        """Those of so many hosts."""
        every = frozenset(names)
        return cls(every, frozenset(name.partition(".")[0] for name in every))


_NO_HOSTS = HostNames()


@dataclass(frozen=True, slots=True)
class Placement:
    """Which hosts a plan is for: those that meet every requirement of at least one of its terms."""

    terms: tuple[tuple[Requirement, ...], ...]

    def fits(
        self,
        host: str,
        platform: Platform | None,
        labels: Mapping[str, str],
        fleet: HostNames = _NO_HOSTS,
    ) -> bool | None:
        """Whether a host may run it; ``None`` where nobody told what a term that could fit asks about.

        A plan's name for a host that is none of the ``fleet`` may be another name of any.
        """
        known = {f"label:{name}": value for name, value in labels.items()}
        if platform:
            own = canonical(platform)
            known |= {"os": own.os, "arch": own.architecture}
        found = [_all(_met(one, known, host, fleet) for one in term) for term in self.terms]
        return True if True in found else None if None in found else False

    def __str__(self) -> str:
        """What is asked, for people."""
        return " or ".join(" and ".join(map(str, term)) or "anything" for term in self.terms) or "no host"


def _met(asked: Requirement, known: Mapping[str, str], host: str, fleet: HostNames) -> bool | None:
    if asked.key == "host":
        return _named(asked, host, fleet)
    if asked.key not in known:
        return None
    own = known[asked.key]
    if asked.operator in ("Exists", "DoesNotExist"):
        return asked.operator == "Exists"
    if asked.operator in ("Gt", "Lt"):
        return _compared(asked, own)
    return (own in asked.values) is (asked.operator == "In")


def _named(asked: Requirement, host: str, fleet: HostNames) -> bool | None:
    """Every host has a name."""
    if asked.operator not in ("In", "NotIn"):
        return asked.operator == "Exists"
    answers = [_is_called(host, name, fleet) for name in asked.values]
    found = True if True in answers else None if None in answers else False
    return found if asked.operator == "In" or found is None else not found


def _is_called(host: str, name: str, fleet: HostNames) -> bool | None:
    """A short name (``web-1``) is that of ``web-1.example.com``, unless another host is called just so.

    One with ``*``, ``?`` or ``[`` is a pattern, which may be meant for another name of any host that it does not fit.
    """
    if _PATTERN.search(name):
        return True if any(fnmatchcase(one, name) for one in (host, host.partition(".")[0])) else None
    if name == host:
        return True
    if name in fleet.names:
        return False
    if host == name.partition(".")[0] or name == host.partition(".")[0]:
        return True
    return False if name in fleet.short else None


def _compared(asked: Requirement, own: str) -> bool:
    """As Kubernetes compares: what is no whole number meets nothing."""
    if len(asked.values) != 1 or not all(_INTEGER.fullmatch(text) for text in (own, *asked.values)):
        return False
    return int(own) > int(asked.values[0]) if asked.operator == "Gt" else int(own) < int(asked.values[0])


def _all(answers: Iterable[bool | None]) -> bool | None:
    found = list(answers)
    return False if False in found else None if None in found else True


@dataclass(frozen=True, slots=True)
class Plan:
    """A container that a host is meant to run.

    ``image`` is the reference as written, ``workload`` the container's name as its source has it (``project/service``,
    ``namespace/object/container``, a unit), the image itself where it has none. ``pinned`` is the platform that it
    demands, ``pinned_at`` where that stands (``compose.yml:12``). ``process`` is what the plan says beside the image,
    ``mounts`` what it puts over paths of the image, ``checks`` the commands of its probes and hooks. ``engine`` is the
    ``Engine.key`` that is to run it; empty leaves it to the likeliest one that the host has. ``build_only`` tells that
    no registry has the image. A plan with a ``placement`` is for the hosts that fit it alone, one with ``since`` for
    engines of such versions.
    """

    image: str
    workload: str = ""
    source: Source | None = None
    pinned: Platform | None = None
    engine: str = ""
    process: Process | None = None
    mounts: tuple[Mount, ...] | None = None
    checks: tuple[tuple[str, ...], ...] = ()
    build_only: bool = False
    placement: Placement | None = None
    pinned_at: str = ""
    since: Since | None = None

    @property
    def reference(self) -> ImageReference | Failure:
        """What the image is called."""
        return image_reference(self.image)

    def on(self, host: str) -> Workload:
        """This plan as a workload of a host."""
        return Workload(
            host=host,
            name=printable(self.workload or self.image, MAX_NAME_CHARS),
            source=self.source or Source.INVENTORY,
            stage=Stage.PLANNED,
            image=printable(self.image, MAX_NAME_CHARS),
            engine=self.engine,
            pinned=self.pinned,
            pinned_at=printable(self.pinned_at, MAX_NAME_CHARS),
            process=self.process,
            build_only=self.build_only,
            mounts=self.mounts,
            checks=self.checks,
            since=self.since and replace(self.since, what=printable(self.since.what, MAX_NAME_CHARS)),
        )
