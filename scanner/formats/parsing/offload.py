"""Strangers' documents are read in processes of their own, each call within a budget.

The rule: what counts its own steps (``bounded_yaml``, ``strict_json``, ``toml``) may run in any thread but the event
loop's; up to ``INLINE_BYTES`` of JSON in the loop itself. Everything else that a stranger wrote, with whatever stands
above those parsers (plans, engines' answers), goes through ``Parsers``: regular expressions, ``shlex`` or a loop over
a parsed document cannot be interrupted in a thread, a process can be killed.

A worker is started on first use by executing Python anew, not by forking threads; it has an empty environment, no
descriptor but its pipes, limits of the kernel. One that dies or is late costs the one call; another takes its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from scanner.formats.parsing import offload_worker
from scanner.formats.parsing.line import Line
from scanner.formats.parsing.offload_worker import DONE, RAISED, Pickler
from scanner.formats.parsing.parsing_process import END_WITHIN_S, Worker
from scanner.formats.parsing.pickled_shape import MAX_SIZE, MAX_STEPS
from scanner.formats.parsing.worker_values import Shared, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from concurrent.futures import Future

    from scanner.formats.parsing.watched_exchange import Heard, WatchedExchange

INLINE_BYTES = 64 << 10
"""JSON of this length costs a millisecond in the loop, more than the way to a worker and back does."""

ALIKE_BYTES = 64 << 10
"""Answers that differ by less are read as they come: most have less. What takes ten seconds to read has megabytes."""

SMALL_STEPS, SMALL_SIZE = 20_000, 1 << 18
"""Of a value that is made in the event loop: that takes some milliseconds at most."""

MAX_WORKERS = 4
"""More processors than these are the SSH connections' and the layers'."""

CALLS_A_WORKER = 2000
"""Then a new one takes its place: what a parser leaks stays small."""

THREADS_A_WORKER = 2
"""One may wait for the worker whose call was given up, another settles that call."""

REST_AFTER_S = 30.0
"""Without a call, then workers end: each holds some 40 MB, hosts that say the same again need none; one starts in 0.3 s."""

START = "start"
"""The limit of a call for which this machine had no process: no fault of what was to be read."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class CallBudget:
    """What one call may take: bytes of its arguments and result each, bytes of memory, seconds, steps to walk through its result."""

    seconds: float = 10.0
    max_bytes: int = 160 << 20
    memory_bytes: int = 1 << 30
    max_steps: int = MAX_STEPS


SMALL = CallBudget(max_steps=SMALL_STEPS)


@dataclass(frozen=True, slots=True)
class BudgetExceeded:
    """A call that came to nothing: ``limit`` is ``seconds``, ``memory``, ``bytes``, ``process`` or ``start``, ``detail`` a sentence."""

    limit: str
    detail: str


class WorkerError(RuntimeError):
    """The function itself raised: a bug in a reader, told by the kind and text of its exception."""


