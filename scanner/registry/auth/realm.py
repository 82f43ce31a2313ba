"""Which token server may be asked: a registry that names another one does not get the credentials sent there.

Realm abuse was the registry bug of 2026 (CVE-2026-48978, CVE-2026-33540). The guard denies by default: https (plain
http only where the registry itself is configured so), and a host that is the registry's own, port included, or listed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.host import MAX_PORT
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.registry.http.messages import URL, InvalidURL

if TYPE_CHECKING:
    from scanner.registry.config import RegistryConfig

MAX_REALM_CHARS = 2048
"""A URL that servers still accept; real realms have fewer than a hundred characters."""

_URL = re.compile(r"https?://[!#$%&'()*+,\-./0-9:;=?A-Z_a-z~\[\]]+", re.ASCII | re.IGNORECASE)
"""What a URL may hold; no @, no backslash, no blank, whatever a parser would make of them."""

_AUTHORITY = re.compile(r"(?:[0-9A-Za-z.\-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)


def permitted(text: str, config: RegistryConfig) -> URL | Failure:
    """The URL of a token server, where it may be asked at all; else ``image_realm_refused``."""
    url = _parse(text)
    if url is None:
        return _refused(text, config, "it is not a plain URL")
    if url.scheme != "https" and not config.plain_http:
        return _refused(text, config, "it is not https")
    if not any(_same_host(url, allowed) for allowed in _allowed(config)):
        return _refused(
            text,
            config,
            f"add {printable(url.netloc.decode(), 120)!a} to its auth_hosts if it is its token server",
            setting="auth_hosts",
        )
    return url


def redirected(current: URL, location: str) -> URL | Failure:
    """Where a token server redirects to: only within itself, for the credentials go along."""
    try:
        target = current.join(location) if len(location) <= MAX_REALM_CHARS else None
    except (InvalidURL, ValueError):
        target = None
    checked = _parse(str(target)) if target is not None else None
    if checked is None or _origin(checked) != _origin(current):
        shown = printable(location, 120)
        return Failure(Reason.IMAGE_REALM_REFUSED, f"the token server redirects to another one: {shown!a}")
    return checked


def _parse(text: str) -> URL | None:
    if len(text) > MAX_REALM_CHARS or not _URL.fullmatch(text):
        return None
    authority = re.split(r"[/?#]", text.partition("://")[2], maxsplit=1)[0]
    if not _AUTHORITY.fullmatch(authority):
        return None
    try:
        url = URL(text)
    except (InvalidURL, ValueError):
        return None
    whole = url.host and not url.userinfo and not url.fragment and (url.port or 1) <= MAX_PORT
    return url if whole else None


def _allowed(config: RegistryConfig) -> tuple[str, ...]:
    """The registry by both its names, each with its port: what listens on another one may be anybody's."""
    port = 80 if config.plain_http else 443
    own = (name if _has_port(name) else f"{name}:{port}" for name in (config.name, config.host))
    return (*own, *config.known_auth_hosts)


def _has_port(authority: str) -> bool:
    return len(authority) > len(_without_port(authority))


def _same_host(url: URL, allowed: str) -> bool:
    """Whether the URL is at ``host`` (any port), or at exactly ``host:port``; as text, so no address has two spellings."""
    port = allowed[len(_without_port(allowed)) :].removeprefix(":")
    host = _without_port(allowed).removeprefix("[").removesuffix("]").lower()
    return url.host.lower() == host and port in {"", str(_origin(url)[2])}


def _without_port(authority: str) -> str:
    if authority.startswith("["):
        return authority.partition("]")[0] + "]"
    return authority.partition(":")[0]


def _origin(url: URL) -> tuple[str, str, int]:
    return url.scheme, url.host.lower(), url.port or {"http": 80}.get(url.scheme, 443)


def _refused(realm: str, config: RegistryConfig, why: str, *, setting: str = "") -> Failure:
    detail = f"{config.name} sends its clients to {printable(realm, 120)!a} for a token: {why}"
    return Failure(Reason.IMAGE_REALM_REFUSED, detail, config.name, setting=setting)
