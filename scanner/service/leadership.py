"""Which of the instances of one store leads: this one, or another that it follows until that lease runs out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from scanner.service.answers import Refusal, RefusalReason
from scanner.store.error import StoreError
from scanner.store.lease import RENEW_AT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from scanner.store.notify import Mark
    from scanner.store.store import Store

log = structlog.get_logger(__name__)

SETTLE_S = 0.5
"""A leader that tells of many changes at once has them read once."""

PATIENCE = 3
"""Leases that a renewal may wait in line behind one long write, during which nobody else can lead; a database that says
nothing for so long is gone. Nothing is risked meanwhile: what another has taken over is fenced."""


@dataclass(frozen=True, slots=True)
class LeaderRequest:
    """A request that only the leader can answer; ``target`` is its path with its query, as they came."""

    method: str
    target: bytes
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class LeaderAnswer:
    """What the leader answered; ``body`` is read as it comes."""

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]


class AskLeader(Protocol):
    """Asks the archscan at an address."""

    async def __call__(self, address: str, asked: LeaderRequest) -> LeaderAnswer | Refusal:
        """Its answer, whatever it is; a refusal where there is none."""


class Leadership:
    """One for each process; alone on a store it leads from start to stop."""

    def __init__(
        self,
        store: Store,
        lease_s: float,
        members: Sequence[str] = (),
        ask: AskLeader | None = None,
        on_change: Callable[[bool], None] = lambda _leads: None,
    ) -> None:
        self._store, self._lease_s, self._members, self._ask = store, lease_s, frozenset(members), ask
        self._on_change = on_change
        self._leads, self._shown = store.leads, False
        self._leader, self._address, self._is_over = "", "", False
        on_change(self._leads)

    @property
    def leads(self) -> bool:
        """Whether this process scans and writes."""
        return self._leads

    @property
    def role(self) -> str:
        """What it is, in words; empty for one that shares its store with nobody."""
        if not self._shown:
            return ""
        return "leader" if self._leads else f"follower of {self._leader or 'nobody'}"

    async def forward(self, asked: LeaderRequest) -> LeaderAnswer | Refusal:
        """The leader's answer to what only it can do.

        The database may name the leader's address, but only the configuration says who may be sent a caller's token.
        """
        if self._is_over:
            return self._refused("its lease has run out, another is about to take over")
        if not self._address:
            return self._refused("it has no replicas.advertise, so that it cannot be asked from here")
        if self._address not in self._members or self._ask is None:
            return self._refused(f"its address {self._address} is not among replicas.members")
        return await self._ask(self._address, asked)

    def not_here(self) -> Refusal:
        """Why something is not done here that cannot be forwarded."""
        where = f": go to {self._address}" if self._address in self._members and not self._is_over else ""
        return self._refused(f"what is done with a browser's session is done there{where}")

    async def run(
        self,
        wait: Callable[[float], Awaitable[bool]],
        refresh: Callable[[bool], Awaitable[None]],
        lead: Callable[[], Awaitable[None]],
    ) -> None:
        """Follow, lead, and never return; ``wait`` ends early where something changed.

        ``refresh`` shows what the leader wrote, its argument whether that is a report; ``lead`` begins to scan.

        Raises:
            StoreError: this process led, and does so no longer: nothing of what it holds counts any more.
        """
        self._shown = await self._store.lease() is not None
        if not self._shown:
            await asyncio.Event().wait()
        if not self._leads:
            await self._follow(wait, refresh)
            log.info("took_over", before=self._leader)
            await asyncio.gather(self._hold(), self._begin(lead))
        await self._hold()

    async def _begin(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Lead for all to see only once what the one before left is known: until then nothing is to be decided here."""
        await lead()
        self._leads = True
        self._on_change(True)  # noqa: FBT003 -- whether it leads

    async def _follow(
        self, wait: Callable[[float], Awaitable[bool]], refresh: Callable[[bool], Awaitable[None]]
    ) -> None:
        known: Mark = ()
        while True:
            try:
                await self._look()
                if await self._store.lead():
                    return
                mark = await self._store.mark()
                if mark != known:
                    await refresh(mark[:1] != known[:1])
                    known = mark
            except StoreError as error:
                log.warning("not_followed", error=str(error))
            if await wait(self._lease_s * RENEW_AT):
                await asyncio.sleep(SETTLE_S)

    async def _look(self) -> None:
        lease = await self._store.lease()
        if lease is None:
            return
        if lease.holder != self._leader:
            log.info("following", leader=lease.holder, address=lease.address)
        self._leader, self._address, self._is_over = lease.holder, lease.address, lease.left_s <= 0

    async def _hold(self) -> None:
        """Renew until that fails for so long that another may lead."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._lease_s
        while True:
            await asyncio.sleep(self._lease_s * RENEW_AT)
            began = loop.time()
            try:
                async with asyncio.timeout_at(until + (PATIENCE - 1) * self._lease_s):
                    await self._store.renew()
            except TimeoutError:
                silent_s = PATIENCE * self._lease_s
                raise StoreError(f"the lease was not renewed within {silent_s:g} s: another may lead now") from None
            except StoreError as error:
                if error.fatal or loop.time() > until:
                    raise
                log.warning("lease_not_renewed", error=str(error))
                continue
            until = began + self._lease_s

    def _refused(self, why: str) -> Refusal:
        who = f"{self._leader} leads" if self._leader else "nobody leads yet"
        return Refusal(RefusalReason.NOT_LEADER, f"this archscan follows: {who}, {why}", self._lease_s * RENEW_AT)
