"""How each registry is reached, as the composition root says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Network, IPv6Network
    from pathlib import Path

DOCKER_HUB = "docker.io"
"""The name that references use for Docker Hub; its API answers elsewhere."""

_API_HOSTS: Mapping[str, str] = MappingProxyType({DOCKER_HUB: "registry-1.docker.io"})

_AUTH_HOSTS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    DOCKER_HUB: ("auth.docker.io",),
    "docker.elastic.co": ("docker-auth.elastic.co:443",),
    "lscr.io": ("ghcr.io:443",),
    "registry-1.docker.io": ("auth.docker.io:443",),
    "registry.digitalocean.com": ("api.digitalocean.com:443",),
    "registry.gitlab.com": ("gitlab.com:443",),
})  # fmt: skip
"""Token servers of the big public registries whose realm is on another host than their own, for each exactly these.

Each is the realm of the registry's own ``WWW-Authenticate`` (distribution-spec, token authentication): auth.docker.io/token
(docs.docker.com/reference/api/registry/auth), docker-auth.elastic.co/auth, ghcr.io/token for lscr.io, which only stands
in front of it (github.com/getwud/wud/issues/143), gitlab.com/jwt/auth (docs.gitlab.com, container registry
authentication), api.digitalocean.com/v2/registry/auth. Those that answer for themselves need no entry: cgr.dev,
codeberg.org, container-registry.oracle.com, gcr.io with *.pkg.dev, ghcr.io, mcr.microsoft.com with *.azurecr.io, nvcr.io,
public.ecr.aws, quay.io, registry.access.redhat.com, registry.suse.com; registry.k8s.io asks for no token.
"""

_REDIRECT_HOSTS: Mapping[str, tuple[str, ...]] = MappingProxyType({"registry.k8s.io": ("*.pkg.dev",)})
"""Where registries that are themselves only redirectors send the reader of a manifest."""


@dataclass(frozen=True, slots=True)
class RegistryConfig:
    """One registry (or mirror) by the name that references use for it, ``host[:port]``.

    ``plain_http`` is the only way to plain http. ``allow_networks`` lets the name resolve to addresses that are not
    public, or only to those of some networks. ``auth_hosts`` are the hosts besides the registry's own that may be its
    token server. ``redirect_hosts`` are the hosts besides the registry's own to which it may redirect a manifest or,
    where they are private, a blob (``*.example`` stands for every name below ``example``). ``mirror`` are those asked
    first, in order. ``ca_files`` are authorities beside ``ca_file``. ``concurrency``, ``rate_per_s`` and ``burst``
    bound the requests to it, ``None`` as for every registry. ``stop_below`` keeps that much of its announced rate limit for
    everybody else, half of it where it is ``None``. ``early_stop`` tells whether what it serves
    may be believed before a digest could be checked, ``None`` where TLS is to decide.
    """

    name: str
    plain_http: bool = False
    ca_file: str | None = None
    ca_files: tuple[str, ...] = ()
    cert_file: str | None = None
    key_file: str | None = None
    proxy: str | None = None
    mirror: tuple[str, ...] = ()
    auth_hosts: tuple[str, ...] = ()
    redirect_hosts: tuple[str, ...] = ()
    concurrency: int | None = None
    rate_per_s: float | None = None
    burst: int | None = None
    stop_below: int | None = None
    early_stop: bool | None = None
    allow_networks: bool | tuple[IPv4Network | IPv6Network, ...] = False

    @property
    def host(self) -> str:
        """``host[:port]`` of the registry's API."""
        return _API_HOSTS.get(self.name, self.name)

    @property
    def scheme(self) -> str:
        """``http`` only where it is configured."""
        return "http" if self.plain_http else "https"

    @property
    def base_url(self) -> str:
        """Scheme and host of the API, without a slash at its end."""
        return f"{self.scheme}://{self.host}"

    @property
    def authorities(self) -> tuple[str, ...]:
        """The files of all authorities that are believed beside the system's."""
        return (*((self.ca_file,) if self.ca_file else ()), *self.ca_files)

    @property
    def known_auth_hosts(self) -> tuple[str, ...]:
        """The configured token hosts, then the ones that everybody knows."""
        return self.auth_hosts + _AUTH_HOSTS.get(self.name, ())

    @property
    def known_redirect_hosts(self) -> tuple[str, ...]:
        """The configured redirect hosts, then the ones that everybody knows."""
        return self.redirect_hosts + _REDIRECT_HOSTS.get(self.name, ())


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """How the client behaves; durations are seconds, ages too.

    ``registries`` maps a registry's name to its configuration; with ``only_listed`` no other is contacted.
    ``cache_age_s`` is how long an answer about a tag stays true, ``failure_max_age_s`` how long a refusal does.
    ``rate_per_s`` with ``burst`` bounds requests to one registry, ``concurrency`` those in flight. ``layer_deadline_s``
    bounds the time spent waiting for the bytes of one layer.

    ``registries_conf`` (podman's file), ``certs_d`` (containerd's tree of hosts.toml) and ``docker_mirrors`` (Docker's
    list) say where the engines' own pulls go; all are read once, when the client is made.
    """

    registries: Mapping[str, RegistryConfig] = field(default_factory=dict)
    only_listed: bool = False
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 10.0
    timeout_s: float = 20.0
    layer_deadline_s: float = 120.0
    concurrency: int = 10
    rate_per_s: float = 200.0
    burst: int = 200
    cache_age_s: float = 60.0
    failure_max_age_s: float = 15.0
    registries_conf: Path | None = None
    certs_d: Path | None = None
    docker_mirrors: tuple[str, ...] = ()
    user_agent: str = "archscan"

    def registry(self, name: str) -> RegistryConfig:
        """The configuration of a registry, the plain one where it is not listed."""
        return self.registries.get(name) or RegistryConfig(name)
