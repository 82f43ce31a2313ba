"""Whether a command has its hosts asked by a process beside it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from scanner.app import wiring
from scanner.hosts.source import SourceKind, kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.domain.host import Host
    from scanner.hosts.ssh.config import SshConfig
    from scanner.hosts.ssh.fetcher import Fetcher
    from scanner.settings.schema import Settings

WORTH = 50
"""Hosts over SSH; of fewer this process has read all before another has imported what it needs for that."""


def fetcher_for(settings: Settings, own: SshConfig | None, hosts: Sequence[Host]) -> Fetcher | None:
    """A process that asks these hosts, where there are many, a processor for it, nobody else who does and no images to be fetched.

    Nor where a library is loaded into this one before all others (``proxychains``, ``torsocks``): what such a one does to connections
    is told by variables of its own.
    """
    if "LD_PRELOAD" in os.environ:
        return None
    if len(os.sched_getaffinity(0)) == 1 or sum(kind_of(host) is SourceKind.SSH for host in hosts) < WORTH:
        return None
    config = own or wiring.ssh(settings)
    if config is None or settings.scan.local_images or settings.cluster.scheduler is not None:
        return None
    from scanner.hosts.ssh.fetcher import Fetcher  # noqa: PLC0415 -- for nothing where hosts are few

    try:
        return Fetcher(config)
    except OSError:  # no descriptor or process is left: this process does without
        return None
