"""The web server of the service: access rules, TLS, then a listening port."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from scanner.formats import files
from scanner.formats.files import FileError
from scanner.settings.problem import Problem, SettingsError
from scanner.settings.rules import SAME_HOLDER
from scanner.settings.yaml_source import parse, read_bytes, veiled
from scanner.web.api.app import create_app, prepare
from scanner.web.http.access import MAX_CREDENTIAL_CHARS, MIN_TOKEN_CHARS, Access, Scope, Token
from scanner.web.http.basic import BasicUsers
from scanner.web.http.server import ListenError, Server, context_of
from scanner.web.http.trusted_proxy import TrustedProxy
from scanner.web.http.web_config import WebConfig, read_web_config

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from scanner.metrics.metrics import Metrics
    from scanner.service.service import Service
    from scanner.settings.schema import Settings
    from scanner.settings.schema import Token as TokenSettings
    from scanner.web.http.leader import Leader


log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Face:
    """What one configuration lets in: who may do what, in which TLS context, whose certificate is ``certificate``.

    ``open_at`` is the address at which everybody may read, empty where nobody else's machine can reach it.
    """

    access: Access
    context: ssl.SSLContext | None = None
    certificate: str = ""
    open_at: str = ""


def face_of(settings: Settings) -> Face:
    """Read every file that the web interface needs: tokens, users, certificates.

    Raises:
        SettingsError: one of them cannot be used.
    """
    host, _ = settings.web.listen_address
    try:
        config = _web_config(settings)
    except SettingsError as error:
        raise SettingsError([*error.problems, *_troubles_of_tokens(settings)]) from None
    users = BasicUsers(config.users) if config.users else None
    proxy = _proxy(settings)
    access = Access(_tokens(settings), loopback=_is_loopback(host), users=users, proxy=proxy)
    try:
        if config.tls:
            files.refuse_exposed(config.tls.key_file)
        context = context_of(config.tls)
    except FileError as error:
        raise _refused("web.config_file", str(error)) from None
    except ListenError as error:
        raise SettingsError([Problem("web.config_file", 0, "", str(error).removeprefix("web.config_file: "))]) from None
    is_open = not _is_loopback(host) and not settings.web.tokens and not config.users and proxy is None
    certificate = str(config.tls.cert_file) if config.tls else ""
    return Face(access, context, certificate, settings.web.listen if is_open else "")


def _warn(face: Face) -> None:
    if face.open_at:
        log.warning(
            "serving_without_tokens",
            address=face.open_at,
            why="other machines may read nothing, and nobody can start scans or use the gate",
            cure="web.tokens (docs/configuration.md), basic_auth_users in web.config_file, or listen on 127.0.0.1",
        )


@asynccontextmanager
async def serve_web(
    service: Service, metrics: Metrics, face: Callable[[], Face], version: str, leader: Leader | None = None
) -> AsyncIterator[int]:
    """Serve for as long as the context lasts, with the ``face`` that is in force; gives the port.

    Raises:
        ListenError: the address is taken.
    """
    host, port = service.reloading.settings.web.listen_address
    first = face()
    app = create_app(service, metrics, first.access, version=version, leader=leader)
    service.publication.prepare_with(app.state.latest_index.prepare)
    await asyncio.to_thread(prepare, app)
    server = Server(app, host, port, first.context)
    _warn(first)

    def reloaded(_settings: Settings) -> None:
        now = face()
        app.state.access = now.access
        app.state.context.access_changes.tell()
        _warn(now)
        server.renew(now.context)

    await server.start()
    service.reloading.follow(reloaded)
    try:
        yield server.port
    finally:
        await server.stop()


def _web_config(settings: Settings) -> WebConfig:
    path = settings.web.config_file
    if path is None:
        return WebConfig()
    content = read_bytes(path)
    try:
        return read_web_config(parse(content, str(path)).value, path.parent)
    except SettingsError as error:
        raise veiled(path, error) from None
    except ValueError as error:
        raise veiled(path, _refused(str(path), str(error))) from None


def _proxy(settings: Settings) -> TrustedProxy | None:
    said = settings.web.proxy
    if said is None:
        return None
    users = {name: frozenset(map(Scope, scopes)) for name, scopes in said.users.items()}
    networks = tuple(map(ipaddress.ip_network, said.trusted))
    return TrustedProxy(said.header, networks, frozenset(map(Scope, said.scopes)), users)


def _tokens(settings: Settings) -> tuple[Token, ...]:
    found: dict[str, Token] = {}
    problems: list[Problem] = []
    for one in settings.web.tokens:
        try:
            token = _token(one)
        except SettingsError as error:
            problems += error.problems
            continue
        if (first := found.setdefault(token.sha256, token)) is not token:
            problems.append(Problem(f"web.tokens: {token.name}", 0, "", SAME_HOLDER.format(first=first.name)))
    if problems:
        raise SettingsError(problems)
    return tuple(found.values())


def _troubles_of_tokens(settings: Settings) -> tuple[Problem, ...]:
    try:
        _tokens(settings)
    except SettingsError as error:
        return error.problems
    return ()


def _token(token: TokenSettings) -> Token:
    digest = token.token_sha256
    if digest is None:
        try:
            secret = files.read_secret(token.token_file).strip() if token.token_file else ""
        except FileError as error:
            advice = ": make one with openssl rand -hex 32" if error.problem == files.EMPTY else ""
            raise _refused(f"web.tokens: {token.name}", f"{error}{advice}") from None
        if (why := _unusable(secret)) is not None:
            advice = f"{token.token_file}: {why}: make one with openssl rand -hex 32"
            raise _refused(f"web.tokens: {token.name}", advice)
        digest = hashlib.sha256(secret.encode()).hexdigest()
    return Token(token.name, digest, frozenset(map(Scope, token.scopes)), token.host)


def _unusable(secret: str) -> str | None:
    """Why nobody should, or could, ask with it."""
    if len(secret) < MIN_TOKEN_CHARS:
        return f"is shorter than {MIN_TOKEN_CHARS} characters"
    if len(secret) > MAX_CREDENTIAL_CHARS:
        return f"is longer than {MAX_CREDENTIAL_CHARS} characters"
    return None if secret.isprintable() else "holds more than a line of text, which no request can carry"


def _refused(where: str, why: str) -> SettingsError:
    return SettingsError([Problem(where, 0, "", why)])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