class Parsers:
    """A few processes that read what strangers wrote; made cheaply, started on first use, ended by ``close``.

    Of the values of the classes ``shared`` that answers hold, frozen dataclasses all, equal ones become one.
    """

    def __init__(self, count: int | None = None, shared: Collection[type] = ()) -> None:
        self._shared = Shared(shared)
        self._count = count or max(1, min(MAX_WORKERS, os.cpu_count() or 1))
        self._turns = threading.BoundedSemaphore(self._count)
        self._line = Line(self._count)
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._watched: dict[Worker, WatchedExchange] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._is_closed = False
        self._used_at = 0.0
        self._rests_in: asyncio.AbstractEventLoop | None = None
        self.started = 0

    async def run(
        self, function: Callable[_P, _T], budget: CallBudget, *args: _P.args, **_: _P.kwargs
    ) -> _T | BudgetExceeded:
        """Like ``call``, awaited; a task that is cancelled leaves the call to its deadline.

        Of those who wait whoever has the fewest bytes to be read is the next.
        """
        weight = sum(len(each) for each in args if isinstance(each, bytes)) // ALIKE_BYTES
        async with self._line.place(weight):
            with self._lock:
                if self._is_closed:
                    return BudgetExceeded("process", "archscan is stopping")
                if self._threads is None:
                    self._threads = ThreadPoolExecutor(THREADS_A_WORKER * self._count, "archscan-offload")
                threads = self._threads
            loop = asyncio.get_running_loop()
            if self._rests_in is None or self._rests_in.is_closed():  # a loop that is over calls nobody
                self._rest_later(loop)
            begun = self._begun(loop, function, budget, args) if not weight else None
            if begun is not None:
                return cast("_T | BudgetExceeded", _told_or_raised(await asyncio.shield(begun)))
            return await loop.run_in_executor(threads, lambda: self.call(function, budget, *args))  # type: ignore[call-arg]  # positional only

    def call(
        self, function: Callable[_P, _T], budget: CallBudget, *args: _P.args, **_: _P.kwargs
    ) -> _T | BudgetExceeded:
        """The result of a module's function in a worker, or which part of its budget it exceeded.

        Blocks: from a thread, not from the event loop. The seconds begin when a worker is free.

        Raises:
            WorkerError: the function raised.
        """
        request = _request(function, budget, args)
        if len(request) > budget.max_bytes:
            return BudgetExceeded("bytes", f"more than {budget.max_bytes} bytes are to be read at once")
        with self._turns:
            worker = self._taken()
            if isinstance(worker, BudgetExceeded):
                return worker
            return cast("_T | BudgetExceeded", self._exchanged(worker, request, budget))

    def _exchanged(self, worker: Worker, request: bytes, budget: CallBudget) -> Any:
        heard: Heard
        try:
            heard = worker.exchange(request, budget.max_bytes, time.monotonic() + budget.seconds)
        except (OSError, ValueError) as error:
            heard = error
        return _told_or_raised(self._settled(worker, heard, budget))

    def _settled(self, worker: Worker, heard: Heard, budget: CallBudget) -> Any:
        """What was heard of a worker, which is kept where it is as it should be."""
        is_sound = False
        try:
            if isinstance(heard, Exception):
                return _why(heard, budget, worker)
            found = _result(heard, budget, self._shared)
            is_sound = not isinstance(found, _Foreign | BudgetExceeded)  # what it remembers may be what fills it
            return found
        finally:
            self._given_back(worker, is_sound=is_sound)

    # ---------------------------------------------------------------- calls that a loop watches

    def _begun(
        self, loop: asyncio.AbstractEventLoop, function: Callable[..., Any], budget: CallBudget, args: tuple[Any, ...]
    ) -> asyncio.Future[Any] | None:
        """What a worker is going to tell, without a thread; ``None`` where none is idle, or it is much to be sent."""
        request = _request(function, budget, args)
        if len(request) > min(2 * ALIKE_BYTES, budget.max_bytes) or not self._turns.acquire(blocking=False):
            return None
        told = loop.create_future()
        with self._lock:
            worker = self._idle.pop() if self._idle and not self._is_closed else None
            if worker is None:
                self._turns.release()
                return None
            self._busy.add(worker)
            exchange = worker.watched(budget.max_bytes, lambda heard: self._heard(worker, heard, budget, told))
            self._watched[worker] = exchange
        exchange.begin(offload_worker.message(request), budget.seconds)
        return told

    def _heard(self, worker: Worker, heard: Heard, budget: CallBudget, told: asyncio.Future[Any]) -> None:
        """The answer of a call that a loop watches: usually a small one, that costs less here than its way to a thread."""
        with self._lock:
            del self._watched[worker]
        if isinstance(heard, bytearray) and len(heard) <= ALIKE_BYTES and worker.calls < CALLS_A_WORKER:
            found = _result(heard, SMALL, self._shared, SMALL_SIZE)
            if not isinstance(found, _Foreign | BudgetExceeded):
                self._given_back(worker, is_sound=True)
                self._turns.release()
                _tell(told, found)
                return

        def settled() -> Any:
            try:
                return self._settled(worker, heard, budget)
            finally:
                self._turns.release()

        with self._lock:  # whoever closes waits for what was handed to a thread before
            beside = self._threads.submit(settled) if self._threads is not None else None
        if beside is None:  # it is being closed
            _tell(told, settled())
            return
        beside.add_done_callback(lambda done: _hand_over(told, done))

    def value(self, payload: bytes) -> Any:
        """The small value whose bytes a worker has answered with; ``None`` where they are none of ours, or no small one."""
        try:
            return value_of(payload, self._shared, SMALL.max_steps, SMALL_SIZE)
        except Exception:  # noqa: BLE001 -- whatever its stranger has thought of
            return None

    def close(self) -> None:
        """End every worker, those at work too; afterwards nothing can be called."""
        with self._lock:
            self._is_closed = True
            idle, busy, threads = self._idle, set(self._busy), self._threads
            watched = tuple(self._watched.values())
            self._idle, self._threads = [], None
        for worker in busy:
            worker.kill()
        for exchange in watched:
            exchange.end_from_elsewhere()
        if threads is not None:
            threads.shutdown()  # those in the line are told that it is closed, or put a worker away
        free = [self._turns.acquire(timeout=END_WITHIN_S) for _ in range(self._count)]
        for _ in filter(None, free):  # whoever was at work has put its own worker away
            self._turns.release()
        for worker in idle:
            worker.close()

    def _rest_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._rests_in = loop
        loop.call_later(REST_AFTER_S, self._end_idle, loop)

    def _end_idle(self, loop: asyncio.AbstractEventLoop) -> None:
        """End every worker once nobody has called for a while, else look again later."""
        self._rests_in = None
        with self._lock:
            threads = self._threads
            if self._is_closed or threads is None:
                return
            if self._busy or time.monotonic() - self._used_at < REST_AFTER_S:
                self._rest_later(loop)
                return
            idle, self._idle = self._idle, []
            for worker in idle:
                worker.kill()
                threads.submit(worker.close)  # waits for its end

    def _taken(self) -> Worker | BudgetExceeded:
        with self._lock:
            if self._is_closed:
                return BudgetExceeded("process", "archscan is stopping")
            worker = self._idle.pop() if self._idle else None
            if worker is None:
                try:
                    worker = Worker(self._shared.names)
                except OSError as error:  # neither a descriptor nor a process is left
                    return BudgetExceeded(START, f"no process can be started to read it: {error.strerror}")
                self.started += 1
            self._busy.add(worker)
            return worker

    def _given_back(self, worker: Worker, *, is_sound: bool) -> None:
        with self._lock:
            self._busy.discard(worker)
            self._used_at = time.monotonic()
            if is_sound and not self._is_closed and worker.calls < CALLS_A_WORKER:
                self._idle.append(worker)
                return
        worker.close()


