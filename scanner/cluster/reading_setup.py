"""The set-up by which a worker reads hosts: keys on its own disk, the limits of answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.binary.layers.archive import inspect_archive
from scanner.cluster.host_reading import WorkerReader
from scanner.domain.facts import HOSTS_SHARE
from scanner.formats.parsing.offload import Parsers
from scanner.hosts.answer_reading import AnswerReader
from scanner.hosts.login import ProbeLogin
from scanner.hosts.ssh.ssh_source import SshSource
from scanner.probe.answer import is_of_installed_probe
from scanner.probe.script import script
from scanner.scan.images.local_images import LocalImages

if TYPE_CHECKING:
    from scanner.hosts.ssh.config import SshConfig


@dataclass(frozen=True, slots=True)
class ReadingSetup:
    """How hosts are reached; ``max_local_bytes`` is of an image of a host's own, 0 where none is looked into.

    ``is_own`` tells that a person asks as their own ssh would, ``parsers`` is how many processes read answers
    (``None``: as many as there are processors, up to four).
    """

    ssh: SshConfig
    max_local_bytes: int = 0
    is_own: bool = False
    parsers: int | None = None

    def open(self) -> WorkerReader:
        """With the keys read.

        Raises:
            TrustError: a key file or known_hosts is missing, exposed or damaged.
        """
        source = SshSource.open(self.ssh, script(), self.max_local_bytes, is_of_installed_probe)
        images = LocalImages(source.export_image, inspect_archive) if self.max_local_bytes else None
        reader = AnswerReader(Parsers(self.parsers, HOSTS_SHARE), ProbeLogin(self.ssh.user, self.is_own, self.ssh.jump))
        return WorkerReader(source, reader, images)
