"""What engines, by kind or version, refuse of an image while others start it.

Every row was seen on real engines (the project's recorded outcomes); what was not seen is not known. Docker execs with the
container's capabilities still on it since some version after 20.10, as containerd's ctr does: such an execve passes
CAP_DAC_OVERRIDE, while Docker 20.10 and Podman drop it for a user other than root before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.facts import Engine, EngineKind, Failure
from scanner.domain.verdict.condition import Condition
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.image.offers import Program

_VERSION = re.compile(r"v?(\d{1,5})\.(\d{1,5})")

_Version = tuple[int, int]
_ANY: _Version = (0, 0)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What versions from ``first`` on, up to and with ``last`` where that is known, do."""

    refuses: bool
    first: _Version = _ANY
    last: _Version | None = None


_REFUSES, _TAKES = (_Seen(refuses=True),), (_Seen(refuses=False),)
_UNSEEN: tuple[_Seen, ...] = ()
_DOCKER, _PODMAN, _CTR = EngineKind.DOCKER, EngineKind.PODMAN, EngineKind.CONTAINERD

_TABLE: Mapping[Condition, Mapping[EngineKind, tuple[_Seen, ...]]] = MappingProxyType({
    Condition.EXEC_DENIED: {
        _DOCKER: (_Seen(refuses=True, first=(20, 10), last=(20, 10)), _Seen(refuses=False, first=(26, 1))),
        _PODMAN: (_Seen(refuses=True, first=(4, 3)),),
        _CTR: (_Seen(refuses=False, first=(1, 7)),),
    },
    Condition.USER_OF_THREE_PARTS: {
        _DOCKER: (_Seen(refuses=False, first=(20, 10), last=(26, 1)), _Seen(refuses=True, first=(28, 5))),
        _PODMAN: _REFUSES,
        _CTR: _REFUSES,
    },
    Condition.WORKDIR_RELATIVE: {_DOCKER: _REFUSES, _PODMAN: _UNSEEN, _CTR: _REFUSES},
    Condition.WORKDIR_MISSING: {_DOCKER: _TAKES, _PODMAN: _REFUSES, _CTR: _UNSEEN},
    Condition.WORKDIR_DANGLING: {_DOCKER: _TAKES, _PODMAN: _REFUSES, _CTR: _REFUSES},
    Condition.ENV_WITH_NUL: {_DOCKER: _REFUSES, _PODMAN: _UNSEEN, _CTR: _REFUSES},
    Condition.ENV_WITHOUT_EQUALS: {_DOCKER: _TAKES, _PODMAN: _TAKES, _CTR: _REFUSES},
    Condition.ENV_EMPTY_WORD: {_DOCKER: _TAKES, _PODMAN: _REFUSES, _CTR: _TAKES},
    Condition.ENTRYPOINT_EMPTY_WORD: {_DOCKER: _TAKES, _PODMAN: _TAKES, _CTR: _REFUSES},
    Condition.PATH_EMPTY: {_DOCKER: _REFUSES, _PODMAN: _UNSEEN, _CTR: _REFUSES},
    Condition.PATH_UNSET: {_DOCKER: _TAKES, _PODMAN: _TAKES, _CTR: _REFUSES},
    Condition.PATH_RELATIVE: {
        _DOCKER: (_Seen(refuses=True, first=(26, 1)),), _PODMAN: _UNSEEN, _CTR: (_Seen(refuses=True, first=(1, 7)),),
    },
    Condition.ARGV_WITH_NUL: {_DOCKER: _REFUSES, _PODMAN: _UNSEEN, _CTR: _REFUSES},
    Condition.BELOW_RUN: {_DOCKER: _TAKES, _PODMAN: _TAKES, _CTR: _REFUSES},
    Condition.ENGINE_FILE: {_DOCKER: _REFUSES, _PODMAN: _REFUSES, _CTR: _TAKES},
})  # fmt: skip
"""Podman is unseen where runc refuses what crun takes, for nobody tells which of them a host's Podman runs."""


def refuses(engine: Engine, condition: Condition) -> bool | None:
    """Whether this engine refuses an image of this condition, ``None`` where it was not seen."""
    seen = _TABLE[condition].get(engine.kind, _UNSEEN)
    version = _version_of(engine)
    for row in seen:
        if version is None and row.first == _ANY and row.last is None:
            return row.refuses
        if version is not None and row.first <= version and (row.last is None or version <= row.last):
            return row.refuses
    return None


def on_engine(program: Program, engine: Engine | None) -> Program:
    """The program as this engine has it: what it refuses is the problem, what nobody saw leaves it unknown."""
    if program.branches and program.objections:
        each = (replace(branch, objections=program.objections) for branch in program.branches)
        return replace(program, branches=tuple(on_engine(branch, engine) for branch in each))
    for objection in program.objections:
        answer = refuses(engine, objection.condition) if engine is not None else None
        if answer and not _is_certain(program.problem):
            program = replace(program, problem=objection.failure)
        elif answer is None and program.problem is None:
            named = f"{engine.kind} {engine.version}".strip() if engine is not None else "this engine"
            why = f"{objection.failure.detail}; whether {named} starts it was not seen"
            program = replace(program, problem=Failure(Reason.BINARY_UNKNOWN, why, path=objection.failure.path))
    return program


def _is_certain(problem: Failure | None) -> bool:
    return problem is not None and STATUS_OF[problem.reason] is not Status.UNKNOWN


def _version_of(engine: Engine) -> _Version | None:
    found = _VERSION.match(engine.version)
    return (int(found[1]), int(found[2])) if found else None
