"""The problems of a configuration, one a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault; ``file`` is a path or the name of an environment variable, ``line`` starts at 1, 0 where unknown."""

    file: str
    line: int
    path: str
    message: str
    nearest: str = ""

    def __str__(self) -> str:
        """``archscan.yml:12: ssh.conect_timeout: unknown key; did you mean connect_timeout?``."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        subject = f"{self.path}: " if self.path else ""
        hint = f"; did you mean {self.nearest}?" if self.nearest else ""
        return f"{place}: {subject}{self.message}{hint}"


class SettingsError(UsageError, ValueError):
    """A configuration that is refused; its text has one line per problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(*map(str, self.problems))
