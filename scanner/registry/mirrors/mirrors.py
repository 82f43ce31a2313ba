"""Where an engine's own configuration sends a pull: the endpoints to try, in order, before the registry itself.

Three dialects: Docker's ``registry-mirrors`` here, podman's ``registries.conf`` and containerd's ``hosts.toml`` in the
modules of their name. All are pure: texts in, endpoints out. A setting that would skip verification makes that endpoint a
``Failure``; it is never obeyed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scanner.domain.failure import Failure
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.formats.documents import toml
from scanner.formats.documents.toml import TomlError
from scanner.registry.config import DOCKER_HUB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.domain.image.reference import ImageReference
    from scanner.registry.config import RegistryConfig

MAX_PULL_ENDPOINTS = 16
"""PullEndpoints tried for one image; each costs a request when it is down."""

API_ROOT = "/v2"

HUB_HOSTS = frozenset({DOCKER_HUB, "registry-1.docker.io", "index.docker.io"})
"""Names of one registry: its credentials and token server are those of ``docker.io``."""

_URL = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>[0-9A-Za-z.\-]+|\[[0-9A-Fa-f:.]+\])(?P<port>:[0-9]{1,5})?(?P<path>(?:/[0-9A-Za-z._~\-]*)*)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class PullEndpoint:
    """One endpoint that may serve an image.

    ``host`` is ``host[:port]``, ``repository`` the name it has there, ``root`` the path of its API. ``namespace`` is
    the registry that the mirror is told to stand for (containerd's ``?ns=``), empty where it is not told.
    ``client_pairs`` are certificate with key, the key empty where both are in one file. ``failure`` says why it must
    not be tried.
    """

    host: str
    repository: str
    plain_http: bool = False
    root: str = API_ROOT
    namespace: str = ""
    ca_files: tuple[str, ...] = ()
    client_pairs: tuple[tuple[str, str], ...] = ()
    failure: Failure | None = None

    @property
    def path(self) -> str:
        """What a request's path begins with, before ``/manifests`` or ``/blobs``."""
        return f"{self.root}/{self.repository}"

    @property
    def name(self) -> str:
        """The name under which its configuration and its credentials are looked up."""
        return DOCKER_HUB if self.host in HUB_HOSTS else self.host

    def over(self, known: RegistryConfig) -> RegistryConfig:
        """How it is reached: as is ``known`` of its host, with what is said of the endpoint itself.

        Of several client certificates the first is shown: which one a server wants is only known once it asks.
        """
        certificate, key = self.client_pairs[0] if self.client_pairs else (known.cert_file, known.key_file)
        return replace(
            known,
            plain_http=known.plain_http or self.plain_http,
            ca_files=known.ca_files + self.ca_files,
            cert_file=certificate,
            key_file=key or None,
        )


@dataclass(frozen=True, slots=True)
class MirrorUrl:
    """The address of a mirror, checked: no user, no query, nothing that two parsers read differently."""

    host: str
    plain_http: bool = False
    path: str = ""


def upstream(reference: ImageReference) -> PullEndpoint:
    """The registry that the reference itself names."""
    return PullEndpoint(reference.registry, reference.repository)


def parse_url(text: str) -> MirrorUrl | None:
    """``[http[s]://]host[:port][/path]``; ``None`` where it is anything else."""
    match = _URL.fullmatch(text) if len(text) <= MAX_PULL_ENDPOINTS * 64 else None
    if match is None or int((match["port"] or ":1")[1:]) > 65535 or ".." in match["path"]:  # noqa: PLR2004 -- TCP
        return None
    return MirrorUrl(
        match["host"].lower() + (match["port"] or ""), match["scheme"] == "http", match["path"].rstrip("/")
    )


def read_toml(text: str, name: str) -> dict[str, Any] | Failure:
    """A bounded TOML document."""
    try:
        return toml.loads(text)
    except TomlError as error:
        return malformed(f"{name} {printable(str(error), 140)}")


def flag(table: dict[str, Any], name: str) -> bool:
    """What a table says with true or false; false where it says nothing.

    Raises:
        TypeError: it says something else.
    """
    value = table.get(name, False)
    if not isinstance(value, bool):
        raise TypeError(f"{name} is neither true nor false")
    return value


def malformed(detail: str) -> Failure:
    """A configuration that cannot be understood; what it would have forbidden is not known."""
    return Failure(Reason.IMAGE_NOT_ALLOWED, detail)


@dataclass(frozen=True, slots=True)
class DockerMirrors:
    """``registry-mirrors`` of dockerd's daemon.json, which are for Docker Hub alone."""

    mirrors: tuple[MirrorUrl, ...] = ()

    def endpoints(self, reference: ImageReference) -> tuple[PullEndpoint, ...]:
        """The endpoints to try, in order."""
        itself = upstream(reference)
        if reference.registry != DOCKER_HUB:
            return (itself,)
        return (
            *(PullEndpoint(mirror.host, reference.repository, mirror.plain_http) for mirror in self.mirrors),
            itself,
        )


def docker_mirrors(values: Sequence[object]) -> DockerMirrors | Failure:
    """Read the list as dockerd does: URLs with a scheme and without a path."""
    if len(values) >= MAX_PULL_ENDPOINTS:
        return malformed(f"registry-mirrors has {MAX_PULL_ENDPOINTS} entries or more")
    found = []
    for value in values:
        url = parse_url(value) if isinstance(value, str) and "://" in value else None
        if url is None or url.path:
            return malformed(f"registry-mirrors holds {printable(str(value), 80)!a}, which is no mirror's URL")
        found.append(url)
    return DockerMirrors(tuple(found))
