"""The line of the configuration that lets a refused registry be asked."""

from __future__ import annotations

import ipaddress
import re

from scanner.domain.image import reference as references

_REFUSED = re.compile(
    r"'(?P<host>[0-9A-Za-z.:\-]{1,253})' may not be connected to: (?P<address>[0-9A-Fa-f:.]{2,45}) is "
    r"a (?:loopback|private) address(?=;|$)"
)
"""Where registries are; the other special addresses (metadata, link-local, multicast) have none to be listed."""

_NO_TLS = "TLS fails: WRONG_VERSION_NUMBER"
"""What a server that speaks plain http makes of our greeting."""

_HUB_API = "registry-1.docker.io"


def line(image: str, said: str) -> str:
    """What to write below ``registries:``, empty where no line would help; ``said`` is the failure's own detail."""
    try:
        registry = references.parse(image).registry
    except ValueError:
        return ""
    refused = _REFUSED.search(said)
    if refused is None:
        return _unlisted(registry, said)
    host = references.DEFAULT_REGISTRY if refused["host"] == _HUB_API else refused["host"]
    name = registry if host.lower() == _host_of(registry) else host
    if _is_literal(host):
        return f'"{name}": {{plain_http: true}}'
    return f'"{name}": {{allow_networks: ["{refused["address"]}"]}}'


def _unlisted(registry: str, said: str) -> str:
    if _NO_TLS in said:
        return f'"{registry}": {{plain_http: true}}'
    told = re.search(r"(?:^|: )(\S+) is not a listed registry(?=;|$)", said)
    return f'"{registry}": {{}}' if told and told[1] == registry else ""


def _host_of(registry: str) -> str:
    host = registry.rpartition(":")[0] if re.search(r":\d+$", registry) else registry
    return host.strip("[]").lower()


def _is_literal(host: str) -> bool:
    """Such a name is what it says, so that listing it is permission enough."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    return True
