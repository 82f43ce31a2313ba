"""The configuration in force with its open adapters, read again on request."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from scanner import inventory
from scanner.service.answers import Refusal, RefusalReason, Reloaded
from scanner.settings.reload import Reloader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scanner.domain.host import Host
    from scanner.service.configuration import Configuration
    from scanner.service.ports import Adapters, Observer, OpenAdapters
    from scanner.settings.schema import Settings

log = structlog.get_logger(__name__)

MAX_TOLD = 20
"""Lines in the log about one inventory; `config check` has them all."""


class Reloading:
    """Holds one good configuration; made in the event loop that runs it.

    Adapters that were replaced are closed once nobody uses them. ``follow`` what changes with the settings.
    """

    def __init__(
        self,
        read: Callable[[], Configuration],
        open_adapters: OpenAdapters,
        observer: Observer,
        clock: Callable[[], float],
        told: Callable[[str, Reloaded, Settings], None] = lambda _by, _result, _settings: None,
    ) -> None:
        """Reads the configuration for the first time.

        Raises:
            SettingsError: it cannot be used, or a key or known_hosts in it.
        """

        def opened() -> tuple[Configuration, Adapters]:
            """A configuration counts as good only if its keys can be used too."""
            configuration = read()
            return configuration, open_adapters(configuration.settings)

        self._observer, self._told = observer, told
        self._loop = asyncio.get_running_loop()
        self._reloader = Reloader(opened, lambda held: held[0].readable, _allows_shrink, clock)
        self._in_force = self._adapters
        self._retired: set[asyncio.Task[None]] = set()
        self._busy: dict[Adapters, int] = {}
        self._observed_credentials: frozenset[str] = frozenset()
        self._logged_problems: tuple[str, ...] = ()
        self._followers: list[Callable[[Settings], None]] = []
        self._configure()

    # ---------------------------------------------------------------- what is in force

    @property
    def current(self) -> tuple[Configuration, Adapters]:
        """Taken once for each piece of work, so that none ever sees two configurations."""
        return self._reloader.current

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.current[0].settings

    @property
    def _adapters(self) -> Adapters:
        return self.current[1]

    def hosts(self) -> tuple[Host, ...]:
        """The inventory in force."""
        return self.current[0].hosts

    def matching(self, patterns: tuple[str, ...]) -> tuple[Host, ...] | Refusal:
        """The inventory hosts that match any glob, all of them where there is none."""
        try:
            return inventory.match(self.hosts(), patterns)
        except inventory.InventoryError as error:
            return Refusal(RefusalReason.HOST_NOT_IN_INVENTORY, str(error))

    @contextmanager
    def using(self, adapters: Adapters) -> Iterator[None]:
        """Keep adapters open for as long as somebody asks through them."""
        self._busy[adapters] = self._busy.get(adapters, 0) + 1
        try:
            yield
        finally:
            self._busy[adapters] -= 1
            if not self._busy[adapters]:
                del self._busy[adapters]
                if adapters not in (self._in_force, self._adapters):
                    self._retire(adapters)

    # ---------------------------------------------------------------- change

    def follow(self, changed: Callable[[Settings], None]) -> None:
        """Call ``changed`` in the event loop whenever another configuration is in force."""
        self._followers.append(changed)

    def reload(self, by: str) -> Reloaded:
        """Read the configuration again for ``by``, which is logged; may be called from any thread."""
        outcome = self._reloader.reload()
        detail = "; ".join(map(str, outcome.problems))
        if outcome.successful:
            held = self.current[0]
            log.info("configuration_reloaded", by=by, hosts=len(held.hosts), skipped=len(held.skipped))
        else:
            log.error("configuration_refused", by=by, problems=detail)
        self._loop.call_soon_threadsafe(self._reloaded)
        result = Reloaded(outcome.successful, detail)
        self._loop.call_soon_threadsafe(self._told, by, result, self.settings)
        return result

    async def close(self) -> None:
        """Close every connection."""
        await self._adapters.close()
        if self._retired:
            await asyncio.wait(self._retired)

    def _reloaded(self) -> None:
        """In the event loop, where ``_in_force`` follows what other threads have put in force meanwhile."""
        self._configure()
        before, self._in_force = self._in_force, self._adapters
        if before is self._in_force:
            return
        for changed in self._followers:
            changed(self.settings)
        if not self._busy.get(before):
            self._retire(before)

    def _configure(self) -> None:
        """Show which settings are in force; in the event loop's thread."""
        settings, outcome = self.settings, self._reloader.outcome
        self._observer.configure(
            max_findings=settings.metrics.max_findings,
            scan_interval_s=settings.scan.interval,
            registries=tuple(settings.registries.listed),
        )
        self._show_inventory()
        self._observer.config_reloaded(successful=outcome.successful, at=outcome.at)
        self._show_credentials()

    def _show_inventory(self) -> None:
        """How many hosts there are, of each kind; which cannot be understood is said once for each configuration."""
        held = self.current[0]
        odd = [host for host in held.hosts if host.problem]
        self._observer.inventory_loaded(read=held.readable, not_understood=len(odd), skipped=len(held.skipped))
        told = (*(host.problem for host in odd), *held.notes)
        if told != self._logged_problems:
            self._logged_problems = told
            for problem in told[:MAX_TOLD]:
                log.warning("inventory_problem", problem=problem)

    def _show_credentials(self) -> None:
        """When our certificates end; one that is no longer used must not alert."""
        ends = self._adapters.credential_ends()
        for unused in self._observed_credentials - ends.keys():
            self._observer.credential_expires(unused, None)
        for name, at in ends.items():
            self._observer.credential_expires(name, at)
        self._observed_credentials = frozenset(ends)

    def _retire(self, adapters: Adapters) -> None:
        """Close adapters that nobody uses any more."""
        task = self._loop.create_task(adapters.close())
        self._retired.add(task)
        task.add_done_callback(self._retired.discard)


def _allows_shrink(held: tuple[Configuration, Adapters]) -> bool:
    return held[0].settings.scan.allow_shrink
