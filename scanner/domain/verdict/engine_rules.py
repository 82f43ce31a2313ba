"""The rules by which engines, by kind or version, refuse an image that others start.

Every row was seen on real engines (the project's recorded outcomes); what was not seen is not known. Docker execs with the
container's capabilities still on it since some version after 20.10, as containerd's ctr does: such an execve passes
CAP_DAC_OVERRIDE, while Docker 20.10 and Podman drop it for a user other than root before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.facts import Engine, EngineKind, ImageStore
from scanner.domain.failure import Failure
from scanner.domain.verdict.condition import OF_A_PULL, Condition
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.domain.image.offers import Objection, Program

_VERSION = re.compile(r"v?(\d{1,5})\.(\d{1,5})")

_Version = tuple[int, int]
_ANY: _Version = (0, 0)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What versions from ``first`` on, up to and with ``last`` where that is known, do.

    With ``store`` only those that keep their images so.
    """

    refuses: bool
    first: _Version = _ANY
    last: _Version | None = None
    store: ImageStore | None = None

    def speaks_of(self, version: _Version | None, store: ImageStore | None) -> bool:
        """Whether this row was seen of such an engine."""
        if self.store is not None and self.store is not store:
            return False
        if version is None:
            return self.first == _ANY and self.last is None
        return self.first <= version and (self.last is None or version <= self.last)


_REFUSES, _TAKES = (_Seen(refuses=True),), (_Seen(refuses=False),)
_UNSEEN: tuple[_Seen, ...] = ()
_DOCKER, _PODMAN, _CTR = EngineKind.DOCKER, EngineKind.PODMAN, EngineKind.CONTAINERD
_EVERYWHERE: Mapping[EngineKind, tuple[_Seen, ...]] = dict.fromkeys(EngineKind, _REFUSES)
_CLASSIC_REFUSES = _Seen(refuses=True, store=ImageStore.CLASSIC)
_CLASSIC_TAKES = _Seen(refuses=False, store=ImageStore.CLASSIC)
_STORE_REFUSES = _Seen(refuses=True, store=ImageStore.CONTAINERD)
_STORE_TAKES = _Seen(refuses=False, store=ImageStore.CONTAINERD)
_GZIP_ENDS: Mapping[EngineKind, tuple[_Seen, ...]] = {
    _DOCKER: (_Seen(refuses=True, last=(20, 10), store=ImageStore.CLASSIC), _STORE_REFUSES),
    _PODMAN: _REFUSES,
    _CTR: _REFUSES,
}
"""Newer Docker's classic store was seen to take both; whether it does depends on what of its host unpacks gzip for it."""

