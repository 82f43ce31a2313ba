"""Answers ``archscan rollback`` from a running service, or from a copy of its store with a scan of its own."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from scanner import inventory
from scanner.app import wiring
from scanner.app.rollback_link import RefusedError, as_rollback, link_of
from scanner.app.store import store_url
from scanner.domain.facts import HostFacts
from scanner.domain.release import absent_unit, owner_name
from scanner.domain.rollback_record import recorded
from scanner.errors import UsageError
from scanner.service.answers import Refusal
from scanner.service.configuration import limits
from scanner.service.path_segment import segment
from scanner.service.rollback.planning import found_workload, planned
from scanner.store.read_only import releases_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from scanner.app.adapters import Adapters
    from scanner.domain.failure import Failure
    from scanner.domain.host import Host
    from scanner.domain.plan import Plan
    from scanner.domain.release import Release
    from scanner.domain.report import Report
    from scanner.domain.rollback_record import Rollback
    from scanner.domain.verdict.verdict import Depth, Verdict
    from scanner.scan.scan import Scanner
    from scanner.settings.schema import Settings


class OpenScanner(Protocol):
    """Opens a scanner with its adapters for one command."""

    def __call__(
        self, settings: Settings, depth: Depth | None, *, survey_now: bool
    ) -> AbstractAsyncContextManager[tuple[Scanner, Adapters]]:
        """For as long as the context lasts."""
        ...


class RollbackOperations:
    """Over the service, or the store, that the settings name; ``scanner`` opens one for a single command."""

    def __init__(
        self, settings: Settings, scanner: OpenScanner, server: str | None = None, token_file: Path | None = None
    ) -> None:
        self._settings, self._scanner = settings, scanner
        self._server, self._token_file = server, token_file

    # ---------------------------------------------------------------- through the service

    def plan(self, host: str, workload: str, to: str) -> dict[str, Any]:
        """A plan that waits for its confirmation."""
        body = {"host": host, "workload": workload} | ({"to": to} if to else {})
        return self._ask("POST", "/api/v1/rollbacks", body)

    def confirm(self, rollback_id: str, *, accept_cautions: bool) -> dict[str, Any]:
        """Have it carried out."""
        path = f"/api/v1/rollbacks/{segment(rollback_id)}/confirm"
        return self._ask("POST", path, {"accept_cautions": accept_cautions})

    def find(self, rollback_id: str) -> dict[str, Any]:
        """How far it is."""
        return self._ask("GET", f"/api/v1/rollbacks/{segment(rollback_id)}")

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        try:
            link = link_of(self._settings, self._server, self._token_file)
            return as_rollback(link.ask(method, path, body), link.url)
        except RefusedError as error:
            raise UsageError(str(error)) from None

    # ---------------------------------------------------------------- without it

    async def dry_run(self, host_name: str, workload: str, to: str) -> tuple[Sequence[Release], Rollback | Refusal]:
        """The releases that the store knows, with the plan that facts of this moment give; nothing is remembered.

        Raises:
            UsageError: there is no store, no such host, or it cannot be read.
        """
        url = store_url(self._settings)
        if url is None:
            raise UsageError("releases are remembered in the store: set store.url")
        host = inventory.match(wiring.hosts(self._settings).hosts, (host_name,))[0]
        reading = (await self._scan(host, (), None)).hosts[0].reading
        if not isinstance(reading, HostFacts):
            raise UsageError(f"{host.name} was not read: {reading.reason} {reading.detail}")
        facts = reading
        named = found_workload(facts, workload)
        if isinstance(named, Refusal):
            unit = absent_unit(releases_of(url, host.name, ""), workload)
            if unit is None:
                return releases_of(url, host.name, workload), named
            named = unit
        releases = releases_of(url, host.name, owner_name(named))

        async def judge(wanted: Plan) -> Verdict:
            return (await self._scan(host, (wanted,), facts)).findings[0].verdict

        healthy_for_s = max(1, round(self._settings.rollback.healthy_for))
        made = await planned(facts, named, releases, to, judge, healthy_for_s)
        if isinstance(made, Refusal):
            return releases, made
        return releases, recorded(made, "", healthy_for_s, time.time(), "")

    async def _scan(self, host: Host, wanted: Sequence[Plan], known: HostFacts | None) -> Report:
        """The host's facts (those that are ``known``, where there are), with what is wanted judged against them."""
        async with self._scanner(self._settings, None, survey_now=True) as (_, adapters):

            async def read(host: Host) -> HostFacts | Failure:
                return known if known is not None else await adapters.read(host)

            scanner = adapters.scanner(limits(self._settings), read=read, survey_now=True)
            return await scanner.scan([replace(host, planned=tuple(wanted))], only_plans=True)

    # ---------------------------------------------------------------- the agent

    async def agent(self) -> None:
        """Carry out what is confirmed until a signal stops it."""
        from scanner.app.rollback_agent import run_agent  # noqa: PLC0415 -- asyncssh takes half a second, for nothing where one is asked

        await run_agent(self._settings)
