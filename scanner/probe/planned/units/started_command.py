"""One command that a table of cron's, supervisord's, Monit's has, or a script that is run at its time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_COMMAND_CHARS = 1 << 14
"""Of one program of supervisord or Monit, which somebody wrote."""


@dataclass(frozen=True, slots=True)
class StartedCommand:
    """What is started with which words; as whom, empty for root; where; ``is_open`` where others may set variables.

    ``stdin`` is what it is given to read.
    """

    words: tuple[str, ...]
    line: int
    text: str
    user: str = ""
    place: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    is_open: bool = False
    stdin: str = ""
