"""What of the configuration a fix asks for, told beside what the domain says."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.image.reference import DEFAULT_REGISTRY
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.remedy.image_fixes import LET_EXPORT
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.image.reference import ImageReference

_HOST = re.compile(r"[0-9A-Za-z.:\-]{1,253}", re.ASCII)
"""What may stand between the quotes of a line that people paste; a redirect or a mirror may name anything."""

_HUB_API = "registry-1.docker.io"


_WHERE: Mapping[Reason, str] = {
    Reason.IMAGE_UNREACHABLE: "proxy, below registries",
    Reason.IMAGE_TIMEOUT: "proxy, below registries",
    Reason.IMAGE_TLS_REJECTED: "ca_file, below registries",
    Reason.IMAGE_RATE_LIMITED: "username, password_file, stop_below, below registries",
    Reason.IMAGE_DENIED: "username, password_file, below registries",
    Reason.IMAGE_LOCAL_ONLY: "scan.local_images: true",
}
"""Where the configuration has what a fix names."""


def configured(fix: Fix, reason: Reason, failure: Failure | None, image: ImageReference | Failure) -> Fix:
    """The fix of ``reason`` with where its settings stand; ``failure`` is what it came of, where one is known."""
    if failure is not None and failure.reason is reason and (line := config_hint(failure, image)):
        return Fix(line)
    if reason is Reason.IMAGE_LOCAL_ONLY and not fix.summary.startswith(LET_EXPORT):
        return fix  # hosts export already, or no host is asked
    where = _WHERE.get(reason)
    return Fix(f"{fix.summary} In archscan.yml: {where}.", fix.commands) if where else fix


def config_hint(failure: Failure, image: ImageReference | Failure) -> str:
    """What to write so that a refused registry may be asked; empty where the configuration is not what refuses it."""
    line = _line(failure, image)
    match failure.reason:
        case Reason.IMAGE_TLS_REJECTED if failure.setting == "ca_file" and line:
            return (
                "This registry's certificate comes from an authority that is not known here: save the authority's certificate, the "
                f"ca.crt that its engines have in /etc/docker/certs.d, and write below registries: in archscan.yml  {line}"
            )
        case Reason.IMAGE_TLS_REJECTED if line:
            return f"This registry speaks no TLS: if that is meant, write below registries: in archscan.yml  {line}"
        case Reason.IMAGE_DENIED if failure.setting == "username" and line:
            return (
                f"This registry tells nobody without a login: check the name, then docker login, which scan, check and image read; for the service "
                f"write below registries: in archscan.yml  {line}"
            )
        case Reason.IMAGE_NOT_ALLOWED if line:
            tls = " (without plain_http if it speaks TLS)" if "plain_http" in line else ""
            return f"If this registry is yours, write below registries: in archscan.yml  {line}{tls}"
        case Reason.IMAGE_NOT_ALLOWED:
            return (
                "This registry may not be asked as it is: list it under registries: in archscan.yml "
                "(plain_http: true for http, allow_networks for private addresses)."
            )
    return ""


def _line(failure: Failure, image: ImageReference | Failure) -> str:
    """The line below ``registries:``, empty where none would help."""
    if isinstance(image, Failure):
        return ""
    match failure.setting:
        case "allow_networks" if _HOST.fullmatch(failure.host):
            return _allowing(failure, image.registry)
        case "username":
            return f'"{image.registry}": {{username: NAME, password_file: FILE}}'
        case "ca_file":
            return f'"{image.registry}": {{ca_file: ca.crt}}'
        case "plain_http":
            return f'"{image.registry}": {{plain_http: true}}'
        case "only_listed" if failure.host == image.registry:
            return f'"{image.registry}": {{}}'
    return ""


def _allowing(failure: Failure, registry: str) -> str:
    host = DEFAULT_REGISTRY if failure.host == _HUB_API else failure.host
    name = registry if host.lower() == _host_of(registry) else host
    if _is_literal(host):
        return f'"{name}": {{plain_http: true}}'
    return f'"{name}": {{allow_networks: ["{failure.address}"]}}'


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
