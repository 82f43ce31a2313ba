"""containerd's certs.d/<registry>/hosts.toml: the hosts that stand for a registry, each with what it may be asked.

https://github.com/containerd/containerd/blob/main/docs/hosts.md. ``skip_verify`` of an https host makes that host a
``Failure``: give its ``ca`` instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.domain.failure import Failure
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.registry.config import DOCKER_HUB
from scanner.registry.mirrors.mirrors import (
    API_ROOT,
    HUB_HOSTS,
    MAX_PULL_ENDPOINTS,
    PullEndpoint,
    flag,
    malformed,
    parse_url,
    read_toml,
    upstream,
)

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.domain.image.reference import ImageReference

_CAPABILITIES = frozenset({"pull", "resolve", "push"})


@dataclass(frozen=True, slots=True)
class MirrorHost:
    """One host of the file; ``resolves`` tells that it is trusted to turn a tag into a digest."""

    host: str
    plain_http: bool = False
    root: str = API_ROOT
    pulls: bool = True
    resolves: bool = True
    ca_files: tuple[str, ...] = ()
    client_pairs: tuple[tuple[str, str], ...] = ()
    skip_verify: bool = False

    def serves(self, reference: ImageReference) -> bool:
        """A tag needs a host that resolves, a digest proves itself."""
        return self.pulls and (self.resolves or reference.digest is not None)

    def pull_endpoint(self, reference: ImageReference) -> PullEndpoint:
        """This host, told which registry it stands for where it is another."""
        failure = None
        if self.skip_verify and not self.plain_http:
            failure = Failure(
                Reason.IMAGE_TLS_REJECTED, f"hosts.toml asks not to verify {self.host}; give its ca instead"
            )
        return PullEndpoint(
            host=self.host,
            repository=reference.repository,
            plain_http=self.plain_http,
            root=self.root,
            namespace="" if _is_itself(self.host, reference.registry) else reference.registry,
            ca_files=self.ca_files,
            client_pairs=self.client_pairs,
            failure=failure,
        )


@dataclass(frozen=True, slots=True)
class HostsToml:
    """The hosts of one file, in order; ``server`` is asked last, ``None`` means the registry itself."""

    hosts: tuple[MirrorHost, ...] = ()
    server: MirrorHost | None = None

    def endpoints(self, reference: ImageReference) -> tuple[PullEndpoint, ...]:
        """The endpoints to try, in order."""
        endpoints = [host.pull_endpoint(reference) for host in self.hosts if host.serves(reference)]
        if self.server is None:
            return (*endpoints, upstream(reference))
        return (*endpoints, self.server.pull_endpoint(reference)) if self.server.serves(reference) else tuple(endpoints)


def paths(root: Path, registry: str) -> tuple[Path, ...]:
    """Where containerd looks for the file of a registry, the first that exists counts."""
    host, colon, port = registry.rpartition(":")
    ported = (f"{host}_{port}_",) if colon and port.isdigit() else ()
    return tuple(root / name / "hosts.toml" for name in (*ported, registry, "_default"))


def parse(text: str, directory: Path) -> HostsToml | Failure:
    """Read the file; ``directory`` is where it lies, for the paths in it."""
    document = read_toml(text, "hosts.toml")
    if isinstance(document, Failure):
        return document
    tables = document.get("host", {})
    if not isinstance(tables, dict) or len(tables) >= MAX_PULL_ENDPOINTS:
        return malformed(f"hosts.toml: host is no table of fewer than {MAX_PULL_ENDPOINTS} hosts")
    try:
        hosts = tuple(_host(url, table, directory) for url, table in tables.items())
        server = document.get("server")
        return HostsToml(hosts, None if server is None else _host(server, document, directory))
    except (TypeError, ValueError) as error:
        return malformed(f"hosts.toml: {error}")


def _is_itself(host: str, registry: str) -> bool:
    return host == registry or (registry == DOCKER_HUB and host in HUB_HOSTS)


def _host(url: Any, table: Any, directory: Path) -> MirrorHost:
    parsed = parse_url(url) if isinstance(url, str) else None
    if parsed is None or not isinstance(table, dict):
        raise ValueError(f"{printable(str(url), 80)!a} is no host")
    capabilities = _capabilities(table.get("capabilities"))
    override = flag(table, "override_path")
    root = parsed.path if override or parsed.path.endswith(API_ROOT) else parsed.path + API_ROOT
    return MirrorHost(
        host=parsed.host,
        plain_http=parsed.plain_http,
        root=root,
        pulls="pull" in capabilities,
        resolves="resolve" in capabilities,
        ca_files=tuple(_absolute(path, directory) for path in _texts(table.get("ca"), "ca")),
        client_pairs=_pairs(table.get("client"), directory),
        skip_verify=flag(table, "skip_verify"),
    )


def _capabilities(value: Any) -> frozenset[str]:
    """None said means all, as in containerd."""
    found = frozenset(text.lower() for text in _texts(value, "capabilities"))
    if not found <= _CAPABILITIES:
        raise ValueError("capabilities are pull, resolve, push")
    return found or _CAPABILITIES


def _pairs(value: Any, directory: Path) -> tuple[tuple[str, str], ...]:
    """A path, paths, or pairs of certificate with key."""
    items = [value] if isinstance(value, str) else value or []
    if not isinstance(items, list):
        raise TypeError("client is neither a path nor a list")
    return tuple(_pair(item, directory) for item in items)


def _pair(item: Any, directory: Path) -> tuple[str, str]:
    match item:
        case str():
            return _absolute(item, directory), ""
        case [str(certificate), str(key)]:
            return _absolute(certificate, directory), _absolute(key, directory) if key else ""
    raise TypeError("client holds neither a path nor a pair of paths")


def _texts(value: Any, name: str) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value or []
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise TypeError(f"{name} is neither a text nor a list of texts")
    return tuple(items)


def _absolute(path: str, directory: Path) -> str:
    return str(directory / path)
