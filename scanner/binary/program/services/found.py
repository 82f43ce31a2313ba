"""Why the services of a supervisor are not all told, what may have changed what they are read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.binary.program.shell.writes import Write


class Refusal(Exception):  # noqa: N818 - what a program does, no mistake of ours
    """The supervisor surely ends by itself, or does not begin; stays inside the reading of its services."""


class TooMany(Exception):  # noqa: N818 - a bound, no mistake of ours
    """There is more than is looked at; stays inside the reading of its services."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What scripts before the supervisor may have changed; ``others`` tells that programs ran, which may have made files."""

    writes: tuple[Write, ...] = ()
    others: bool = False

    def touch(self, path: str) -> bool:
        """Whether a file may be other than the image has it, or be there where the image has none."""
        return any(each.changes(path) or each.fills(path) for each in self.writes)
