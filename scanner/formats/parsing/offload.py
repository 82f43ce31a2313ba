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
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from scanner.formats.parsing import offload_worker, pickled_shape
from scanner.formats.parsing.deadline_pipe import DeadlinePipe
from scanner.formats.parsing.kept_once import KeptOnce
from scanner.formats.parsing.line import Line
from scanner.formats.parsing.offload_worker import (
    DONE,
    LENGTH_BYTES,
    RAISED,
    Pickler,
    qualified,
)
from scanner.formats.parsing.pickled_shape import MAX_STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from io import BytesIO

INLINE_BYTES = 64 << 10
"""JSON of this length costs a millisecond in the loop, more than the way to a worker and back does."""

ALIKE_BYTES = 64 << 10
"""Answers that differ by less are read as they come: most have less. What takes ten seconds to read has megabytes."""

MAX_WORKERS = 4
"""More processors than these are the SSH connections' and the layers'."""

CALLS_A_WORKER = 2000
"""Then a new one takes its place: what a parser leaks stays small."""

REST_AFTER_S = 30.0
"""Without a call, then workers end: each holds some 40 MB, hosts that say the same again need none; one starts in 0.3 s."""

END_WITHIN_S = 5.0
"""A killed process is gone at once, unless the disk that it waits for is."""

START = "start"
"""The limit of a call for which this machine had no process: no fault of what was to be read."""

_BOOT = (
    "import sys,json;sys.path[:]=json.loads(sys.argv[1]);from scanner.formats.parsing.offload_worker import main;main()"
)

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class CallBudget:
    """What one call may take: bytes of its arguments and result each, bytes of memory, seconds, steps to walk through its result."""

    seconds: float = 10.0
    max_bytes: int = 160 << 20
    memory_bytes: int = 1 << 30
    max_steps: int = MAX_STEPS


@dataclass(frozen=True, slots=True)
class BudgetExceeded:
    """A call that came to nothing: ``limit`` is ``seconds``, ``memory``, ``bytes``, ``process`` or ``start``, ``detail`` a sentence."""

    limit: str
    detail: str


class WorkerError(RuntimeError):
    """The function itself raised: a bug in a reader, told by the kind and text of its exception."""


class _Shared:
    """Values of some classes, each kept once, however many answers have an equal one."""

    def __init__(self, kinds: Collection[type]) -> None:
        self.names = frozenset(map(qualified, kinds))
        self._kept = KeptOnce(kinds)

    def value(self, kind: type, *said: Any) -> Any:
        """The value with these fields."""
        if qualified(kind) not in self.names:
            raise pickle.UnpicklingError("what is not to be shared")
        return self._kept.value((kind, *said), lambda: kind(*said))


@dataclass(frozen=True, slots=True)
class _Named:
    """A frozen dataclass that an answer names: to make its values again by, not to be called, for some act as they are made."""

    kind: type


class _Unpickler(pickle.Unpickler):
    """Takes our own values and read-only mappings, nothing that could act: the sender has read hostile bytes."""

    def __init__(self, stream: BytesIO, shared: _Shared) -> None:
        super().__init__(stream)
        self._makers: dict[str, Callable[..., Any]] = {
            "frozen_mapping": offload_worker.frozen_mapping,
            "value_again": lambda named, *said: offload_worker.value_again(named.kind, *said),
            "shared_value": lambda named, *said: shared.value(named.kind, *said),
        }

    def find_class(self, module: str, name: str) -> Any:
        if module == offload_worker.__name__ and (ours := self._makers.get(name)):
            return ours
        found = super().find_class(module, name) if module.startswith("scanner.") and "." not in name else None
        if isinstance(found, type) and found.__module__ == module:
            if issubclass(found, Enum | str):
                return found
            if is_dataclass(found) and found.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # of dataclasses
                return _Named(found)
        raise pickle.UnpicklingError("something else than a value")


def _value_of(payload: memoryview, shared: _Shared, max_steps: int) -> Any:
    """The value in a message (``offload_worker.pickled``) of a process that has read what strangers wrote.

    Raises:
        UnpicklingError: it is too large, or holds something else than values.
    """
    pickled_shape.check(payload, max_steps)
    return _Unpickler(io.BytesIO(payload), shared).load()


def started_anew(told: list[str]) -> subprocess.Popen[bytes]:
    """A process that executes Python anew, told where modules are and what is shared."""
    return subprocess.Popen(  # noqa: S603 -- our own interpreter
        [sys.executable, "-I", "-S", "-c", _BOOT, *told],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        close_fds=True,
        start_new_session=True,
    )


