"""Connections to hosts, each kept for the next scan."""

from __future__ import annotations

import asyncio
import errno
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import asyncssh

from scanner import descriptors
from scanner.domain.failure import Failure
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.remedy.logins import IDENTITY_AGENT
from scanner.hosts import refusal
from scanner.hosts.ssh import agent
from scanner.hosts.ssh import options as connection_options
from scanner.hosts.ssh.algorithms import PROFILES, Profile
from scanner.hosts.ssh.bastions import Bastions
from scanner.hosts.ssh.connection import LoginListener, ask, dial, open_answer
from scanner.hosts.ssh.failure import Bastion, ServerRefused, SlowAnswerError, classify
from scanner.hosts.ssh.host_keys import ShownKey, openssh_line, shown_keys
from scanner.hosts.ssh.image_export import export_command, output
from scanner.hosts.ssh.jump import JumpTarget, Route, bastions_of, jump_of
from scanner.hosts.ssh.keyring import Keyring
from scanner.hosts.ssh.trust import (
    KnownHosts,
    KnownKeys,
    TrustError,
    own_known_hosts,
    read_known_hosts,
    troubles_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping

    from scanner.domain.facts import EngineKind
    from scanner.domain.host import Host
    from scanner.hosts.ssh.config import SshConfig

REAP_AFTER_S = 5.0
"""How long an aborted connection may take to vanish before it counts as leaked."""

Connection = asyncssh.SSHClientConnection
Destination = tuple[JumpTarget, Route]
"""A host with the route to it: two hosts never share a connection."""


asyncssh.set_log_level("CRITICAL")  # it logs what servers say, line breaks included; we tell each ending as a value


class ConnectionPool:
    """Reads hosts. One per configuration: a reload makes a new one, then closes the old.

    ``abandoned`` counts connections that did not even end when aborted, ``opened`` the connections made so far.
    """

    def __init__(self, config: SshConfig, known: KnownHosts, keyring: Keyring) -> None:
        self._config, self._known, self._keyring = config, known, keyring
        slots = descriptors.for_hosts()
        self._concurrency = max(1, min(config.concurrency, slots // 2))
        self._max_kept = max(0, slots - self._concurrency) if config.keep_connections else 0
        self._turn = asyncio.Semaphore(self._concurrency)
        self._kept: dict[Destination, Connection] = {}
        self._base: dict[tuple[str, str, Profile], asyncssh.SSHClientConnectionOptions] = {}
        self._bastions = Bastions(self._connect_bastion)
        self._reapers: set[asyncio.Task[None]] = set()
        self.abandoned = 0
        self.opened = 0

    @classmethod
    def open(cls, config: SshConfig) -> ConnectionPool:
        """A pool with the keys that the configuration names.

        Raises:
            TrustError: a key file or known_hosts is missing, exposed or damaged.
        """
        try:
            known = _known_hosts(config)
        except TrustError as error:
            raise TrustError(*error.problems, *troubles_of(lambda: Keyring.open(config))) from None
        return cls(config, known, Keyring.open(config))

    @property
    def kept(self) -> int:
        """Connections that stay open between scans."""
        return len(self._kept)

    @property
    def certificate_ends(self) -> Mapping[str, float]:
        """When our own certificates end (Unix seconds), by the setting of their key."""
        return self._keyring.certificate_ends

    async def read(self, host: Host, script: bytes) -> bytes | Failure:
        """The whole standard output of ``script`` on the host, or why it could not be had; never raises."""
        target = self._target(host)
        try:
            route = self._route(host)
            if route.hops:  # before our turn: a slow bastion must not hold up hosts elsewhere
                await self._bastions.reach(route)
            async with self._turn:
                return await self._read((target, route), script)
        except Exception as error:  # noqa: BLE001 - the border: whatever a host provokes becomes its failure
            found = classify(error, key_known=bool(self._trusted(target)[1].keys))
            return await self._for_want_of_an_agent(target, found)

    async def _for_want_of_an_agent(self, target: JumpTarget, failure: Failure) -> Failure:
        """A login by an agent's keys alone has no key to show where that agent is gone, or holds none."""
        if failure.reason is not Reason.HOST_AUTH_REJECTED or failure.setting or self._config.own_keys:
            return failure
        try:
            offered = self._keyring.keys(target.identity)
        except TrustError:
            return failure
        why = await agent.lacking(offered.agent) if offered.agent is not None and not offered.keys else ""
        return replace(failure, detail=why, path=offered.agent or "", setting=IDENTITY_AGENT) if why else failure

    async def host_keys(self, host: Host) -> tuple[ShownKey, ...] | Failure:
        """The keys that the host shows to whoever asks, behind its bastions; nothing is believed, nobody logs in."""
        if host.problem:
            return Failure(Reason.HOST_NOT_UNDERSTOOD, host.problem)
        target = self._target(host)
        try:
            route = self._route(host)
            tunnel = await self._bastions.reach(route) if route.hops else None
            return await shown_keys(target, tunnel, self._abandon, self._config.connect_timeout_s)
        except Exception as error:  # noqa: BLE001 - the border: whatever a host provokes becomes its failure
            return classify(error)

    def bastions(self, host: Host) -> tuple[Host, ...]:
        """The bastions in front of a host, as ``bastions_of`` tells them."""
        return bastions_of(host, self._config.jump, self._config.user)

    def knows(self, host: Host) -> tuple[str, frozenset[str]]:
        """The name under which known_hosts has the host, with the keys (``type base64``) that it has for it."""
        name, known = self._trusted(JumpTarget(host.name, host.address, host.port, host.user))
        return name, frozenset(openssh_line(key) for key in known.keys)

    @asynccontextmanager
    async def export_image(
        self, host: Host, kind: EngineKind, image_id: str, max_local_bytes: int
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """What the host's engine exports of an image, over a connection of its own that ends with the context.

        Raises:
            ValueError: it is no image ID, or no engine that exports images by ID.
            StreamBroken: when the stream is opened, or while it is read.
        """
        command = export_command(kind, image_id)
        target = self._target(host)
        try:
            route = self._route(host)
            if route.hops:
                await self._bastions.reach(route)
            connection = await self._connect((target, route))
        except Exception as error:  # noqa: BLE001 - the border: whatever a host provokes becomes its failure
            raise StreamBroken(classify(error, key_known=bool(self._trusted(target)[1].keys))) from None
        stream = output(connection, command, max_local_bytes, self._config.probe_timeout_s)
        try:
            yield _failing_as_values(stream)
        finally:
            self._abandon(connection)
            await stream.aclose()

    async def _read(self, destination: Destination, script: bytes) -> bytes | Failure:
        connection = self._kept.pop(destination, None)
        if connection is not None and not connection.is_closed():
            again = await self._read_kept(destination, connection, script)
            if again is not None:
                return again
        connection = await self._connect(destination)
        return await self._question(destination, connection, script)

    async def _read_kept(
        self, destination: Destination, connection: Connection, script: bytes
    ) -> bytes | Failure | None:
        """As ``_question``; ``None`` where the kept connection turned out to be dead, which is no news of the host."""
        try:
            async with asyncio.timeout(self._config.connect_timeout_s):
                channel, answer = await open_answer(connection, self._config.max_output_bytes, self._config.command)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, a fresh connection will tell
            self._abandon(connection)
            return None
        except BaseException:
            self._abandon(connection)
            raise
        try:
            return await self._finish(destination, connection, ask(channel, answer, script))
        except (asyncssh.Error, OSError) as error:
            if answer.is_empty and not isinstance(error, TimeoutError):
                return None
            raise

    async def _question(self, destination: Destination, connection: Connection, script: bytes) -> bytes | Failure:
        async def whole() -> bytes | Failure:
            channel, answer = await open_answer(connection, self._config.max_output_bytes, self._config.command)
            return await ask(channel, answer, script)

        return await self._finish(destination, connection, whole())

    async def _finish(
        self, destination: Destination, connection: Connection, question: Coroutine[None, None, bytes | Failure]
    ) -> bytes | Failure:
        """Keeps a connection that gave a whole answer in time, ends any other."""
        try:
            async with asyncio.timeout(self._config.probe_timeout_s) as patience:
                answer = await question
        except TimeoutError as error:
            self._abandon(connection)
            if patience.expired():
                raise SlowAnswerError from error
            raise
        except BaseException:
            self._abandon(connection)
            raise
        if isinstance(answer, Failure) or not self._keep(destination, connection):
            self._abandon(connection)
        return answer

    def _keep(self, destination: Destination, connection: Connection) -> bool:
        if len(self._kept) >= self._max_kept or connection.is_closed() or destination in self._kept:
            return False
        self._kept[destination] = connection
        return True

    async def _connect(self, destination: Destination) -> Connection:
        """A fresh connection to the host, through its bastions.

        Raises:
            Bastion: one of them could not be used. Otherwise as ``dial``.
        """
        target, route = destination
        tunnel = await self._bastions.reach(route) if route.hops else None
        try:
            return await self._dial(target, tunnel)
        except asyncssh.ChannelOpenError as error:
            raise _behind(route, error) from error

    async def _connect_bastion(self, route: Route) -> Connection | Failure:
        bastion = route.hops[-1]
        try:
            tunnel = await self._bastions.reach(route.before) if route.before.hops else None
            return await self._dial(bastion, tunnel)
        except Exception as error:  # noqa: BLE001 - the border: the failure is shared by the hosts behind
            return classify(error, key_known=bool(self._trusted(bastion)[1].keys))

    async def _dial(self, target: JumpTarget, tunnel: Connection | None) -> Connection:
        alias, known = self._trusted(target)
        common = self._options(target)
        options = connection_options.for_host(common, target, alias, known, PROFILES[target.profile])
        heard = LoginListener()
        options.protocol_factory = lambda: heard  # what the argument client_factory becomes
        try:
            connection = await dial(options, tunnel, self._abandon, self._config.connect_timeout_s)
        except asyncssh.DisconnectError as error:
            if failure := refusal.locked(heard.words):
                raise ServerRefused(failure) from error
            raise
        self.opened += 1
        connection.settle(common)
        return connection

    def _target(self, host: Host) -> JumpTarget:
        user = host.user or self._config.user
        family = "" if jump_of(host, self._config.jump) else host.family
        return JumpTarget(
            host.name, host.address, host.port, user, self._keyring.of(host), self._config.profile_of(host), family
        )

    def _route(self, host: Host) -> Route:
        """The bastions in front of a host; the inventory may name keys for those that it names itself."""
        named = host.jump_identity_files if host.jump else ()

        def identity_of(number: int, address: str) -> str:
            return self._keyring.of_bastion(address, named[number] if number < len(named) else "")

        route = Route.parse(jump_of(host, self._config.jump), self._config.user)
        return route.by_family(host.family if host.jump else "").with_identities(
            identity_of, self._config.profile_of_bastion
        )

    def _trusted(self, target: JumpTarget) -> tuple[str, KnownKeys]:
        """The name under which known_hosts knows the host (its address, else its inventory name), with its keys."""
        for name in (target.address, target.name):
            if known := self._known.of(name, target.port):
                return name, known
        return target.address, self._known.of(target.address, target.port)

    def _options(self, target: JumpTarget) -> asyncssh.SSHClientConnectionOptions:
        known = (target.user, target.identity, target.profile)
        if known not in self._base:
            offered = self._keyring.keys(target.identity)
            times = (self._config.connect_timeout_s, self._config.keepalive_interval_s)
            self._base[known] = connection_options.build(
                target.user, offered.keys, *times, agent=offered.agent, algorithms=PROFILES[target.profile]
            )
        return self._base[known]

    def _abandon(self, connection: Connection) -> None:
        """Ends a connection at once, without waiting for a peer that may never answer."""
        connection.abort()
        reaper = asyncio.create_task(self._reap(connection))
        self._reapers.add(reaper)
        reaper.add_done_callback(self._reapers.discard)

    async def _reap(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(REAP_AFTER_S):
                await connection.wait_closed()
        except TimeoutError:
            self.abandoned += 1

    async def close(self) -> None:
        """Ends every connection; takes at most as long as the reaper waits."""
        kept, self._kept = list(self._kept.values()), {}
        for connection in (*kept, *await self._bastions.drain()):
            self._abandon(connection)
        while self._reapers:
            await asyncio.wait(self._reapers)


async def _failing_as_values(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream, whose connection may end in the midst of it."""
    try:
        async for piece in stream:
            yield piece
    except (asyncssh.Error, OSError) as error:  # TimeoutError is an OSError
        raise StreamBroken(classify(error)) from None


def _behind(route: Route, error: asyncssh.ChannelOpenError) -> Exception:
    """A bastion that reports that the host did not answer has done its work; any other refusal is its own."""
    detail = classify(error).detail
    if error.code == asyncssh.OPEN_CONNECT_FAILED:
        number = errno.ECONNREFUSED if "refused" in detail else errno.EHOSTUNREACH
        return OSError(number, f"{route} could not reach it: {detail}")
    return Bastion(route, Failure(Reason.HOST_INCOMPLETE, detail))


def _known_hosts(config: SshConfig) -> KnownHosts:
    if config.known_hosts_file is None:
        return own_known_hosts(config.own_known_hosts)
    return read_known_hosts(config.known_hosts_file)
