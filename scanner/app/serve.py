"""The service from start to stop: store, scans, web server, signals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import structlog

from scanner import descriptors, ending
from scanner.app.adapters import AdapterContext, Adapters
from scanner.app.collector import calm_collector
from scanner.app.in_flight import InFlight
from scanner.app.listen import face_of, serve_web
from scanner.app.memory import keep_giving_back
from scanner.app.replicas import Replica, check_replicas, instance_of
from scanner.app.supervisor import tell_ready
from scanner.app.trail_wiring import trail_of_service, witnesses
from scanner.app.until_first import until_first
from scanner.metrics.loop import watch_loop
from scanner.metrics.metrics import Metrics
from scanner.registry.client import last_seen
from scanner.service.service import Service
from scanner.store.store import Store
from scanner.web.http.server import refuse_taken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from scanner.app.listen import Face
    from scanner.app.trail_wiring import RunningTrail
    from scanner.service.configuration import Configuration
    from scanner.settings.schema import Settings

log = structlog.get_logger(__name__)

STOP_WITHIN_S = 9.0
"""From SIGTERM to the end of the process; Docker kills after ten seconds."""

SWITCH_S = 0.0002
"""How long one thread may keep the others waiting: an answer passes the interpreter's lock some ten times, each time behind
every thread that works. While a scan's end is made ready in two of them that is 4 ms of an answer, with Python's own 5 ms it
would be a tenth of a second. Less makes threads take turns rather than work.
"""


async def run(  # noqa: PLR0913 -- what a start is told
    read: Callable[[], Configuration],
    settings: Settings,
    version: str,
    ready: Callable[[int], None] = lambda _port: None,
    *,
    configure_log: Callable[[Settings], None] = lambda _settings: None,
    listen_named: str = "web.listen",
) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reloads. ``ready`` is called with the port, ``configure_log`` when its settings change.

    ``listen_named`` is where the address was said, for whoever has to say another one.

    The store is opened first and closed last, so that nothing is published that could not be remembered.

    Raises:
        SettingsError: the configuration cannot be used.
        UsageError: a file that it names cannot be.
        ServiceError: the port is taken, or the store is.
    """
    with _ending_at_once():
        # before a store is made, or a trail tells of a start
        refuse_taken(*settings.web.listen_address, listen_named)
        first = read()
        witnesses(first.settings)
        await Adapters(first.settings, AdapterContext(version), face_of(first.settings)).close()
        await _served(_once(first, read), settings, version, ready, configure_log)


def _once(first: Configuration, read: Callable[[], Configuration]) -> Callable[[], Configuration]:
    """Gives what was read already, then reads anew: an inventory may take long to answer."""
    known = [first]
    return lambda: known.pop() if known else read()


async def _served(
    read: Callable[[], Configuration],
    settings: Settings,
    version: str,
    ready: Callable[[int], None],
    configure_log: Callable[[Settings], None],
) -> None:
    descriptors.raise_granted()
    sys.setswitchinterval(SWITCH_S)
    metrics = Metrics(version, max_findings=settings.metrics.max_findings)
    in_flight = InFlight(settings)
    check_replicas(settings)
    store = await Store.open(in_flight.store_url, keep_s=settings.store.keep, member=instance_of(settings))
    replica = Replica(settings, store, in_flight.store_url, metrics)
    beside = [
        asyncio.create_task(watch_loop(metrics), name="loop-lag"),
        asyncio.create_task(keep_giving_back(), name="memory"),
    ]
    try:
        context = AdapterContext(
            version,
            store,
            metrics.registries,
            last_seen=last_seen(),
            on_survey_read=metrics.survey_read,
            cluster_observer=metrics.workers,
        )

        def opened(settings: Settings) -> Adapters:
            in_flight.refuse_change(settings)
            return Adapters(settings, context, face_of(settings))

        def reloaded(settings: Settings) -> None:
            store.keep(settings.store.keep)
            configure_log(settings)

        trail, leadership = trail_of_service(store, settings, metrics.trail, version), replica.leadership
        service = Service(read, opened, store, metrics, trail=trail.trail if trail else None, leadership=leadership)
        service.reloading.follow(reloaded)
        calm_collector()  # whoever asks for health does not wait until every module was looked through
        async with (
            _running(service, trail, store),
            serve_web(service, metrics, lambda: _face(service), version, leadership) as port,
        ):
            await service.start()
            calm_collector()
            log.info("serving", version=version, address=f"http://{_shown(settings)}:{port}/")
            ready(port)
            stopped = _until_stopped(lambda: service.reloading.reload("SIGHUP"))
            await until_first(stopped, replica.run(service, trail), _end_for_certain)
            log.info("stopping")
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await replica.close()
        await store.close()


@asynccontextmanager
async def _running(service: Service, trail: RunningTrail | None, store: Store) -> AsyncIterator[None]:
    """The trail, opened once a service could be made that has something to tell it; begun at once by whoever leads.

    The service is stopped before it, so that it hears of that too.
    """
    async with AsyncExitStack() as stack:
        if trail is not None:
            stack.push_async_callback(trail.end)
        stack.push_async_callback(service.stop)
        if trail is not None:
            await trail.open()
            if store.leads:
                await trail.begin()
        yield


def _shown(settings: Settings) -> str:
    host = settings.web.listen_address[0] or "localhost"
    return f"[{host}]" if ":" in host else host


def _face(service: Service) -> Face:
    """What the configuration in force lets in."""
    adapters = service.reloading.current[1]
    if not isinstance(adapters, Adapters) or adapters.face is None:
        raise TypeError("the service runs on other adapters than those of this program")
    return adapters.face


@contextmanager
def _ending_at_once() -> Iterator[None]:
    """A signal ends a start without waiting: a store or a witness that does not answer is asked in threads that nothing ends."""

    def end(number: int, _frame: object) -> None:
        with contextlib.suppress(RuntimeError):  # it came while another line was being written
            log.info("stopping", why=f"{signal.Signals(number).name} during its start")
        ending.at_once(number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_for_certain(*_signal: object) -> None:
    """Whatever hangs, the process ends within what its supervisor allows: what counts is durable already."""

    def end() -> None:
        log.error("did_not_stop", why=f"something still ran {STOP_WITHIN_S:g} s after the signal")
        os._exit(1)

    timer = threading.Timer(STOP_WITHIN_S, end)
    timer.daemon = True
    timer.start()


async def _until_stopped(reload: Callable[[], object]) -> None:
    """Wait for SIGTERM or SIGINT; SIGHUP reloads."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    reloading: set[asyncio.Future[object]] = set()

    def on_hangup() -> None:
        task = loop.run_in_executor(None, reload)
        reloading.add(task)
        task.add_done_callback(reloading.discard)

    loop.add_signal_handler(signal.SIGHUP, on_hangup)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
        signal.signal(number, _end_for_certain)  # beside the loop, which may be what hangs; it is still woken
        signal.siginterrupt(number, False)  # noqa: FBT003 -- the library's own signature
    tell_ready()
    try:
        await stopped.wait()
    finally:
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