class _Worker:
    """One process with its two pipes."""

    def __init__(self, shared: frozenset[str]) -> None:
        self.calls = 0
        self._process = started_anew(_told(shared))
        assert self._process.stdin is not None  # noqa: S101 -- both are pipes
        assert self._process.stdout is not None  # noqa: S101 -- the same
        self._pipe = DeadlinePipe(self._process.stdout.fileno(), self._process.stdin.fileno())

    def exchange(self, request: bytes, max_bytes: int, until: float) -> bytearray:
        """Send a call, take its answer, by a moment of ``time.monotonic``.

        Raises:
            TimeoutError: it takes longer.
            OSError: the process is gone.
            ValueError: its answer is longer than ``max_bytes``.
        """
        self.calls += 1
        self._pipe.send(offload_worker.message(request), until)
        length = int.from_bytes(self._pipe.take(LENGTH_BYTES, until), "big")
        if length > max_bytes:
            raise ValueError("the answer is too long")
        return self._pipe.take(length, until)

    def kill(self) -> None:
        """End it; whoever waits for its answer gets an ``OSError``."""
        self._process.kill()

    def end(self) -> str:
        """The signal that ended it, where one did; it is gone already."""
        try:
            status = self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            return ""
        return _signal(-status) if status < 0 else ""

    def close(self) -> int:
        """End it, reap it; gives its exit status."""
        self._process.kill()
        with contextlib.suppress(OSError):
            self._process.communicate(timeout=END_WITHIN_S)
        return self._process.wait(END_WITHIN_S)


class Parsers:
    """A few processes that read what strangers wrote; made cheaply, started on first use, ended by ``close``.

    Of the values of the classes ``shared`` that answers hold, frozen dataclasses all, equal ones become one.
    """

    def __init__(self, count: int | None = None, shared: Collection[type] = ()) -> None:
        self._shared = _Shared(shared)
        self._count = count or max(1, min(MAX_WORKERS, os.cpu_count() or 1))
        self._turns = threading.BoundedSemaphore(self._count)
        self._line = Line(self._count)
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
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
        async with self._line.place(sum(len(each) for each in args if isinstance(each, bytes)) // ALIKE_BYTES):
            with self._lock:
                if self._is_closed:
                    return BudgetExceeded("process", "archscan is stopping")
                if self._threads is None:
                    self._threads = ThreadPoolExecutor(self._count, "archscan-offload")
                threads = self._threads
            loop = asyncio.get_running_loop()
            if self._rests_in is None or self._rests_in.is_closed():  # a loop that is over calls nobody
                self._rest_later(loop)
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

    def _exchanged(self, worker: _Worker, request: bytes, budget: CallBudget) -> Any:
        is_sound = False
        try:
            answer = worker.exchange(request, budget.max_bytes, time.monotonic() + budget.seconds)
            found = _result(answer, budget, self._shared)
            is_sound = not isinstance(found, _Foreign)
        except (OSError, ValueError) as error:
            return _why(error, budget, worker)
        finally:
            self._given_back(worker, is_sound=is_sound)
        if isinstance(found, _Raised):
            raise WorkerError(found.what)
        if isinstance(found, _Foreign):
            return BudgetExceeded("process", f"the process that read it answered with {found.what}")
        return found

    def close(self) -> None:
        """End every worker, those at work too; afterwards nothing can be called."""
        with self._lock:
            self._is_closed = True
            idle, busy, threads = self._idle, set(self._busy), self._threads
            self._idle, self._threads = [], None
        for worker in busy:
            worker.kill()
        if threads is not None:
            threads.shutdown(cancel_futures=True)
        for _ in range(self._count):  # whoever is at work puts its own worker away
            self._turns.acquire()
        for _ in range(self._count):
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

    def _taken(self) -> _Worker | BudgetExceeded:
        with self._lock:
            if self._is_closed:
                return BudgetExceeded("process", "archscan is stopping")
            worker = self._idle.pop() if self._idle else None
            if worker is None:
                try:
                    worker = _Worker(self._shared.names)
                except OSError as error:  # neither a descriptor nor a process is left
                    return BudgetExceeded(START, f"no process can be started to read it: {error.strerror}")
                self.started += 1
            self._busy.add(worker)
            return worker

    def _given_back(self, worker: _Worker, *, is_sound: bool) -> None:
        with self._lock:
            self._busy.discard(worker)
            self._used_at = time.monotonic()
            if is_sound and not self._is_closed and worker.calls < CALLS_A_WORKER:
                self._idle.append(worker)
                return
        worker.close()


def _signal(number: int) -> str:
    """Its name; of those for real time only the first and the last have one."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _told(shared: frozenset[str]) -> list[str]:
    """What a worker is told as it starts: where modules are, what is shared."""
    places = [os.path.abspath(path) for path in sys.path]  # noqa: PTH100 -- text
    return [json.dumps(places), json.dumps(sorted(shared))]


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


def _result(answer: bytearray, budget: CallBudget, shared: _Shared) -> Any:
    kind = answer[:1]
    if kind == RAISED:
        return _Raised(answer[1:].decode(errors="replace"))
    if kind != DONE:
        return BudgetExceeded("memory", f"it takes more than {budget.memory_bytes >> 20} MiB to read")
    try:
        return _value_of(memoryview(answer)[1:], shared, budget.max_steps)
    except pickle.UnpicklingError as error:
        return _Foreign(str(error))
    except Exception as error:  # noqa: BLE001 -- whatever its stranger has thought of
        return _Foreign(f"what cannot be read ({type(error).__name__})")


def _why(error: Exception, budget: CallBudget, worker: _Worker) -> BudgetExceeded:
    if isinstance(error, TimeoutError):
        return BudgetExceeded("seconds", f"it takes longer than {budget.seconds:g} s to read")
    if isinstance(error, ValueError):
        return BudgetExceeded("bytes", f"what it says has more than {budget.max_bytes} bytes")
    by = worker.end()
    return BudgetExceeded("process", f"the process that read it ended{f' by {by}' if by else ''}")