def _request(function: Callable[..., Any], budget: CallBudget, arguments: tuple[Any, ...]) -> bytes:
    buffer = io.BytesIO()
    named = (function.__module__, function.__qualname__, budget.seconds, budget.memory_bytes, arguments)
    Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(named)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class _Raised:
    """The kind and text of an exception of the function."""

    what: str


@dataclass(frozen=True, slots=True)
class _Foreign:
    """What no worker of ours says: its stranger has taken it over."""

    what: str


@dataclass(frozen=True, slots=True)
class _Bug:
    """What was raised where an answer was to be taken."""

    error: Exception


def _tell(told: asyncio.Future[Any], found: Any) -> None:
    if told.done() or told.get_loop().is_closed():
        return
    if isinstance(found, _Bug):
        told.set_exception(found.error)
    else:
        told.set_result(found)


def _hand_over(told: asyncio.Future[Any], done: Future[Any]) -> None:
    """Tell what a thread found, were it a bug."""
    try:
        found = done.result()
    except Exception as error:  # noqa: BLE001 -- whoever waits has to hear of it
        found = _Bug(error)
    with contextlib.suppress(RuntimeError):  # the loop is over, and with it whoever waits
        told.get_loop().call_soon_threadsafe(_tell, told, found)


def _told_or_raised(found: Any) -> Any:
    """What a call gives.

    Raises:
        WorkerError: the function raised.
    """
    if isinstance(found, _Raised):
        raise WorkerError(found.what)
    if isinstance(found, _Foreign):
        return BudgetExceeded("process", f"the process that read it answered with {found.what}")
    return found


def _result(answer: bytearray, budget: CallBudget, shared: Shared, max_size: int = MAX_SIZE) -> Any:
    kind = answer[:1]
    if kind == RAISED:
        return _Raised(answer[1:].decode(errors="replace"))
    if kind != DONE:
        return BudgetExceeded("memory", f"it takes more than {budget.memory_bytes >> 20} MiB to read")
    try:
        return value_of(memoryview(answer)[1:], shared, budget.max_steps, max_size)
    except pickle.UnpicklingError as error:
        return _Foreign(str(error))
    except Exception as error:  # noqa: BLE001 -- whatever its stranger has thought of
        return _Foreign(f"what cannot be read ({type(error).__name__})")


def _why(error: Exception, budget: CallBudget, worker: Worker) -> BudgetExceeded:
    if isinstance(error, TimeoutError):
        return BudgetExceeded("seconds", f"it takes longer than {budget.seconds:g} s to read")
    if isinstance(error, ValueError):
        return BudgetExceeded("bytes", f"what it says has more than {budget.max_bytes} bytes")
    by = worker.end()
    return BudgetExceeded("process", f"the process that read it ended{f' by {by}' if by else ''}")
