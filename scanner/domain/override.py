"""A deployment that somebody answers for against the gate, until a moment."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.domain.report import Finding


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody, the ``owner``, lets images through until ``until`` in Unix seconds; ``reason`` is why.

    ``image`` is a glob over references as they are written, or the digest that was judged; ``host`` one over names.
    """

    id: str
    owner: str
    reason: str
    until: float
    image: str
    host: str = "*"

    def covers(self, finding: Finding) -> bool:
        """Whether a finding is one of those that it answers for."""
        workload = finding.workload
        images = filter(None, (workload.image, finding.verdict.digest))
        return fnmatchcase(workload.host, self.host) and any(fnmatchcase(text, self.image) for text in images)
