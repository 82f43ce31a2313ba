"""The process that carries rollbacks out: its own key, its own account on hosts, no store, no listener."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from scanner.app import wiring
from scanner.app.rollback_link import RemoteLedger, link_of
from scanner.app.until_first import until_first
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.errors import UsageError
from scanner.hosts.rollback_script import rollback_answer, rollback_command
from scanner.hosts.ssh.connection_pool import ConnectionPool
from scanner.hosts.ssh.trust import TrustError
from scanner.service.rollback.carrying_out import Agent, LedgerError, OutOfTurnError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.host import Host
    from scanner.domain.rollback_record import Rollback
    from scanner.settings.schema import Settings

log = structlog.get_logger(__name__)

ASK_AGAIN_S = 5.0
"""After a service that did not answer."""


async def run_agent(settings: Settings) -> None:
    """Carry out what is confirmed, several hosts at once, until SIGTERM or SIGINT.

    Whatever is under way on a host then goes on there; the next start asks how far it is. A fault of ours ends it, for its
    supervisor to start it anew: one that waits for a signal and does nothing would be taken for one that works.

    Raises:
        UsageError: no key, no token, or one that cannot be used.
    """
    config = wiring.ssh(settings)
    if config is None:
        raise UsageError("ssh.identity_file and ssh.known_hosts_file are not set: the agent has a key of its own")
    ledger = RemoteLedger(link_of(settings))
    try:
        command = rollback_command(settings.rollback.path)
        pool = ConnectionPool.open(replace(config, command=command, keep_connections=False))
    except (TrustError, ValueError) as error:
        raise UsageError(str(error)) from None
    hosts = {host.name: host for host in wiring.hosts(settings).hosts}
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    log.info("rollback_agent_ready", service=ledger.link.url, hosts=len(hosts))
    try:
        await until_first(stopped.wait(), _work(ledger, pool, hosts), _ended)
        log.info("rollback_agent_stopped", service=ledger.link.url)
    finally:
        await pool.close()


def _ended() -> None:
    log.error("rollback_agent_ended", why="a fault of its own: nothing more is carried out")


async def _work(ledger: RemoteLedger, pool: ConnectionPool, hosts: Mapping[str, Host]) -> None:
    async def hand(name: str, line: str) -> Mapping[str, str] | Failure:
        host = hosts.get(name)
        if host is None or host.local:
            return Failure(Reason.HOST_NOT_UNDERSTOOD, "the agent's own inventory has no such host")
        raw = await pool.read(host, f"{line}\n".encode())
        return raw if isinstance(raw, Failure) else rollback_answer(raw)

    agent = Agent(hand, ledger, asyncio.sleep)
    under_way: dict[str, asyncio.Task[None]] = {}
    async with asyncio.TaskGroup() as group:
        while True:
            try:
                wanted = await ledger.work()
            except LedgerError as error:
                log.warning("rollback_service_not_reached", why=str(error))
                await asyncio.sleep(ASK_AGAIN_S)
                continue
            under_way = {known: task for known, task in under_way.items() if not task.done()}
            fresh = [one for one in wanted if one.id not in under_way]
            for one in fresh:
                under_way[one.id] = group.create_task(_carried_out(agent, one), name=f"rollback-{one.id}")
            if wanted and not fresh:
                await asyncio.sleep(1)


async def _carried_out(agent: Agent, rollback: Rollback) -> None:
    """Its last net: a fault of ours in one rollback is told, and it is taken up again, beside the others."""
    log.info("rollback_begins", rollback=rollback.id, host=rollback.host, workload=rollback.workload)
    try:
        outcome = await agent.carry_out(rollback)
    except OutOfTurnError as error:
        log.warning("rollback_out_of_turn", rollback=rollback.id, host=rollback.host, why=str(error))
        await agent.sleep(ASK_AGAIN_S)  # then it is asked for anew, where it still is to be done
        return
    except Exception:
        log.exception("rollback_interrupted", rollback=rollback.id, host=rollback.host)
        await agent.sleep(ASK_AGAIN_S)
        return
    log.info("rollback_ends", rollback=rollback.id, host=rollback.host, outcome=str(outcome))
