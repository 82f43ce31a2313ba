"""From settings to what each adapter needs to know."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING, assert_never

from scanner import inventory
from scanner.domain.host import unbracketed
from scanner.formats import files
from scanner.hosts.ssh.algorithms import Profile
from scanner.hosts.ssh.config import HostIdentity, SshConfig
from scanner.inventory.reading import http_fetch
from scanner.inventory.reading.http_fetch import Login
from scanner.registry.auth.credentials import ConfiguredCredential, Credentials, CredentialSources
from scanner.registry.config import ClientConfig, RegistryConfig
from scanner.settings import schema, sources
from scanner.settings.problem import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from pydantic import SecretStr

    from scanner.domain.plan import Plan
    from scanner.settings.fields import PlannedImage

IDENTITY_TOKEN_USER = "<token>"  # noqa: S105 -- the name that Docker's own files give to such credentials
"""With this user name a secret is an identity token (docker/cli config)."""

HELPERS_NEED = ("PATH", "HOME")
"""Where a credential helper is found, where it finds its own files; nothing that is itself a login."""


# ---------------------------------------------------------------- hosts


def hosts(settings: schema.Settings) -> inventory.Inventory:
    """The inventory, all sources laid over each other; blocks while they are read.

    Raises:
        SettingsError: a source cannot be read, or hosts in the settings themselves contradict each other.
    """
    try:
        return inventory.gather(_source(source, place) for place, source in enumerate(settings.inventory))
    except inventory.InventoryError as error:
        raise SettingsError(Problem("inventory", 0, "", text) for text in error.problems) from None


def _source(source: sources.InventorySource, place: int) -> inventory.InventorySource:
    where = f"inventory[{place}]"
    match source:
        case sources.StaticSource():
            named = {name: _static(host) for name, host in source.hosts.items()}
            return inventory.StaticSource(named, _defaults(source.defaults), where)
        case sources.PushedSource():
            return inventory.StaticSource({name: _pushed(h) for name, h in source.hosts.items()}, place=where)
        case sources.LocalSource():
            return inventory.LocalSource(source.name, source.labels, _planned(source.planned), place=where)
        case sources.AnsibleSource():
            return inventory.AnsibleSource(
                source.path,
                source.group,
                source.timeout,
                _defaults(source.defaults),
                via=source.via,
                vault_password_file=source.vault_password_file,
                encrypted_files=source.encrypted_files,
            )
        case sources.SshConfigSource():
            return inventory.SshConfigSource(source.path, source.hosts, _defaults(source.defaults))
        case sources.DockerContextSource():
            return inventory.DockerContextSource(source.path, source.contexts, _defaults(source.defaults))
        case sources.FileSdSource():
            return inventory.FileSdSource(source.files, source.target_port, _defaults(source.defaults))
        case sources.HttpSdSource():
            return inventory.HttpSdSource(source.url, _fetch(source), source.target_port, _defaults(source.defaults))
        case _:
            assert_never(source)


def _fetch(source: sources.HttpSdSource) -> Callable[[str], bytes]:
    """How that endpoint is asked; its secrets are read anew each time, so that they may be renewed."""

    def fetch(url: str) -> bytes:
        login = None
        if source.username:
            login = Login(source.username, _secret(source.password, source.password_file))
        token = _secret(source.token, source.token_file) if source.token or source.token_file else ""
        return http_fetch.fetch(url, login=login, token=token, ca_file=source.ca_file, timeout_s=source.timeout)

    return fetch


def _secret(value: SecretStr | None, file: Path | None) -> str:
    if value is not None:
        return value.get_secret_value()
    if file is None:
        return ""
    return files.read_secret(file).strip()


def _static(host: sources.StaticHost) -> inventory.StaticHost:
    return inventory.StaticHost(
        unbracketed(host.address),
        host.port,
        host.user,
        host.labels,
        _planned(host.planned),
        host.jump,
        local=host.local,
    )


def _pushed(host: sources.PushedHost) -> inventory.StaticHost:
    return inventory.StaticHost(labels=host.labels, planned=_planned(host.planned), pushed=True)


def _defaults(defaults: sources.HostDefaults) -> inventory.Defaults:
    port = defaults.port if "port" in defaults.model_fields_set else None
    return inventory.Defaults(port, defaults.user, defaults.labels, _planned(defaults.planned), defaults.jump)


def _planned(images: Iterable[PlannedImage]) -> tuple[Plan, ...]:
    return tuple(
        inventory.plan(image.image, image.workload, image.platform or "", image.engine or "") for image in images
    )


def ssh(settings: schema.Settings) -> SshConfig | None:
    """How hosts are reached; ``None`` where no key is configured, so that only this machine can be read."""
    own = settings.ssh
    if (own.identity_file is None and not own.identities) or own.known_hosts_file is None:
        return None
    return SshConfig(
        identity_file=own.identity_file,
        known_hosts_file=own.known_hosts_file,
        certificate_file=own.certificate_file,
        passphrase_file=own.passphrase_file,
        user=own.user,
        jump=own.jump,
        algorithms={match: Profile(name) for match, name in own.algorithms.items()},
        connect_timeout_s=own.connect_timeout,
        probe_timeout_s=own.probe_timeout,
        concurrency=own.concurrency,
        keep_connections=own.keep_connections,
        keepalive_interval_s=own.keepalive_interval,
        max_output_bytes=own.max_output,
        identities=tuple(
            HostIdentity(one.match, one.identity_file, one.certificate_file, one.passphrase_file, one.agent)
            for one in own.identities
        ),
    )


# ---------------------------------------------------------------- registries


def client(settings: schema.Settings, version: str) -> ClientConfig:
    """How registries are asked."""
    own, unlisted = settings.registries, schema.Registry()
    return ClientConfig(
        registries={name: _registry(name, registry) for name, registry in own.listed.items()},
        only_listed=own.only_listed,
        timeout_s=own.timeout,
        cache_age_s=own.cache_age,
        concurrency=unlisted.concurrency,
        rate_per_s=unlisted.rate,
        burst=unlisted.burst,
        user_agent=f"archscan/{version}",
        registries_conf=own.registries_conf,
        certs_d=own.certs_d,
        docker_mirrors=own.docker_mirrors,
    )


def _registry(name: str, registry: schema.Registry) -> RegistryConfig:
    return RegistryConfig(
        name=name,
        plain_http=registry.plain_http,
        ca_file=_text(registry.ca_file),
        cert_file=_text(registry.cert_file),
        key_file=_text(registry.key_file),
        proxy=registry.proxy.get_secret_value() if registry.proxy else None,
        mirror=registry.mirror,
        auth_hosts=registry.auth_hosts,
        redirect_hosts=registry.redirect_hosts,
        concurrency=registry.concurrency,
        rate_per_s=registry.rate,
        burst=registry.burst,
        stop_below=registry.stop_below,
        early_stop=None if registry.early_stop == "auto" else registry.early_stop,
        allow_networks=tuple(map(ipaddress.ip_network, registry.allow_networks)),
    )


def _text(path: object | None) -> str | None:
    return None if path is None else str(path)


def credentials(
    settings: schema.Settings, ambient: CredentialSources | None = None, environ: Mapping[str, str] = os.environ
) -> Credentials:
    """What to log in to registries with: what is configured, then what ``ambient`` sources of the user know.

    Of ``environ`` only what credential helpers need is used, where a file is configured that may name some.
    """
    own = settings.registries
    configured = {name: found for name, registry in own.listed.items() if (found := tuple(_logins(registry)))}
    named = own.docker_config or own.podman_auth
    helpers = {name: environ[name] for name in HELPERS_NEED if name in environ} if named else {}
    ambient = ambient or CredentialSources(environment=helpers)
    return Credentials(
        CredentialSources(
            configured=configured,
            environment=ambient.environment,
            docker_config=own.docker_config or ambient.docker_config,
            podman_auth=own.podman_auth or ambient.podman_auth,
        )
    )


def _logins(registry: schema.Registry) -> Iterable[ConfiguredCredential]:
    if registry.token or registry.token_file:
        secret = registry.token.get_secret_value() if registry.token else ""
        yield ConfiguredCredential(IDENTITY_TOKEN_USER, secret, registry.token_file)
    if registry.username:
        secret = registry.password.get_secret_value() if registry.password else ""
        yield ConfiguredCredential(registry.username, secret, registry.password_file)
