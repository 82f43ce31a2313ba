"""A way from argv to the program that does the work, with how it ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.image.offers import Program
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status

if TYPE_CHECKING:
    from scanner.domain.image.offers import Executable


@dataclass(frozen=True, slots=True)
class Way:
    """The files on the way, and how it ends: in a program, in a problem, ``at_run_time``, or in ``branches``.

    ``foreign`` tells that it is decided at run time because something beside it may start a program for another CPU,
    ``services`` are those for another CPU without which a supervisor on it goes on.
    """

    files: tuple[Executable, ...] = ()
    problem: Failure | None = None
    at_run_time: str = ""
    branches: tuple[Way, ...] = ()
    foreign: bool = False
    services: tuple[Program, ...] = ()

    @property
    def has_ended(self) -> bool:
        """Whether nothing follows, for what there is or for what nobody knows."""
        return self.problem is not None or bool(self.at_run_time)

    def program(self, argv: tuple[str, ...]) -> Program:
        """As the domain knows it."""
        branches = tuple(way.program(argv) for way in self.branches)
        return Program(argv, self.files, self.problem, self.at_run_time, branches=branches, services=self.services)

    def behind(self, served: Way, known: int) -> Way:
        """This way behind a supervisor, whose files its first ``known`` are too: what it lacks itself counts for more."""
        more = tuple(each for each in self.services if each not in served.services)
        way = replace(self, files=(*served.files, *self.files[known:]), services=(*served.services, *more))
        if self.problem is not None:
            return replace(way, services=())
        if not self.at_run_time or self.services:
            return way
        why = f"{self.at_run_time}; a service beside it is for another CPU"
        return replace(way, problem=Failure(Reason.BINARY_UNKNOWN, why), at_run_time="", services=())

    @property
    def all_files(self) -> tuple[Executable, ...]:
        """Those of its branches too."""
        return (*self.files, *(file for way in self.branches for file in way.all_files))


def is_unknown(problem: Failure | None) -> bool:
    """Whether a way ends in a lack of knowledge."""
    return problem is not None and STATUS_OF[problem.reason] is Status.UNKNOWN
