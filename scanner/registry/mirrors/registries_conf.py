"""podman's registries.conf, version 2: which table a name falls under, where that table sends its pull.

containers-registries.conf(5). ``insecure`` means plain http here; the TLS without verification that podman would try
first is never spoken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.domain.failure import Failure
from scanner.domain.image import reference as references
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.registry.config import DOCKER_HUB
from scanner.registry.mirrors.mirrors import MAX_PULL_ENDPOINTS, PullEndpoint, flag, malformed, read_toml, upstream

if TYPE_CHECKING:
    from scanner.domain.image.reference import ImageReference

MAX_TABLES = 4096
"""``[[registry]]`` tables; a cluster's generated file has some hundreds."""

_NAME = "registries.conf"
_WHEN = {"": "all", "all": "all", "digest-only": "digest-only", "tag-only": "tag-only"}


@dataclass(frozen=True, slots=True)
class Mirror:
    """One ``[[registry.mirror]]``; ``when`` is ``all``, ``digest-only`` or ``tag-only``."""

    location: str
    insecure: bool = False
    when: str = "all"

    def serves(self, reference: ImageReference) -> bool:
        """Whether the mirror may be asked for this reference."""
        return self.when == "all" or (self.when == "digest-only") == (reference.digest is not None)


@dataclass(frozen=True, slots=True)
class Table:
    """One ``[[registry]]``; ``location`` is what replaces ``prefix``, empty where nothing does."""

    prefix: str
    location: str = ""
    insecure: bool = False
    blocked: bool = False
    mirrors: tuple[Mirror, ...] = ()

    def matched(self, name: str) -> int:
        """How many characters of a full reference the prefix stands for, 0 where it does not match."""
        if self.prefix.startswith("*."):
            host = name.partition("/")[0].partition(":")[0]
            ending = self.prefix[1:].partition("/")[0].partition(":")[0]
            start = len(host) - len(ending)
            if start <= 0 or not host.endswith(ending):
                return 0
            return start + _matched(name[start:], self.prefix[1:]) if _matched(name[start:], self.prefix[1:]) else 0
        return _matched(name, self.prefix)


@dataclass(frozen=True, slots=True)
class RegistriesConf:
    """The tables of one file."""

    tables: tuple[Table, ...] = ()

    def endpoints(self, reference: ImageReference) -> tuple[PullEndpoint, ...] | Failure:
        """The endpoints to try, in order; a ``Failure`` where the name is blocked."""
        name = str(reference)
        table = max(self.tables, key=lambda each: each.matched(name), default=None)
        if table is None or not (length := table.matched(name)):
            return (upstream(reference),)
        if table.blocked:
            return Failure(Reason.IMAGE_NOT_ALLOWED, f"{_NAME} blocks {table.prefix}")
        rest = name[length:]
        endpoints = [
            _pull_endpoint(m.location, rest, insecure=m.insecure) for m in table.mirrors if m.serves(reference)
        ]
        itself = table.location or name[:length]
        return (*endpoints, _pull_endpoint(itself, rest, insecure=table.insecure))


def parse(text: str) -> RegistriesConf | Failure:
    """Read the file; version 1 is refused, for it says nothing of mirrors and podman itself has dropped it."""
    document = read_toml(text, _NAME)
    if isinstance(document, Failure):
        return document
    if "registries" in document:
        return malformed(f"{_NAME} is of version 1")
    tables = document.get("registry", [])
    if not isinstance(tables, list) or len(tables) > MAX_TABLES:
        return malformed(f"{_NAME}: registry is no list of at most {MAX_TABLES} tables")
    try:
        return RegistriesConf(tuple(_table(table) for table in tables))
    except (TypeError, ValueError) as error:
        return malformed(f"{_NAME}: {error}")


def _matched(name: str, prefix: str) -> int:
    """A whole number of components: ``example.com/a`` fits ``example.com/a/b``, not ``example.com/ab``.

    A colon after a bare host begins a port, so that ``localhost`` does not stand for ``localhost:5000``.
    """
    if not name.startswith(prefix):
        return 0
    following = name[len(prefix) : len(prefix) + 1]
    ends = {"", "/", ":", "@"} if "/" in prefix else {"", "/"}
    return len(prefix) if following in ends else 0


def _pull_endpoint(location: str, rest: str, *, insecure: bool) -> PullEndpoint:
    """The reference that a location makes of the rest.

    It must still be at the location's own host: ``mirror.example`` for a whole repository leaves ``mirror.example:1``,
    which names an image on Docker Hub.
    """
    text = location + rest
    try:
        found = references.parse(text)
    except ValueError:
        found = None
    host, slash, _ = text.partition("/")
    if found is None or not slash or _one_hub(host) != found.registry:
        return PullEndpoint(
            "", "", failure=malformed(f"{_NAME} makes {printable(text, 120)!a}, which is no image there")
        )
    return PullEndpoint(found.registry, found.repository, insecure)


def _one_hub(host: str) -> str:
    return DOCKER_HUB if host == "index.docker.io" else host


def _table(table: Any) -> Table:
    if not isinstance(table, dict):
        raise TypeError("a registry is no table")
    location = _location(table, "location")
    prefix = _location(table, "prefix") or location
    if not prefix or location.startswith("*"):
        raise ValueError("a registry has neither prefix nor location, or a location with a wildcard")
    mirrors = table.get("mirror", [])
    if not isinstance(mirrors, list) or len(mirrors) >= MAX_PULL_ENDPOINTS:
        raise ValueError(f"mirror is no list of fewer than {MAX_PULL_ENDPOINTS} tables")
    by_digest = flag(table, "mirror-by-digest-only")
    found = tuple(_mirror(mirror, by_digest=by_digest) for mirror in mirrors)
    return Table(prefix, location, flag(table, "insecure"), flag(table, "blocked"), found)


def _mirror(mirror: Any, *, by_digest: bool) -> Mirror:
    if not isinstance(mirror, dict):
        raise TypeError("a mirror is no table")
    location = _location(mirror, "location")
    when = _WHEN.get(mirror.get("pull-from-mirror", ""))
    if not location or when is None:
        raise ValueError("a mirror has no location, or an unknown pull-from-mirror")
    return Mirror(location, flag(mirror, "insecure"), "digest-only" if by_digest else when)


def _location(table: dict[str, Any], name: str) -> str:
    value = table.get(name, "")
    if not isinstance(value, str) or "://" in value or len(value) > references.MAX_REFERENCE_CHARS:
        raise ValueError(f"{name} is no location (host[:port][/path], without a scheme)")
    return value.rstrip("/")
