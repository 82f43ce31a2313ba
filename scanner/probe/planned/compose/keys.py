"""The keys of Compose's own schema, by which its files are told from others that have ``services``, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.probe.planned.compose import compose_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

TOP_LEVEL = frozenset(compose_schema.FILE.fields)
SERVICE = frozenset(compose_schema.SERVICE.fields) | {"cgroupns_mode"}
"""What Compose takes in a service, and the one key that only ``docker stack`` does."""

STACK_TOP_LEVEL = frozenset({"configs", "networks", "secrets", "services", "version", "volumes"})

STACK_SERVICE = frozenset(
    {
        *("build", "cap_add", "cap_drop", "cgroup_parent", "cgroupns_mode", "command", "configs", "container_name"),
        *("credential_spec", "depends_on", "deploy", "devices", "dns", "dns_search", "domainname", "entrypoint"),
        *("env_file", "environment", "expose", "external_links", "extra_hosts", "healthcheck", "hostname", "image"),
        *("init", "ipc", "isolation", "labels", "links", "logging", "mac_address", "network_mode", "networks", "pid"),
        *("ports", "privileged", "read_only", "restart", "secrets", "security_opt", "shm_size", "stdin_open"),
        *("stop_grace_period", "stop_signal", "sysctls", "tmpfs", "tty", "ulimits", "user", "userns_mode", "volumes"),
        "working_dir",
    }
)
"""What ``docker stack deploy`` takes: version 3.12 of its schema, the newest within Docker 26.1."""

_SOURCES = ("image", "build", "extends", "provider")
"""Where a service's container comes from; each service has one of these."""


def is_compose(body: Mapping[Any, Any]) -> bool:
    """Whether a document is Compose's, though its name does not say so: it has Compose's keys alone, one fitting service.

    Services of Symfony (``class``, ``arguments``), of Helm's values or of a CI are none of its own. Those beside a
    fitting one may be mistakes, which Compose would refuse.
    """
    services = body.get("services")
    if not isinstance(services, dict) or not all(_is_of(key, TOP_LEVEL) for key in body):
        return False
    return any(_fits(service) for service in services.values())


def refused_by_stacks(body: Mapping[str, Any]) -> str:
    """Why ``docker stack deploy`` does not take a document; empty where it does, as far as keys and version tell."""
    version = str(body.get("version", "3"))
    if version.partition(".")[0] != "3":
        return f"docker stack takes no files of version {version}"
    services = body.get("services")
    named = {"": body, **(services if isinstance(services, dict) else {})}
    for name, value in named.items():
        known = STACK_SERVICE if name else STACK_TOP_LEVEL
        odd = next((key for key in value if not _is_of(key, known)), None) if isinstance(value, dict) else None
        if odd is not None:
            return f"docker stack takes no {odd}{f' of services (in {name})' if name else ''}"
    return ""


def _fits(service: Any) -> bool:
    if not isinstance(service, dict) or not all(_is_of(key, SERVICE) for key in service):
        return False
    image = service.get("image")
    if image is not None and not isinstance(image, str):
        return False
    return any(service.get(key) is not None for key in _SOURCES)


def _is_of(key: Any, known: frozenset[str]) -> bool:
    return isinstance(key, str) and (key in known or key.startswith("x-"))
