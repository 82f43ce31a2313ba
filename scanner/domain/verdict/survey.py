"""Adds to a judgement what the survey of an image's files shows."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.domain.image.image_survey import AlikeFiles, ReachedBy, Survey
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.execution import How, executes
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.survey_ways import INTERPRETERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.domain.facts import Kernel
    from scanner.domain.image.offers import Program

_RUNS = frozenset({How.NATIVE, How.EMULATED})

_JAVA = re.compile("java")
"""Programs whose archives may hold machine code, which they unpack and load."""


@dataclass(frozen=True, slots=True)
class SurveyResult:
    """What the survey shows: a reason that speaks against ``ok``, or none; in either case what was seen."""

    reason: Reason | None
    detail: str
    path: str
    says: str


def weigh(kernel: Kernel, program: Program, survey: Survey) -> SurveyResult:
    """What the files of the image mean for this program on this host.

    Where a script decides at run time what it starts, any program for another CPU may be that; where control was
    followed, only what lies on a way counts. Files beside their native twins, test data and the like never do.
    """
    foreign = [group for group in survey.groups if _is_foreign(kernel, group, How.NO)]
    says = _says(survey, foreign)
    if program.at_run_time:
        doubtful = [group for group in survey.groups if _is_foreign(kernel, group, How.NO, How.UNKNOWN)]
        unread = next((group for group in survey.groups if group.program and _is_unread(group)), None)
        startable = [group for group in doubtful if group.program and group.way is not ReachedBy.NONE]
        started = _first(startable)
        if started is not None:
            others = sum(group.count for group in startable) - 1
            detail = f"{program.at_run_time}; {_named(started, others)}, and it may start that"
            return SurveyResult(Reason.FOREIGN_BINARIES, detail, started.examples[0], says)
        if unread is not None:
            detail = f"{program.at_run_time}; {unread.examples[0]} may be what it starts, and is no readable program"
            return SurveyResult(Reason.BINARY_UNKNOWN, detail, unread.examples[0], says)
    takeable = [group for group in foreign if _is_taken(group, program)]
    taken = _first(takeable)
    if taken is None:
        return SurveyResult(None, "", "", says)
    others = sum(group.count for group in takeable) - 1
    return SurveyResult(
        Reason.FOREIGN_USERLAND, f"{_named(taken, others)} ({_TAKEN_BY[taken.way]})", taken.examples[0], says
    )


_TAKEN_BY = {
    ReachedBy.PATH: "it is in PATH",
    ReachedBy.LOADER: "the loader looks there",
    ReachedBy.NAMED: "a script names it",
    ReachedBy.MODULE: "the interpreter loads modules from there",
    ReachedBy.JAVA: "the Java machine loads libraries from there",
}

_ORDER = (ReachedBy.NAMED, ReachedBy.PATH, ReachedBy.LOADER, ReachedBy.MODULE, ReachedBy.JAVA, ReachedBy.APPLICATION)


def _is_taken(group: AlikeFiles, program: Program) -> bool:
    loads_from_there = {ReachedBy.MODULE: INTERPRETERS, ReachedBy.JAVA: _JAVA}.get(group.way)
    if loads_from_there is not None:
        return any(loads_from_there.match(posixpath.basename(file.path)) for file in program.chain)
    return group.way in _TAKEN_BY


def _is_unread(group: AlikeFiles) -> bool:
    return group.needs is None and not group.machine


def _is_foreign(kernel: Kernel, group: AlikeFiles, *fates: How) -> bool:
    """Whether such files have one of these fates here, and no twin of theirs runs in their stead."""
    if _is_unread(group):
        return False
    if group.needs is not None and executes(kernel, group.needs).how not in fates:
        return False
    return not any(name and executes(kernel, Platform("linux", name)).how in _RUNS for name in group.twins)


def _first(groups: Iterable[AlikeFiles]) -> AlikeFiles | None:
    return min(groups, key=lambda group: (_ORDER.index(group.way), group.examples), default=None)


def _named(group: AlikeFiles, others: int) -> str:
    cpu = group.needs or f"ELF machine {group.machine}"
    more = f" (and {others} more)" if others else ""
    return f"{group.examples[0]}{more} is for {cpu}"


def _says(survey: Survey, foreign: list[AlikeFiles]) -> str:
    what = "every file was read" if survey.whole else "the layers that another CPU's image shares were read"
    on_a_way = sum(group.count for group in foreign if group.way is not ReachedBy.NONE)
    aside = sum(group.count for group in foreign) - on_a_way
    words = f"{on_a_way} of them for another CPU on a way" if on_a_way else "none for another CPU on a way"
    unread = f"; {survey.unread} archives were not read to their end" if survey.unread else ""
    return f"{what}: {survey.elves} programs and libraries, {words}{f', {aside} aside' if aside else ''}{unread}"
