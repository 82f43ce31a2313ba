"""Wires one of several instances: its name, whom it trusts, what it does when it is its turn to lead."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from scanner.client.forwarding import Forwarder
from scanner.formats import certificates
from scanner.formats.files import FileError
from scanner.service.leadership import Leadership
from scanner.settings.problem import Problem, SettingsError
from scanner.store.lease import Instance
from scanner.store.notify import Notices

if TYPE_CHECKING:
    import ssl

    from scanner.app.trail_wiring import RunningTrail
    from scanner.metrics.metrics import Metrics
    from scanner.service.service import Service
    from scanner.settings.schema import Settings
    from scanner.store.store import Store


def instance_of(settings: Settings) -> Instance:
    """This process, as the others see it."""
    own = settings.replicas
    return Instance(f"{socket.gethostname()}:{os.getpid()}", own.advertise or "", own.lease)


class Replica:
    """This process among the instances of its store."""

    def __init__(self, settings: Settings, store: Store, url: str, metrics: Metrics) -> None:
        own = settings.replicas
        self._ca_file = own.ca_file
        self._forwarder = Forwarder(self._trust)
        self._notices = Notices(url)
        self.leadership = Leadership(store, own.lease, own.members, self._forwarder, metrics.leads)

    async def run(self, service: Service, trail: RunningTrail | None) -> None:
        """Follow, then lead; never returns.

        Raises:
            StoreError: it led, and does no longer.
        """

        async def lead() -> None:
            if trail is not None:
                await trail.open()
                await trail.begin()
            await service.lead()

        await self.leadership.run(self._notices.wait, service.refresh, lead)

    async def close(self) -> None:
        """Close its connections."""
        await self._notices.close()
        await self._forwarder.close()

    def _trust(self) -> ssl.SSLContext:
        return certificates.verifying(self._ca_file)


def check_replicas(settings: Settings) -> None:
    """What serve would find wrong with the section later.

    Raises:
        SettingsError: the certificates cannot be used.
    """
    if settings.replicas.ca_file is not None:
        try:
            certificates.verifying(settings.replicas.ca_file)
        except FileError as error:
            raise SettingsError([Problem("replicas.ca_file", 0, "", f"cannot be used: {error}")]) from None
