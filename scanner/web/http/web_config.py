"""The exporter toolkit's web.yml: TLS, users."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner.formats import certificates

if TYPE_CHECKING:
    from collections.abc import Mapping

_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}

_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
"""The toolkit's two settings that take any certificate without verifying it are not here: they look safe, yet are not."""

_TLS_KEYS = ("cert_file", "key_file", "client_ca_file", "client_auth_type", "min_version", "max_version")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the certificate is, which clients are let in."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    client_auth: ssl.VerifyMode = ssl.CERT_NONE
    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    max_version: ssl.TLSVersion | None = None

    def context(self) -> ssl.SSLContext:
        """The server's context.

        Raises:
            FileError: a file is missing, no regular one, or too long.
            OSError: it is not what it should be (``ssl.SSLError``).
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = self.min_version
        if self.max_version is not None:
            context.maximum_version = self.max_version
        certificates.identify(context, self.cert_file, self.key_file)
        if self.client_ca_file is not None:
            certificates.trust(context, self.client_ca_file)
        context.verify_mode = self.client_auth
        return context


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What a web.yml says; empty means neither TLS nor users."""

    tls: TlsFiles | None = None
    users: Mapping[str, str] = field(default_factory=dict)


def read_web_config(document: Any, folder: Path) -> WebConfig:
    """Interpret a parsed web.yml; relative files are sought beside it, in ``folder``.

    Raises:
        ValueError: a key that is unknown (or that we cannot honour), a value that is not what it should be.
    """
    top = _mapping("", document if document is not None else {}, ("tls_server_config", "basic_auth_users"))
    tls = _mapping("tls_server_config", top.get("tls_server_config") or {}, _TLS_KEYS)
    users = _mapping("basic_auth_users", top.get("basic_auth_users") or {}, None)
    for user, hashed in users.items():
        if not isinstance(hashed, str) or not _BCRYPT.fullmatch(hashed) or ":" in user:
            raise ValueError(f"basic_auth_users.{user}: not a bcrypt hash: make one with `htpasswd -nBC 10 {user}`")
    return WebConfig(_tls(tls, folder) if tls else None, users)


def _tls(given: dict[str, Any], folder: Path) -> TlsFiles:
    for key in ("cert_file", "key_file"):
        if key not in given:
            raise ValueError(f"tls_server_config.{key}: missing")
    files = {key: _file(key, given, folder) for key in ("cert_file", "key_file", "client_ca_file") if given.get(key)}
    auth = _choice("client_auth_type", given, _CLIENT_AUTH) or ssl.CERT_NONE
    if auth is not ssl.CERT_NONE and "client_ca_file" not in files:
        raise ValueError("tls_server_config.client_ca_file: missing, clients cannot be verified without it")
    if auth is ssl.CERT_NONE and "client_ca_file" in files:
        raise ValueError("tls_server_config.client_auth_type: set it, client_ca_file alone verifies nobody")
    return TlsFiles(
        files["cert_file"],
        files["key_file"],
        files.get("client_ca_file"),
        auth,
        _choice("min_version", given, _VERSIONS) or ssl.TLSVersion.TLSv1_2,
        _choice("max_version", given, _VERSIONS),
    )


def _mapping(path: str, value: Any, known: tuple[str, ...] | None) -> dict[str, Any]:
    where = f"{path}: " if path else ""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"{where}not a mapping of names to values")
    for key in value:
        if known is not None and key not in known:
            raise ValueError(f"{where}{key} is not supported: it may be one of {', '.join(known)}")
    return value


def _file(key: str, given: dict[str, Any], folder: Path) -> Path:
    name = given[key]
    if not isinstance(name, str):
        raise ValueError(f"tls_server_config.{key}: not a file name")  # noqa: TRY004 - a wrong file, not a wrong call
    return folder / name


def _choice(key: str, given: dict[str, Any], choices: Mapping[str, Any]) -> Any:
    if given.get(key) in (None, ""):
        return None
    if given[key] not in choices:
        raise ValueError(f"tls_server_config.{key}: it may be one of {', '.join(choices)}")
    return choices[given[key]]
