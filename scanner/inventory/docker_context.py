"""The contexts of a Docker command line that lead to engines over SSH."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from scanner.domain.host import Host
from scanner.domain.text import printable
from scanner.formats.files import is_folder
from scanner.inventory.error import InventoryError
from scanner.inventory.reading import snapshot as snapshots
from scanner.inventory.reading.inventory_file import parse_json
from scanner.inventory.reading.offload import INLINE, Offload
from scanner.inventory.record import DEFAULT_PORT, Defaults, HostRecords, Record, not_understood, with_aliases

if TYPE_CHECKING:
    from scanner.inventory.reading.snapshot import Snapshot

MAX_CONTEXTS = 10_000
"""Each is a folder of its own."""

MAX_SHOWN_CHARS = 120
"""Of an address in a message."""

_NO_SSH = frozenset({"fd", "http", "https", "npipe", "tcp", "unix"})
"""What else Docker's client is told of where an engine is."""


@dataclass(frozen=True, slots=True)
class DockerContextSource:
    """The contexts below ``path``, Docker's configuration folder, whose names fit ``contexts`` (``!`` leaves out)."""

    path: Path
    contexts: tuple[str, ...] = ("*",)
    defaults: Defaults = field(default_factory=Defaults)

    @property
    def is_ours(self) -> bool:
        """Its hosts are somebody's files."""
        return False

    def read(self, offload: Offload = INLINE) -> HostRecords:
        """One host for each context with an ``ssh://`` endpoint; other contexts are skipped.

        Raises:
            InventoryError: the folder of contexts cannot be read.
        """
        folder = self.path / "contexts" / "meta"
        try:
            files = sorted(entry / "meta.json" for entry in folder.iterdir() if is_folder(entry))
        except OSError as error:
            raise InventoryError([f"{folder}: cannot be read: {error.strerror}"]) from None
        if len(files) > MAX_CONTEXTS:
            raise InventoryError([f"{folder}: has more than {MAX_CONTEXTS} contexts"])
        return offload(str(self.path), read_contexts, snapshots.take(files), self.contexts)


def read_contexts(snapshot: Snapshot, wanted: tuple[str, ...]) -> HostRecords:
    """The contexts of one configuration folder."""
    records = [_record(file, snapshot) for file in (*snapshot.texts, *snapshot.problems)]
    chosen = [record for record in records if record.problem or _fits(record.name, wanted)]
    return HostRecords(with_aliases(sorted(chosen, key=lambda record: record.name)))


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    if any(fnmatch.fnmatchcase(name, pattern[1:]) for pattern in patterns if pattern.startswith("!")):
        return False
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns if not pattern.startswith("!"))


def _record(file: str, snapshot: Snapshot) -> Record:
    name = PurePosixPath(file).parent.name[:12]
    try:
        meta = parse_json(snapshot.text(file), file)
    except InventoryError as error:
        return Record(name, file, problem=error.problems[0])
    if not isinstance(meta, dict) or not isinstance(meta.get("Name"), str):
        return not_understood(name, file, "its context has no name")
    name, place = meta["Name"], f"{file}:1"
    endpoint = _endpoint(meta)
    if not isinstance(endpoint, str):
        return Record(name, place, skipped="it has no endpoint of Docker")
    scheme, separator, _ = endpoint.partition("://")
    if not endpoint or (separator and scheme.lower() in _NO_SSH):
        shown = printable(endpoint, MAX_SHOWN_CHARS) or "the socket of this machine"
        return Record(name, place, skipped=f"it is reached at {shown}, not by SSH")
    try:
        host, port, user = _login(endpoint)
    except ValueError:
        shown = printable(endpoint.rpartition("@")[2], MAX_SHOWN_CHARS)
        return not_understood(name, place, f"its endpoint {shown!r} is not ssh://[user@]host[:port]")
    return Record(name, place, host, port, user)


def _login(endpoint: str) -> tuple[str, int | None, str]:
    """Host, port, user of an endpoint, which Docker's client hands to ssh; its path is that of a socket there.

    Raises:
        ValueError: Docker refuses it, or it is no host that may be contacted.
    """
    parts = urlsplit(endpoint)
    host, port, user = parts.hostname, parts.port, unquote(parts.username or "")
    if parts.scheme != "ssh" or not host or parts.password is not None:
        raise ValueError("it is none of ssh, or carries a password")
    if parts.query or parts.fragment:
        raise ValueError("it is more than user, host, port, socket")
    Host("context", host, DEFAULT_PORT if port is None else port, user)
    return host, port, user


def _endpoint(meta: dict[str, Any]) -> object:
    endpoints = meta.get("Endpoints")
    docker = endpoints.get("docker") if isinstance(endpoints, dict) else None
    return docker.get("Host") if isinstance(docker, dict) else None
