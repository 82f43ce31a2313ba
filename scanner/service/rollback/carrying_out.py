"""What the rollback agent, a process of its own, does of one rollback: to one of its good ends, whatever dies on the way."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Protocol, TypeVar

import structlog

from scanner.domain.failure import Failure
from scanner.domain.rollback_record import RollbackState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from scanner.domain.rollback_record import Rollback

T = TypeVar("T")

log = structlog.get_logger(__name__)

POLL_S = 1.0
"""Between two looks at a host that works."""

MAX_PAUSE_S = 60.0
"""Between two tries to reach a host or the service."""

TRIES_TO_BEGIN = 5
"""Before anything was touched: a host that cannot be reached then is left alone."""

TRIES_TO_VERIFY = 3
"""Scans that may fail before what runs counts as not known to run."""

_NEXT = {"begun": "find", "found": "prepare", "prepared": "switch"}
"""The step after each state of the host's journal."""

_ENDS = {"done": RollbackState.DONE, "undone": RollbackState.UNDONE, "refused": RollbackState.REFUSED}

_UP = "up"


class LedgerError(Exception):
    """The service does not answer, or has the trail failing: nothing goes on until it does."""


class OutOfTurnError(Exception):
    """The service knows that it stands otherwise by now: whoever goes on asks anew what is to be done."""


class HostScript(Protocol):
    """Does one verb on a host."""

    async def __call__(self, host: str, line: str, /) -> Mapping[str, str] | Failure:
        """What the host's script answers to one line."""


class Ledger(Protocol):
    """Where steps are written before they are done. Every method raises ``LedgerError``, or ``OutOfTurnError``."""

    async def step(self, rollback_id: str, step: str, detail: str) -> None:
        """This step is about to be done."""

    async def verify(self, rollback_id: str) -> tuple[bool | None, str]:
        """Whether a scan of the host shows the workload running with its new image."""
        ...

    async def end(self, rollback_id: str, outcome: RollbackState, detail: str) -> None:
        """It ended so."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One rollback at a time; ``sleep`` takes seconds."""

    hand: HostScript
    ledger: Ledger
    sleep: Callable[[float], Awaitable[None]]

    async def carry_out(self, rollback: Rollback) -> RollbackState:
        """Go on until a good end, from wherever the host's journal stands.

        Raises:
            OutOfTurnError: the service has ended it, or does not know it.
        """
        told = await self._begun(rollback)
        if isinstance(told, str):
            return await self._ended(rollback, RollbackState.REFUSED, f"nothing was touched: {told}")
        while (end := _ENDS.get(told["state"])) is None:
            if told["busy"] == "yes":
                await self.sleep(POLL_S)
                told = await self._asked(rollback, f"status {rollback.id}")
            else:
                told = await self._next(rollback, told)
        return await self._ended(rollback, end, told["says"])

    async def _next(self, rollback: Rollback, told: Mapping[str, str]) -> Mapping[str, str]:
        """One step further: in the trail first, then on the host."""
        state = told["state"]
        if state == _UP:
            step, detail = await self._verified(rollback)
        elif state in _NEXT:
            step, detail = _NEXT[state], told["says"]
        else:
            step, detail = "resume", f"interrupted while {state}: {told['says']}"
        await self._written(lambda: self.ledger.step(rollback.id, step, detail))
        return await self._asked(rollback, f"resume {rollback.id}" if step == "resume" else f"do {rollback.id} {step}")

    async def _verified(self, rollback: Rollback) -> tuple[str, str]:
        """Finish where a scan shows that it runs; what is not known to run is put back."""
        detail = ""
        for _ in range(TRIES_TO_VERIFY):
            runs, detail = await self._written(lambda: self.ledger.verify(rollback.id))
            if runs is not None:
                return ("finish" if runs else "undo"), detail
            await self.sleep(POLL_S)
        return "undo", f"not known to run: {detail}"

    async def _begun(self, rollback: Rollback) -> Mapping[str, str] | str:
        """The host's journal, begun or found there; why there is none, where nothing was touched."""
        line = (
            f"begin {rollback.id} {rollback.engine} {rollback.manager} {rollback.subject or rollback.container} {rollback.image} "
            f"{rollback.expected.removeprefix('sha256:')} {rollback.healthy_for_s}"
        )
        why = ""
        for attempt in count() if rollback.steps else range(TRIES_TO_BEGIN):  # what has steps may have been touched
            told = await self.hand(rollback.host, line)
            if not isinstance(told, Failure) and "state" in told:
                return told
            why = f"{told.reason} {told.detail}" if isinstance(told, Failure) else told.get("wrong", "a strange answer")
            log.warning("rollback_host_not_reached", rollback=rollback.id, host=rollback.host, why=why)
            await self.sleep(min(MAX_PAUSE_S, POLL_S * 2 ** min(attempt, 10)))
        return why

    async def _asked(self, rollback: Rollback, line: str) -> Mapping[str, str]:
        """What the host says; asked until it can be reached, for it is in the midst of something."""
        pause = POLL_S
        while True:
            told = await self.hand(rollback.host, line)
            if not isinstance(told, Failure) and "state" in told:
                return told
            why = told.detail if isinstance(told, Failure) else told.get("wrong", "a strange answer")
            log.warning("rollback_host_not_reached", rollback=rollback.id, host=rollback.host, why=why)
            await self.sleep(pause)
            pause = min(MAX_PAUSE_S, pause * 2)
            line = f"status {rollback.id}"  # whether it heard the step is in its journal

    async def _written(self, write: Callable[[], Awaitable[T]]) -> T:
        """What the service answers, asked until it does: a host is never ahead of the trail."""
        pause = POLL_S
        while True:
            try:
                return await write()
            except LedgerError as error:
                log.warning("rollback_service_not_reached", why=str(error))
            await self.sleep(pause)
            pause = min(MAX_PAUSE_S, pause * 2)

    async def _ended(self, rollback: Rollback, outcome: RollbackState, detail: str) -> RollbackState:
        await self._written(lambda: self.ledger.end(rollback.id, outcome, detail))
        return outcome
