"""What a host is meant to run, from the file that says so to the judgement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scanner.domain.facts import Source, Stage, Workload
from scanner.domain.platform.platform import canonical
from scanner.domain.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scanner.domain.facts import Mount, Process
    from scanner.domain.platform.platform import Platform

MAX_NAME_CHARS = 512
"""Of a workload or an image as reports show them; neither grammar allows more."""

Operator = Literal["In", "NotIn", "Exists", "DoesNotExist"]


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a plan asks of the host that it is placed on, in the words of a Kubernetes node selector.

    ``key`` is ``arch`` or ``os`` (Go's names), ``host`` (the host's name) or ``label:NAME`` (a label of the inventory).
    """

    key: str
    operator: Operator
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    """Which hosts a plan is for: those that meet every requirement of at least one of its terms."""

    terms: tuple[tuple[Requirement, ...], ...]

    def fits(self, host: str, platform: Platform | None, labels: Mapping[str, str]) -> bool | None:
        """Whether a host may run it; ``None`` where nobody told what a term that could fit asks about."""
        known = {"host": host, **{f"label:{name}": value for name, value in labels.items()}}
        if platform:
            own = canonical(platform)
            known |= {"os": own.os, "arch": own.architecture}
        found = [_all(_met(one, known) for one in term) for term in self.terms]
        return True if True in found else None if None in found else False


def _met(asked: Requirement, known: Mapping[str, str]) -> bool | None:
    if asked.key not in known:
        return None
    if asked.operator in ("Exists", "DoesNotExist"):
        return asked.operator == "Exists"
    return (known[asked.key] in asked.values) is (asked.operator == "In")


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
    no registry has the image. A plan with a ``placement`` is for the hosts that fit it alone.
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
        )
