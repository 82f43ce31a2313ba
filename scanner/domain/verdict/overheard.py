"""Tells whose words a log holds: those of what an image starts, or of a child that its program started once it ran."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.domain.image.offers import FileKind
from scanner.domain.verdict.phrases.phrase import Speaker
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.domain.image.offers import Program
    from scanner.domain.verdict.error_phrases import Observation

_SPEAK_FOR_THEMSELVES = re.compile(r"(?:[a-z]{0,4}sh|busybox|toybox|env)(?:[-.][\w.-]*)?", re.ASCII)
"""Shells and what starts another program: they are on the way where they are all of it."""

_NAMED = re.compile(r"(?<![^\s'\"`\u2018\u2019:])[^\s'\"`\u2018\u2019:]++(?=['\"`\u2019:]| failed\b)")
"""What a sentence is about: before a colon, in quotes, before what became of it."""

_OF_ITS_PROGRAM = {"entrypoint", "loader", "library"}

_OF_ANY_PROGRAM = {Reason.CPU_LEVEL_TOO_LOW, Reason.PAGE_SIZE_UNSUPPORTED}
"""What a static program says too, of itself: its C library or its allocator does."""


def is_of_a_child(heard: Observation, program: Program | None) -> bool:
    """Whether nothing on the way of a program that was followed to its end says such words.

    A program that is no script, and that no launcher starts, has neither shell nor launcher before it; where it is static
    no loader either. Then it ran, and said what became of a child, or repeats what it was told. One whose own words name
    what the sentence is about may be a launcher or a shell by another name.
    """
    if program is None or program.problem is not None or program.at_run_time or program.branches or not program.chain:
        return False
    first = program.chain[0]
    if first.kind is not FileKind.ELF or {file.role for file in program.chain} - _OF_ITS_PROGRAM:
        return False
    if any(_SPEAK_FOR_THEMSELVES.fullmatch(each.rpartition("/")[2]) for each in (first.path, *program.argv[:1])):
        return False
    if not set(_NAMED.findall(heard.phrase)).isdisjoint(" ".join(program.argv).split()):
        return False
    match heard.speaker:
        case Speaker.SHELL | Speaker.LAUNCHER:
            return True
        case Speaker.LOADER | Speaker.EMULATOR:
            return first.elf is not None and not first.elf.interpreter and heard.reason not in _OF_ANY_PROGRAM
        case _:
            return False
