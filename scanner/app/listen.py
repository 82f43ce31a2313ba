"""The web server of the service: access rules, TLS, then a listening port."""

from __future__ import annotations

import hashlib
import ipaddress
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from scanner.errors import UsageError
from scanner.formats import files
from scanner.formats.files import FileError
from scanner.registry.http.tls import certificate_ends_at
from scanner.settings.yaml_source import parse, read_bytes
from scanner.web.api.app import create_app
from scanner.web.http.access import Access, Scope, Token
from scanner.web.http.basic import BasicUsers
from scanner.web.http.server import Server
from scanner.web.http.web_config import WebConfig, read_web_config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scanner.metrics.metrics import Metrics
    from scanner.service.service import Service
    from scanner.settings.schema import Settings
    from scanner.settings.schema import Token as TokenSettings


log = structlog.get_logger(__name__)


@asynccontextmanager
async def serve_web(service: Service, metrics: Metrics, settings: Settings, version: str) -> AsyncIterator[int]:
    """Serve for as long as the context lasts; gives the port.

    Raises:
        UsageError: a token or web.yml cannot be used.
        ListenError: the address is taken, or the certificate cannot be used.
    """
    host, port = settings.web.listen_address
    config = _web_config(settings)
    users = BasicUsers(config.users) if config.users else None
    access = Access(map(_token, settings.web.tokens), loopback=_is_loopback(host), users=users)
    app = create_app(service, metrics, access, version=version)
    server = Server(app, host, port, config.tls)
    if not _is_loopback(host) and not settings.web.tokens and not config.users:
        log.warning(
            "serving_without_tokens",
            address=settings.web.listen,
            why="whoever reaches it reads every host and image name; nobody can start scans or use the gate",
            cure="web.tokens (docs/configuration.md), basic_auth_users in web.config_file, or listen on 127.0.0.1",
        )
    if config.tls:
        metrics.credential_expires("web.tls", certificate_ends_at(str(config.tls.cert_file)))
    await server.start()
    try:
        yield server.port
    finally:
        await server.stop()


def _web_config(settings: Settings) -> WebConfig:
    path = settings.web.config_file
    if path is None:
        return WebConfig()
    document = parse(read_bytes(path), str(path)).value
    try:
        return read_web_config(document, path.parent)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None


def _token(token: TokenSettings) -> Token:
    digest = token.token_sha256
    if digest is None:
        try:
            secret = files.read_secret(token.token_file).strip() if token.token_file else ""
        except FileError as error:
            advice = ": make one with openssl rand -hex 32" if error.problem == files.EMPTY else ""
            raise UsageError(f"web.tokens: {token.name}: {error}{advice}") from None
        digest = hashlib.sha256(secret.encode()).hexdigest()
    return Token(token.name, digest, frozenset(map(Scope, token.scopes)))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
