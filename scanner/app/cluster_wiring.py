"""The cluster that the settings name, if they do."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from scanner.settings.problem import Problem, SettingsError

if TYPE_CHECKING:
    from scanner.cluster.cluster import Cluster, ClusterObserver
    from scanner.cluster.tls import Tls
    from scanner.hosts.ssh.config import SshConfig
    from scanner.settings.schema import Settings

LIBRARY = "distributed"


def cluster_of(
    settings: Settings,
    ssh: SshConfig | None,
    version: str,
    observer: ClusterObserver | None = None,
    *,
    is_own: bool = False,
) -> Cluster | None:
    """What reads hosts instead of this process; nothing of it is started before the first host is read.

    ``ssh`` is how hosts are reached from this machine. With a person's own keys (``is_own``) workers elsewhere, which
    have keys of their own, are not asked.

    Raises:
        SettingsError: dask is not installed, or a file for TLS cannot be used.
    """
    own = settings.cluster
    if own.scheduler is None or (own.is_remote and is_own) or (own.local and ssh is None):
        return None
    tls = tls_of(settings)
    from scanner.cluster import wire  # noqa: PLC0415 -- only who has a cluster waits for its libraries
    from scanner.cluster.cluster import Cluster, Patience  # noqa: PLC0415 -- the same
    from scanner.cluster.link import RemoteLink  # noqa: PLC0415 -- the same
    from scanner.cluster.local import LocalLink, LocalSetup, of_each  # noqa: PLC0415 -- the same
    from scanner.cluster.reading_setup import ReadingSetup  # noqa: PLC0415 -- the same

    patience = Patience(own.worker_wait, own.silent_after)
    exact = f"{version}+{wire.fingerprint()}"
    if own.local and ssh is not None:
        setup = ReadingSetup(ssh, local_bytes(settings), is_own)
        local = LocalSetup(own.local, exact, of_each(setup, own.local))
        return Cluster(LocalLink(local), exact, patience, observer)
    return Cluster(RemoteLink(own.scheduler, tls), exact, patience, observer, keys_are_here=False)


def tls_of(settings: Settings) -> Tls | None:
    """How the members of a cluster know each other; ``None`` where the settings name no certificates.

    Raises:
        SettingsError: dask is not installed, or a file cannot be used.
    """
    if importlib.util.find_spec(LIBRARY) is None:
        told = "needs dask: install archscan with its extra, archscan[cluster]"
        raise SettingsError([Problem("cluster.scheduler", 0, "", told)])
    from scanner.cluster.tls import Tls  # noqa: PLC0415 -- only who has a cluster waits for its libraries

    own = settings.cluster
    if own.ca_file is None or own.cert_file is None:
        return None
    tls = Tls(str(own.ca_file), str(own.cert_file), str(own.key_file or ""))
    if problem := tls.problem():
        raise SettingsError([Problem("cluster", 0, "", problem)])
    return tls


def local_bytes(settings: Settings) -> int:
    """Of an image of a host's own; 0 where none is looked into."""
    return settings.scan.max_local_bytes if settings.scan.local_images else 0
