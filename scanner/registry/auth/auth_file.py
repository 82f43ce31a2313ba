"""The credential files of container engines: Docker's config.json, podman's auth.json.

Rules are those of docker/cli (``cli/config``) and containers/image (``containers-auth.json(5)``): Docker compares whole
registries and asks for Docker Hub under its old address; podman goes from the longest namespace to the registry.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.formats.documents import lenient_json
from scanner.formats.documents.lenient_json import JsonError
from scanner.registry.auth.credential import IDENTITY_USER, Credential, CredentialKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_AUTH_FILE_BYTES = 1024 * 1024
"""A file with a thousand registries has some 200 KiB."""

HUB = "docker.io"
HUB_KEY = "https://index.docker.io/v1/"
"""What ``docker login`` calls Docker Hub, in its file as well as to helpers."""

_HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})


@dataclass(frozen=True, slots=True)
class HelperCall:
    """Another program knows: ``docker-credential-<helper>``, asked for ``server``."""

    helper: str
    server: str


@dataclass(frozen=True, slots=True)
class AuthFile:
    """What one such file says; the entries are kept as they are until one is asked for."""

    auths: Mapping[str, Any] = field(default_factory=dict, repr=False)
    helpers: Mapping[str, str] = field(default_factory=dict)
    store: str = ""
    source: str = ""

    def as_docker(self, registry: str) -> Credential | HelperCall | Failure | None:
        """What the docker command would use: the registry's helper, else the store, else its entry."""
        server = HUB_KEY if registry == HUB else registry
        if helper := self.helpers.get(server, self.store):  # an empty one switches the store off for this registry
            return HelperCall(helper, server)
        entry = self.auths.get(server)
        if entry is None:
            entry = next((value for key, value in self.auths.items() if _host_of_key(key) == server), None)
        return _credential(entry, server, self.source)

    def as_podman(self, registry: str, repository: str) -> Credential | HelperCall | Failure | None:
        """What podman would use: the registry's helper, else the entry of the longest namespace."""
        if helper := self.helpers.get(registry):
            return HelperCall(helper, registry)
        for key in _namespaces(registry, repository):
            if key in self.auths:
                return _credential(self.auths[key], key, self.source)
        wanted = _one_hub(registry)
        whole = {_one_hub(_host_of_key(key)): key for key in self.auths if "://" in key or "/" not in key}
        entry = self.auths[whole[wanted]] if wanted in whole else None
        return _credential(entry, registry, self.source)


def parse(content: bytes | str, source: str) -> AuthFile | Failure:
    """Read such a file; ``source`` names it in failures. Unknown fields are the engine's own business."""
    if len(content) > MAX_AUTH_FILE_BYTES:
        return _denied(source, f"is longer than {MAX_AUTH_FILE_BYTES} bytes")
    try:
        document = lenient_json.loads(content)
    except JsonError:
        return _denied(source, "is not JSON")
    if not isinstance(document, dict):
        return _denied(source, "is not a JSON object")
    auths = _or_empty(document.get("auths"), {})
    helpers = _or_empty(document.get("credHelpers"), {})
    store = _or_empty(document.get("credsStore"), "")
    if not isinstance(auths, dict) or not isinstance(helpers, dict) or not isinstance(store, str):
        return _denied(source, "has a field of a wrong type")
    if not all(isinstance(helper, str) for helper in helpers.values()):
        return _denied(source, "names a helper that is no text")
    return AuthFile(auths, helpers, store, source)


def _or_empty(value: Any, empty: Any) -> Any:
    return empty if value is None else value


def _denied(source: str, what: str) -> Failure:
    return Failure(Reason.IMAGE_DENIED, f"{source} {what}")


def _host_of_key(key: str) -> str:
    """The host of a key that is a URL, as old versions of ``docker login`` wrote them."""
    return key.partition("://")[2].partition("/")[0] if "://" in key else key.partition("/")[0]


def _one_hub(host: str) -> str:
    return HUB if host in _HUB_HOSTS else host


def _namespaces(registry: str, repository: str) -> Iterator[str]:
    """``registry/a/b``, ``registry/a``, then ``registry``."""
    name = f"{registry}/{repository}" if repository else registry
    while name != registry:
        yield name
        name = name.rpartition("/")[0]
    yield registry


def _credential(entry: Any, key: str, source: str) -> Credential | Failure | None:
    if entry is None:
        return None
    where = f"{source} ({key})"
    try:
        return _interpret(entry, where)
    except (ValueError, TypeError) as error:
        return _denied(where, str(error))


def _interpret(entry: Any, where: str) -> Credential | None:
    if not isinstance(entry, dict):
        raise TypeError("is not an object")
    username, password = _text(entry, "username"), _text(entry, "password")
    if auth := _text(entry, "auth"):
        username, password = _decoded(auth)
    if token := _text(entry, "registrytoken"):
        return Credential(username, token, CredentialKind.REGISTRY_TOKEN, where)
    if token := _text(entry, "identitytoken"):
        return Credential(username, token, CredentialKind.IDENTITY_TOKEN, where)
    if not username and not password:
        return None
    if username == IDENTITY_USER:
        return Credential("", password, CredentialKind.IDENTITY_TOKEN, where)
    return Credential(username, password, source=where)


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"has a {name} that is no text")
    return value or ""


def _decoded(auth: str) -> tuple[str, str]:
    """User and password of base64(user:password); NULs around the password are an old padding."""
    text = auth.translate({10: None, 13: None})
    try:
        plain = binascii.a2b_base64(text, strict_mode=True).decode() if len(text) % 4 == 0 else ""
    except ValueError as error:
        raise ValueError("has an auth that is not base64 of text") from error
    username, colon, password = plain.partition(":")
    if not colon or not username:
        raise ValueError("has an auth that is not user:password")
    return username, password.strip("\x00")
