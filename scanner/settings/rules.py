"""Rules that must hold between settings, beyond each one's own range."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scanner.domain.host import LOGIN, Host, unbracketed
from scanner.settings import cluster_section, waivers_section
from scanner.settings.sources import HttpSdSource, LocalSource, PushedSource, StaticSource
from scanner.settings.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

    from scanner.settings.schema import Registry, Settings
    from scanner.settings.yaml_source import Place

SSH_PORT = 22

SAME_HOLDER = "is the token of {first} too: a token has one holder, whose scopes stand in one place"

Broken = tuple["Place", str]
"""A place in the file, then what is wrong there."""

_JUMP = re.compile(
    rf"(?:(?P<user>{LOGIN.pattern})@)?"
    r"(?P<host>[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[1-9]\d{0,4}))?",
    re.ASCII,
)
_REGISTRY = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]+\])(?::[1-9]\d{0,4})?", re.ASCII)
HUB_ALIASES = frozenset({"index.docker.io", "registry-1.docker.io", "hub.docker.com", "docker.com"})
"""Other names of Docker Hub's, its pages among them: what is set under them would hold for no image."""

HUB_PAGES = frozenset({"hub.docker.com", "docker.com"})
"""What people see in their browser; no registry answers there."""

_MIRROR_URL = re.compile(rf"https?://{_REGISTRY.pattern}/?", re.ASCII)


def broken(settings: Settings, *, need_hosts: bool) -> Iterator[Broken]:
    """Every rule that the settings break."""
    yield from _hosts(settings, need_hosts=need_hosts)
    yield from _identities(settings)
    yield from _jumps(settings)
    yield from _loops(settings)
    yield from _times(settings)
    yield from _registries(settings)
    yield from _secrets(settings)
    yield from _owners(settings)
    yield from _push(settings)
    yield from _tokens(settings)
    for index, waiver in enumerate(settings.waivers):
        for place, why in waivers_section.broken(waiver):
            yield ("waivers", index, *place), why
    for place, why in cluster_section.broken(settings.cluster):
        yield ("cluster", *place), why


def _hosts(settings: Settings, *, need_hosts: bool) -> Iterator[Broken]:
    if need_hosts and not settings.inventory:
        yield ("inventory",), "is required: name at least one source of hosts"
    for index, source in enumerate(settings.inventory):
        for place, host in _written(source, ("inventory", index)):
            yield from _host(place, host)
    if any(_needs_ssh(source) for source in settings.inventory) and not settings.cluster.is_remote:
        for name in ("identity_file", "known_hosts_file"):
            if getattr(settings.ssh, name) is None and not (name == "identity_file" and settings.ssh.identities):
                yield ("ssh", name), "is required: the inventory has hosts that are read by SSH"


@dataclass(frozen=True, slots=True)
class _Written:
    """A host as written in the file, with the source's defaults; ``name`` may stand where no name may."""

    name: str
    address: str = ""
    port: int = 22
    user: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    local: bool = False
    pushed: bool = False


def _written(source: object, place: Place) -> Iterator[tuple[Place, _Written]]:
    if isinstance(source, StaticSource):
        base = source.defaults
        for name, host in source.hosts.items():
            port, user = host.port or base.port, host.user or base.user
            labels = {**base.labels, **host.labels}
            yield (
                (*place, "hosts", name),
                _Written(name, unbracketed(host.address) or name, port, user, labels, host.local),
            )
    elif isinstance(source, PushedSource):
        for name, pushed in source.hosts.items():
            yield (*place, "hosts", name), _Written(name, labels=pushed.labels, pushed=True)
    elif isinstance(source, LocalSource):
        yield (*place, "name"), _Written(source.name, labels=source.labels, local=True)


def _host(place: Place, written: _Written) -> Iterator[Broken]:
    try:
        Host(
            written.name,
            written.address,
            written.port,
            written.user,
            written.labels,
            local=written.local,
            pushed=written.pushed,
        )
    except ValueError as error:
        yield place, str(error)