_TABLE: Mapping[Condition, Mapping[EngineKind, tuple[_Seen, ...]]] = MappingProxyType({
    Condition.EXEC_DENIED: {
        _DOCKER: (_Seen(refuses=True, first=(20, 10), last=(20, 10)), _Seen(refuses=False, first=(26, 1))),
        _PODMAN: (_Seen(refuses=True, first=(4, 3)),),
        _CTR: (_Seen(refuses=False, first=(1, 7)),),
    },
    Condition.EXEC_DENIED_ELSEWHERE: {
        _DOCKER: (_Seen(refuses=True, first=(20, 10), last=(20, 10)), _Seen(refuses=False, first=(26, 1))),
        _PODMAN: (_Seen(refuses=True, first=(4, 3), last=(4, 3)),),
        _CTR: (_Seen(refuses=False, first=(1, 7)),),
    },
    Condition.CAPABILITY_OF_SOME: {_DOCKER: _TAKES, _PODMAN: (_Seen(refuses=True, first=(4, 3)),), _CTR: _TAKES},
    Condition.CAPABILITY_OF_HARD_LINK: {_DOCKER: _TAKES, _PODMAN: _REFUSES, _CTR: _TAKES},
    Condition.USER_OF_THREE_PARTS: {
        _DOCKER: (_Seen(refuses=False, first=(20, 10), last=(26, 1)), _Seen(refuses=True, first=(28, 5))),
        _PODMAN: _REFUSES,
        _CTR: _REFUSES,
    },
    Condition.WORKDIR_RELATIVE: {_DOCKER: _REFUSES, _PODMAN: _UNSEEN, _CTR: _REFUSES},
    Condition.WORKDIR_MISSING: {_DOCKER: _TAKES, _PODMAN: _REFUSES, _CTR: _UNSEEN},
    Condition.WORKDIR_DANGLING: {
        _DOCKER: _TAKES,
        _PODMAN: (_Seen(refuses=True, first=(4, 3), last=(5, 4)), _Seen(refuses=False, first=(5, 8))),
        _CTR: _REFUSES,
    },
    Condition.ENV_WITH_NUL: {_DOCKER: _REFUSES, _PODMAN: _UNSEEN, _CTR: _REFUSES},
    Condition.ENV_WITHOUT_EQUALS: {
        _DOCKER: _TAKES,
        _PODMAN: (_Seen(refuses=False, first=(4, 3), last=(5, 4)), _Seen(refuses=True, first=(5, 8))),
        _CTR: _REFUSES,
    },
    Condition.ENV_EMPTY_WORD: {_DOCKER: _TAKES, _PODMAN: _REFUSES, _CTR: _TAKES},
    Condition.ENTRYPOINT_EMPTY_WORD: {_DOCKER: _TAKES, _PODMAN: _TAKES, _CTR: _REFUSES},
    Condition.VOLUME_OVER_FILE: {_DOCKER: (_Seen(refuses=True, first=(20, 10), last=(20, 10)),), _PODMAN: _UNSEEN, _CTR: _UNSEEN},
    Condition.PATH_EMPTY: {_DOCKER: _REFUSES, _PODMAN: _UNSEEN, _CTR: _REFUSES},
    Condition.PATH_UNSET: {_DOCKER: _TAKES, _PODMAN: _TAKES, _CTR: _REFUSES},
    Condition.PATH_RELATIVE: {
        _DOCKER: (_Seen(refuses=True, first=(26, 1)),), _PODMAN: _UNSEEN, _CTR: (_Seen(refuses=True, first=(1, 7)),),
    },
    Condition.ARGV_WITH_NUL: {_DOCKER: _REFUSES, _PODMAN: _UNSEEN, _CTR: _REFUSES},
    Condition.BELOW_RUN: {_DOCKER: _TAKES, _PODMAN: _TAKES, _CTR: _REFUSES},
    Condition.ENGINE_FILE: {_DOCKER: _REFUSES, _PODMAN: _REFUSES, _CTR: _TAKES},
    Condition.MOUNT_POINT_ODD: {_DOCKER: _TAKES, _PODMAN: _REFUSES, _CTR: _REFUSES},
    Condition.LAYER_DAMAGED: _EVERYWHERE,
    Condition.GZIP_TAIL: _GZIP_ENDS,
    Condition.GZIP_CHECK: _GZIP_ENDS,
    Condition.PACKED_OTHERWISE: {_DOCKER: (_STORE_REFUSES,), _PODMAN: _UNSEEN, _CTR: _REFUSES},
    Condition.DIFF_ID_WRONG: {
        _DOCKER: _REFUSES,
        _PODMAN: (_Seen(refuses=False, first=(4, 3), last=(4, 3)), _Seen(refuses=True, first=(5, 4))),
        _CTR: _REFUSES,
    },
    Condition.NAME_ABOVE_ROOT: {
        _DOCKER: (
            _STORE_TAKES,
            _Seen(refuses=False, first=(20, 10), last=(26, 1), store=ImageStore.CLASSIC),
            _Seen(refuses=True, first=(28, 5), store=ImageStore.CLASSIC),
        ),
        _PODMAN: _TAKES,
        _CTR: _TAKES,
    },
    Condition.NAMED_TWICE: {_DOCKER: (_CLASSIC_REFUSES, _STORE_TAKES), _PODMAN: _REFUSES, _CTR: _TAKES},
    Condition.WHITEOUT_TWICE: {_DOCKER: _REFUSES, _PODMAN: _REFUSES, _CTR: _UNSEEN},
    Condition.BELOW_WHITEOUT: {_DOCKER: _REFUSES, _PODMAN: _UNSEEN, _CTR: _UNSEEN},
    Condition.BELOW_LOWER_WHITEOUT: {_DOCKER: (_CLASSIC_TAKES, _STORE_REFUSES), _PODMAN: _TAKES, _CTR: _UNSEEN},
    Condition.BELOW_UNREAD_LAYER: {_DOCKER: (_CLASSIC_TAKES,), _PODMAN: _TAKES, _CTR: _UNSEEN},
    Condition.ROOT_REPLACED: {_DOCKER: _TAKES, _PODMAN: _REFUSES, _CTR: _TAKES},
    Condition.HARD_LINK_OUTSIDE: {_DOCKER: _REFUSES, _PODMAN: _UNSEEN, _CTR: _UNSEEN},
    Condition.WHITEOUT_OF_ITSELF: {_DOCKER: _REFUSES, _PODMAN: _TAKES, _CTR: _REFUSES},
    Condition.ZSTD: {
        _DOCKER: (
            _STORE_TAKES,
            _Seen(refuses=True, last=(20, 10), store=ImageStore.CLASSIC),
            _Seen(refuses=False, first=(23, 0), store=ImageStore.CLASSIC),
        ),
        _PODMAN: _TAKES,
        _CTR: _TAKES,
    },
    Condition.ZSTD_SKIPPABLE_FIRST: {_DOCKER: _TAKES, _PODMAN: _REFUSES, _CTR: _TAKES},
    Condition.PACKED_THOUGH_PLAIN: {_DOCKER: (_CLASSIC_TAKES, _STORE_REFUSES), _PODMAN: _TAKES, _CTR: _REFUSES},
    Condition.LAYER_EMPTY: {_DOCKER: (_CLASSIC_TAKES, _STORE_REFUSES), _PODMAN: _TAKES, _CTR: _REFUSES},
    Condition.CONFIG_UNREADABLE: _EVERYWHERE,
    Condition.CONFIG_TYPE_MIXED: {_DOCKER: _TAKES, _PODMAN: _REFUSES, _CTR: _TAKES},
    Condition.CONFIG_TYPE_ODD: {_DOCKER: (_CLASSIC_REFUSES, _STORE_TAKES), _PODMAN: _REFUSES, _CTR: _REFUSES},
    Condition.LAYER_TYPE_ODD: {_DOCKER: _REFUSES, _PODMAN: _TAKES, _CTR: _REFUSES},
    Condition.LAYER_TYPE_LOOSE: {_DOCKER: (_CLASSIC_TAKES, _STORE_REFUSES), _PODMAN: _TAKES, _CTR: _REFUSES},
    Condition.HISTORY_TOO_LONG: {_DOCKER: (_CLASSIC_REFUSES, _STORE_TAKES), _PODMAN: _TAKES, _CTR: _TAKES},
    Condition.LABEL_NAMELESS: {_DOCKER: _TAKES, _PODMAN: _TAKES, _CTR: _REFUSES},
    Condition.PORT_ODD: {
        _DOCKER: _TAKES,
        _PODMAN: (_Seen(refuses=False, first=(4, 3), last=(4, 3)), _Seen(refuses=True, first=(5, 4))),
        _CTR: _TAKES,
    },
    Condition.STOP_SIGNAL_ODD: {_DOCKER: _TAKES, _PODMAN: _REFUSES, _CTR: _TAKES},
    Condition.ENTRY_URLS: {_DOCKER: (_CLASSIC_TAKES,), _PODMAN: _TAKES, _CTR: _UNSEEN},
    Condition.ENTRY_TYPE_ODD: {_DOCKER: (_CLASSIC_TAKES, _STORE_REFUSES), _PODMAN: _TAKES, _CTR: _REFUSES},
})  # fmt: skip
"""containerd and Podman are unseen where a snapshotter or storage driver decides, which nobody tells; Podman is unseen where runc refuses what crun takes, for nobody tells which of them a host's Podman runs."""


