"""One text of one speaker, with the reason that it stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.domain.verdict.reason import Reason


class Speaker(StrEnum):
    """Who says it, which decides when he can have said it.

    A runtime speaks before the first process of a container exists, so that nothing in a log follows it. A launcher,
    shell, loader or emulator speaks from inside, whenever a program is to start. A program speaks of its own crash or
    of a child, an engine of what it did not start. A warning, or what a registry does not give, proves nothing of a start.
    """

    RUNTIME = "runtime"
    LAUNCHER = "launcher"
    SHELL = "shell"
    LOADER = "loader"
    EMULATOR = "emulator"
    PROGRAM = "program"
    ENGINE = "engine"
    WARNING = "warning"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words of one speaker.

    Attributes:
        reason: what the words stand for.
        says: an example, word for word.
        said_by: who prints it, with versions where they differ.
        cause: what it means, for the operator.
        has: words, in lower case and parted by ``|``, of which each such text holds one: sought before any pattern.
        line: pattern of a whole log line; empty where a log is no place for these words.
        within: pattern to seek in an engine's error and in text to explain.
        exits: exit codes that go with it in a log; none: any but zero.
        is_followed: whether the speaker's own further lines follow it in a log (the report of a crash).
        is_fallback: whether it counts only where its line says nothing more precise.
        needs_code: whether only the exit code tells it from harmless words, so that it counts in no other text.
    """

    speaker: Speaker
    reason: Reason
    says: str
    said_by: str
    cause: str
    has: str
    line: str = ""
    within: str = ""
    exits: frozenset[int] = frozenset()
    is_followed: bool = False
    is_fallback: bool = False
    needs_code: bool = False

    def may_be_in(self, low: str) -> bool:
        """Whether a text in lower case holds words that this phrase needs."""
        return any(words in low for words in self.has.split("|"))

    def is_line(self, text: str) -> bool:
        """Whether the text is this phrase and nothing else."""
        return bool(self.line) and _compiled(self.line).fullmatch(text) is not None

    def sought(self, text: str, low: str) -> str:
        """The words of this phrase within the text, given in lower case, too; empty where they are not in it."""
        if not self.within or not found_in(self.within, low):
            return ""
        match = _compiled(self.within).search(text)
        return match[0].strip() if match else ""

    def goes_with(self, exit_code: int) -> bool:
        """Whether who says this ends with that code."""
        return exit_code in self.exits if self.exits else exit_code != 0


def in_lower_case(text: str) -> str:
    """The text as ``found_in`` wants it: only letters of ASCII change, so that its length stays."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def found_in(pattern: str, low: str) -> bool:
    """Whether a pattern that minds no case is in a text in lower case, at a fifth of the cost of minding none."""
    return _in_lower_case(pattern).search(low) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compiled when first needed: to compile all takes longer than to explain a line."""
    return re.compile(pattern, re.ASCII | re.IGNORECASE)


@cache
def _in_lower_case(pattern: str) -> re.Pattern[str]:
    """What begins with a backslash, or names a group, means something else in lower case."""
    return re.compile(re.sub(r"\\.|\(\?P|[A-Z]", _lowered, pattern), re.ASCII)


def _lowered(found: re.Match[str]) -> str:
    return found[0].lower() if len(found[0]) == 1 else found[0]


QUOTED = r"(?:['\u2018`\"][^'\u2019`\":]{1,300}['\u2019`\"]|[^\s:'\u2018]{1,300})"
"""A path or command in the quotes of any locale, or in none: bounded, so that a line costs time in proportion."""

REFUSED_CODES = frozenset({126, 127})
"""What a shell, launcher or loader ends with that could not start a program."""

NEVER_STARTED = frozenset({1, 126, 127, 128, 255})
"""What engines report for a first process that never started: old runc 1, now 255; 126 to 128 by Podman, Docker."""

SIGILL_EXIT_CODE = 132
"""128 and the number of SIGILL: what an engine reports when the CPU does not know an instruction."""

ABORT_EXIT_CODE = 134
"""The same of SIGABRT, with which language runtimes end after their own report."""