def _needs_ssh(source: object) -> bool:
    if isinstance(source, StaticSource):
        return not all(host.local for host in source.hosts.values())
    return not isinstance(source, LocalSource | PushedSource)


def _identities(settings: Settings) -> Iterator[Broken]:
    for index, one in enumerate(settings.ssh.identities):
        place: Place = ("ssh", "identities", index)
        if (one.identity_file is None) == (one.agent is None):
            yield place, "needs either identity_file or agent"
        elif one.agent and (one.certificate_file or one.passphrase_file):
            yield place, "an agent has the certificates and passphrases of its keys itself"


def _jumps(settings: Settings) -> Iterator[Broken]:
    wanted = "must be a bastion such as bastion.example or user@bastion.example:2222"
    for pattern, jump in settings.ssh.jump.items():
        if not _JUMP.fullmatch(jump):
            yield ("ssh", "jump", pattern), wanted
    for index, source in enumerate(settings.inventory):
        defaults = getattr(source, "defaults", None)
        if defaults and defaults.jump and not _JUMP.fullmatch(defaults.jump):
            yield ("inventory", index, "defaults", "jump"), wanted
        if isinstance(source, StaticSource):
            for name, host in source.hosts.items():
                if host.jump and not _JUMP.fullmatch(host.jump):
                    yield ("inventory", index, "hosts", name, "jump"), wanted


def _loops(settings: Settings) -> Iterator[Broken]:
    """A login that would be its own bastion; OpenSSH refuses that too ("jumphost loop"), and no other account's."""
    for index, source in enumerate(settings.inventory):
        if not isinstance(source, StaticSource):
            continue
        for name, host in source.hosts.items():
            by_pattern = next((jump for glob, jump in settings.ssh.jump.items() if fnmatchcase(name, glob)), "")
            found = _JUMP.fullmatch(host.jump or source.defaults.jump or by_pattern)
            if found is None or host.local:
                continue
            user = host.user or source.defaults.user or settings.ssh.user
            here = (user, unbracketed(host.address) or name, host.port or source.defaults.port)
            before = (found["user"] or settings.ssh.user, unbracketed(found["host"]), int(found["port"] or SSH_PORT))
            if before == here:
                own: Place = ("jump",) if host.jump else ()
                yield ("inventory", index, "hosts", name, *own), "is its own bastion: write jump: none for it"


def _tokens(settings: Settings) -> Iterator[Broken]:
    """The log and the trail know holders by their names, and a token by its first holder."""
    names: dict[str, int] = {}
    digests: dict[str, int] = {}
    for index, token in enumerate(settings.web.tokens):
        place: Place = ("web", "tokens", index)
        if (first := names.setdefault(token.name, index)) != index:
            yield (
                (*place, "name"),
                f"is the name of web.tokens[{first}] too: the log and the trail could not tell them apart",
            )
        if token.token_sha256 and (first := digests.setdefault(token.token_sha256, index)) != index:
            yield (*place, "token_sha256"), SAME_HOLDER.format(first=f"web.tokens[{first}]")


def _times(settings: Settings) -> Iterator[Broken]:
    scan, ssh = settings.scan, settings.ssh
    if scan.deadline >= scan.interval:
        yield (
            ("scan", "deadline"),
            f"{format_duration(scan.deadline)} must be shorter than scan.interval, {format_duration(scan.interval)}",
        )
    if scan.jitter >= scan.interval:
        yield (
            ("scan", "jitter"),
            f"{format_duration(scan.jitter)} must be shorter than scan.interval, {format_duration(scan.interval)}",
        )
    if settings.inventory and ssh.connect_timeout + ssh.probe_timeout > scan.deadline:
        least = format_duration(ssh.connect_timeout + ssh.probe_timeout)
        told = f"leaves no time for one host: ssh.connect_timeout and ssh.probe_timeout are {least} together"
        yield ("scan", "deadline"), f"{format_duration(scan.deadline)} {told}"


