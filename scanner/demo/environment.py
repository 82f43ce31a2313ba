"""The demonstration as a whole: registry, hosts, the settings that reach them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from scanner.demo.fleet import fleet, stock
from scanner.demo.images import Shelf
from scanner.demo.registry import DemoRegistry
from scanner.domain.host import Host
from scanner.hosts.ssh.recorded import RecordedHosts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@asynccontextmanager
async def environment(folder: Path) -> AsyncIterator[tuple[dict[str, Any], tuple[Host, ...]]]:
    """The settings as a document, and the inventory; keys are made in ``folder``."""
    shelf = Shelf()
    stock(shelf)
    with DemoRegistry(shelf) as registry:
        made = fleet(shelf, registry.name)
        async with RecordedHosts(made.answers, folder) as hosts:
            account = hosts.account
            document = {
                "ssh": {
                    "user": account.user,
                    "identity_file": str(account.identity_file),
                    "known_hosts_file": str(account.known_hosts_file),
                },
                "registries": {registry.name: {"plain_http": True}},
                "scan": {"interval": "30s", "jitter": "0s", "deadline": "20s"},
            }
            yield (
                document,
                tuple(
                    Host(name, "127.0.0.1", port, account.user, made.labels[name], made.planned[name])
                    for name, port in hosts.ports.items()
                ),
            )
