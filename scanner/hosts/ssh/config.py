"""The settings of the SSH adapter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.domain.host import Host
from scanner.domain.host_pattern import fits
from scanner.hosts.ssh.algorithms import Profile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class HostIdentity:
    """The key, or the agent, for the hosts that ``match`` means; its certificate, its passphrase."""

    match: str
    identity_file: Path | None = None
    certificate_file: Path | None = None
    passphrase_file: Path | None = None
    agent: Path | None = None


@dataclass(frozen=True, slots=True)
class SshConfig:
    """Keys, times in seconds, limits in bytes.

    ``user`` logs in where the host names none. ``jump`` maps glob patterns of host names to ``[user@]host[:port]``; the
    first that fits wins, a host's own jump before it. ``certificate_file`` left out means the key's neighbour
    ``<identity>-cert.pub``, where there is one. ``own_keys`` and ``own_known_hosts`` stand for them where a person asks
    with what is theirs: of these files whatever can be used is used. ``agent`` is the socket of an SSH agent.
    ``command`` is what is run on a host, where its authorized_keys force nothing else: any login shell understands
    ``sh -s``, which takes the script over standard input.
    ``identities`` are for some hosts alone: the first that fits wins over a key that the inventory names, which wins over
    ``identity_file``. ``algorithms`` name those of hosts that know nothing better, by what ``match`` means.
    """

    identity_file: Path | None
    known_hosts_file: Path | None
    certificate_file: Path | None = None
    passphrase_file: Path | None = None
    user: str = "archscan"
    jump: Mapping[str, str] = field(default_factory=dict)
    connect_timeout_s: float = 10.0
    probe_timeout_s: float = 20.0
    concurrency: int = 200
    keep_connections: bool = True
    keepalive_interval_s: float = 60.0
    max_output_bytes: int = 4 << 20
    own_keys: tuple[Path, ...] = ()
    own_known_hosts: tuple[Path, ...] = ()
    agent: str | None = None
    identities: tuple[HostIdentity, ...] = ()
    command: str = "sh -s"
    algorithms: Mapping[str, Profile] = field(default_factory=dict)

    def profile_of(self, host: Host) -> Profile:
        """Which algorithms are spoken with a host: those of the first pattern that fits it."""
        return next((profile for match, profile in self.algorithms.items() if fits(host, match)), Profile.STRICT)

    def profile_of_bastion(self, address: str) -> Profile:
        """The same of a bastion, which has no labels."""
        return self.profile_of(Host(address, address))