def _registries(settings: Settings) -> Iterator[Broken]:
    for name, registry in settings.registries.listed.items():
        place: Place = ("registries", name)
        if not _REGISTRY.fullmatch(name):
            yield place, "must be a registry such as docker.io or registry.example:5000, without a scheme or path"
        if name in HUB_ALIASES:
            yield place, "is Docker Hub, whose images are of docker.io: write docker.io"
        yield from _registry_secrets(place, registry)
        yield from _registry_hosts(place, registry)
    for index, mirror in enumerate(settings.registries.docker_mirrors):
        if not _MIRROR_URL.fullmatch(mirror):
            yield (
                ("registries", "docker_mirrors", index),
                "must be a URL such as https://mirror.example, without a path",
            )


def _registry_secrets(place: Place, registry: Registry) -> Iterator[Broken]:
    if registry.plain_http and (registry.ca_file or registry.cert_file or registry.key_file):
        yield place, "plain_http leaves no use for certificates"
    if (registry.cert_file is None) != (registry.key_file is None):
        yield place, "cert_file and key_file go together"
    if registry.username and not (registry.password or registry.password_file):
        yield place, "username needs a password or password_file"


def _registry_hosts(place: Place, registry: Registry) -> Iterator[Broken]:
    for setting in ("mirror", "auth_hosts"):
        for index, other in enumerate(getattr(registry, setting)):
            if not _REGISTRY.fullmatch(other):
                yield (*place, setting, index), "must be a host such as registry.example:5000"
            elif setting == "mirror" and other in HUB_PAGES:
                yield (*place, setting, index), "is a web site, no registry: Docker Hub's is docker.io"
    for index, other in enumerate(registry.redirect_hosts):
        if not _REGISTRY.fullmatch(other.removeprefix("*.")):
            yield (*place, "redirect_hosts", index), "must be a host such as cdn.example or *.cdn.example"
    if registry.proxy and not _is_proxy(registry.proxy.get_secret_value()):
        yield (*place, "proxy"), "must be a proxy such as http://proxy.example:3128"


def _is_proxy(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _secrets(settings: Settings) -> Iterator[Broken]:
    """A secret is given once: in the file or beside it."""
    sections: list[tuple[Place, BaseModel]] = [(("store",), settings.store)]
    sections += [(("registries", name), registry) for name, registry in settings.registries.listed.items()]
    sections += [
        (("inventory", index), source)
        for index, source in enumerate(settings.inventory)
        if isinstance(source, HttpSdSource)
    ]
    for place, section in sections:
        for name in ("url", "password", "token"):
            if getattr(section, name, None) and getattr(section, f"{name}_file", None):
                yield (*place, f"{name}_file"), f"{name} and {name}_file exclude each other"
    for index, token in enumerate(settings.web.tokens):
        if (token.token_file is None) == (token.token_sha256 is None):
            yield ("web", "tokens", index), "needs either token_file or token_sha256"


def _owners(settings: Settings) -> Iterator[Broken]:
    for index, owner in enumerate(settings.owners):
        if not (owner.images or owner.namespaces or owner.projects or owner.repositories):
            yield ("owners", index), "needs one of images, namespaces, projects, repositories: it owns nothing"


def _push(settings: Settings) -> Iterator[Broken]:
    """Who pushes needs a place for its answers; a token that pushes speaks for one host."""
    if settings.push.directory is None and any(isinstance(source, PushedSource) for source in settings.inventory):
        yield ("push", "directory"), "is required: the inventory has hosts that push their answers"
    pushing = [name for source in settings.inventory if isinstance(source, PushedSource) for name in source.hosts]
    for index, token in enumerate(settings.web.tokens):
        place: Place = ("web", "tokens", index, "host")
        if "push" in token.scopes and not token.host:
            yield place, "is required: a token with the scope push speaks for one host"
        elif token.host and "push" not in token.scopes:
            yield place, "is for tokens with the scope push alone"
        elif token.host and token.host not in pushing:
            nearest = difflib.get_close_matches(token.host, pushing, n=1)
            meant = f"; did you mean {nearest[0]}?" if nearest else ""
            yield place, f"no host that pushes is called {token.host}: list it in a source of kind pushed{meant}"
