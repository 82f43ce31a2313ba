"""Which team answers for a workload, by what the settings say of its image."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from scanner.domain.facts import Source
from scanner.domain.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from scanner.domain.facts import Workload
    from scanner.domain.report import Finding

TEAM_LABEL = "team"
"""The label by which an inventory says whose a host is: who owns the host answers for what nobody else owns."""


@dataclass(frozen=True, slots=True)
class OwnerRule:
    """What one team owns: whatever fits any of these patterns (globs).

    ``images`` are references with or without their tag, ``namespaces`` those of Kubernetes, ``projects`` Compose's,
    ``repositories`` the addresses of sources in an image's own label, with or without their scheme.
    """

    team: str
    images: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()

    def owns(self, finding: Finding) -> bool:
        """Whether any pattern fits."""
        asked = (
            (self.images, _images(finding.workload)),
            (self.namespaces, _namespaces(finding.workload)),
            (self.projects, _projects(finding.workload)),
            (self.repositories, _repositories(finding)),
        )
        return any(
            fnmatchcase(name, pattern)
            for patterns, names in asked
            if patterns
            for name in names
            for pattern in patterns
        )


def team_of(finding: Finding, owners: Sequence[OwnerRule], labels: Mapping[str, str]) -> str:
    """The first rule that fits decides, else the host's own ``team`` label; empty where nobody is named."""
    return next((rule.team for rule in owners if rule.owns(finding)), labels.get(TEAM_LABEL, ""))


def _images(workload: Workload) -> Iterator[str]:
    """As written, then in full, each of them without tag or digest as well: ``shop/api`` is every release of it."""
    yield workload.image
    reference = workload.reference
    if not isinstance(reference, Failure):
        yield from (str(reference), reference.name, workload.image_name)


def _namespaces(workload: Workload) -> Iterable[str]:
    if workload.source is not Source.KUBERNETES:
        return ()
    namespace, slash, _ = workload.name.partition("/")
    return (namespace,) if slash else ()


def _projects(workload: Workload) -> Iterable[str]:
    maker = workload.maker
    if maker is not None and maker.kind is Source.COMPOSE:
        return (maker.project,)
    project, slash, _ = workload.name.partition("/")
    return (project,) if workload.source is Source.COMPOSE and slash else ()


def _repositories(finding: Finding) -> Iterable[str]:
    origin = finding.verdict.built_from
    if origin is None or not origin.repository:
        return ()
    plain = origin.repository.removesuffix(".git")
    return (origin.repository, plain, plain.partition("://")[2])
