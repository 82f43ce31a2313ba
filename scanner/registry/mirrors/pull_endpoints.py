"""Where one image may be asked for, in order, by every configuration of mirrors together."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from scanner.domain.failure import Failure
from scanner.formats import files
from scanner.formats.documents import toml
from scanner.formats.files import FileError, is_there
from scanner.registry.mirrors import hosts_toml, registries_conf
from scanner.registry.mirrors.mirrors import (
    DockerMirrors,
    PullEndpoint,
    docker_mirrors,
    upstream,
)
from scanner.registry.mirrors.registries_conf import RegistriesConf

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scanner.domain.image.reference import ImageReference
    from scanner.registry.config import ClientConfig
    from scanner.registry.mirrors.hosts_toml import HostsToml

MAX_CONFIGURATION_BYTES = 4 * toml.MAX_CHARS
"""The longest text of the permitted length in UTF-8."""

MAX_DIRECTORIES = 4096
"""Registries of one certs.d tree; real ones have a handful."""

_T = TypeVar("_T")


class MirrorsError(ValueError):
    """A file of mirrors that cannot be used; the text names it."""


class PullEndpoints:
    """Reads the files of mirrors once, then answers from memory.

    The first configuration that sends an image elsewhere than to its registry decides: the registry's own ``mirror``,
    hosts.toml, registries.conf, Docker's list. What registries.conf blocks is blocked whatever the others say.

    Raises:
        MirrorsError: a file cannot be read or understood; what it would have forbidden is not known.
    """

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self._podman = _podman(config.registries_conf)
        self._docker: DockerMirrors = _sound(docker_mirrors(config.docker_mirrors), "docker_mirrors")
        self._containerd_root = config.certs_d
        self._containerd = _containerd(config.certs_d)

    @property
    def client_certificates(self) -> dict[str, str]:
        """The file of the certificate that is shown to each host, by the host's name."""
        files = self._containerd.values()
        hosts = [host for file in files for host in (*file.hosts, file.server) if host and host.client_pairs]
        listed = self._config.registries.items()
        return {host.host: host.client_pairs[0][0] for host in hosts} | {
            name: registry.cert_file for name, registry in listed if registry.cert_file
        }

    def of(self, reference: ImageReference) -> tuple[PullEndpoint, ...] | Failure:
        """The endpoints to try, in order; a ``Failure`` where none may be asked."""
        podman = self._podman.endpoints(reference)
        if isinstance(podman, Failure):
            return podman
        plain = (upstream(reference),)
        all_found = (self._own(reference), self._hosts(reference), podman, self._docker.endpoints(reference))
        return next((found for found in all_found if found != plain), plain)

    def _own(self, reference: ImageReference) -> tuple[PullEndpoint, ...]:
        names = self._config.registry(reference.registry).mirror
        mirrors = (PullEndpoint(name, reference.repository, namespace=reference.registry) for name in names)
        return (*mirrors, upstream(reference))

    def _hosts(self, reference: ImageReference) -> tuple[PullEndpoint, ...]:
        if self._containerd_root is None:
            return (upstream(reference),)
        for path in hosts_toml.paths(self._containerd_root, reference.registry):
            if path in self._containerd:
                return self._containerd[path].endpoints(reference)
        return (upstream(reference),)


def _podman(path: Path | None) -> RegistriesConf:
    return RegistriesConf() if path is None else _sound(registries_conf.parse(_text(path)), str(path))


def _containerd(root: Path | None) -> Mapping[Path, HostsToml]:
    """Every hosts.toml of the tree, so that a broken one is known before its registry is needed."""
    if root is None:
        return {}
    try:
        folders = sorted(root.iterdir())
    except OSError as error:
        raise MirrorsError(f"{root}: {error.strerror}") from None
    if len(folders) > MAX_DIRECTORIES:
        raise MirrorsError(f"{root} has more than {MAX_DIRECTORIES} entries")
    files = [path for folder in folders if is_there(path := folder / "hosts.toml")]
    return {path: _sound(hosts_toml.parse(_text(path), path.parent), str(path)) for path in files}


def _text(path: Path) -> str:
    try:
        return files.read_text(path, MAX_CONFIGURATION_BYTES)
    except FileError as error:
        raise MirrorsError(str(error)) from None


def _sound(found: _T | Failure, where: str) -> _T:
    if isinstance(found, Failure):
        raise MirrorsError(f"{where}: {found.detail}")
    return found