def refuses(engine: Engine, condition: Condition) -> bool | None:
    """Whether this engine refuses an image of this condition, ``None`` where it was not seen."""
    seen = _TABLE[condition].get(engine.kind, _UNSEEN)
    version = version_of(engine)
    return next((row.refuses for row in seen if row.speaks_of(version, engine.store)), None)


def on_engine(program: Program, engine: Engine | None, *, pulls: bool = True) -> Program:
    """The program as this engine has it: what it refuses is the problem, what nobody saw leaves it unknown.

    An engine that ``pulls`` asks of layers and documents what one that has the image has behind it.
    """
    if program.branches and program.objections:
        each = (replace(branch, objections=program.objections) for branch in program.branches)
        return replace(program, branches=tuple(on_engine(branch, engine, pulls=pulls) for branch in each))
    asked = [each for each in program.objections if pulls or each.condition not in OF_A_PULL]
    problem = program.problem
    if problem is not None and problem.reason is Reason.LAYER_UNREADABLE:
        refused = engine is not None and any(
            each.failure == problem and refuses(engine, each.condition) for each in asked
        )
        if not refused:
            program = replace(program, problem=replace(problem, reason=Reason.LAYER_UNKNOWN))
    return _objected(program, asked, engine)


def _objected(program: Program, objections: Sequence[Objection], engine: Engine | None) -> Program:
    for objection in objections:
        answer = refuses(engine, objection.condition) if engine is not None else None
        if answer and not _is_certain(program.problem):
            program = replace(program, problem=objection.failure)
        elif answer is None and program.problem is None:
            named = f"{engine.kind} {engine.version}".strip() if engine is not None else "this engine"
            why = f"{objection.failure.detail}; whether {named} starts it was not seen"
            known = () if objection.condition is Condition.EXEC_DENIED_ELSEWHERE else program.chain
            problem = Failure(Reason.BINARY_UNKNOWN, why, path=objection.failure.path)
            program = replace(program, chain=known, problem=problem)
    return program


def _is_certain(problem: Failure | None) -> bool:
    return problem is not None and STATUS_OF[problem.reason] is not Status.UNKNOWN


def version_of(engine: Engine) -> tuple[int, int] | None:
    """An engine's version as far as rules depend on it; none where it does not tell."""
    found = _VERSION.match(engine.version)
    return (int(found[1]), int(found[2])) if found else None
