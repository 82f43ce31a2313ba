"""A deployment that somebody answers for against the gate, until a moment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.domain.report import Finding


_WILD = re.compile(r"\[!?\]?[^]]*\]|[*?]")
"""What stands for any text in a glob: also a set, which may leave out one character and take all others, and whose first
character may be the bracket that ends it elsewhere."""


def names_something(glob: str) -> bool:
    """Whether a glob has a letter or digit of its own: one without takes everything, or everything of one shape."""
    return any(character.isalnum() for character in _WILD.sub("", glob))


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
