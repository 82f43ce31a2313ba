"""Servers that speak real HTTP on loopback, with certificates made on the spot."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.real.listener import Listener

NOW = dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode(), keep_blank_values=True)

    @property
    def authorization(self) -> str | None:
        return self.headers.get("authorization")


@dataclass(frozen=True)
class Reply:
    """What a server answers; with ``raw`` it says just these bytes."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    def encode(self) -> bytes:
        if self.raw is not None:
            return self.raw
        fields = {"content-length": str(len(self.body))} | self.headers
        head = f"HTTP/1.1 {self.status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return head.encode("latin-1") + b"\r\n" + self.body


Handler = Callable[[Seen], "Reply | Awaitable[Reply]"]


@dataclass
class HttpServer(Listener):
    """A server on loopback that remembers every connection and request."""

    handler: Handler
    seen: list[Seen] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (request := await self._read(reader)) is not None:
            self.seen.append(request)
            reply = self.handler(request)
            if not isinstance(reply, Reply):
                reply = await reply
            writer.write(reply.encode())
            await writer.drain()
            if reply.raw is not None:
                break

    @staticmethod
    async def _read(reader: asyncio.StreamReader) -> Seen | None:
        head = await reader.readuntil(b"\r\n\r\n")
        start, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = start.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Seen(method, target, headers, body)


@pytest.fixture
async def http_server() -> AsyncIterator[Callable[..., Awaitable[HttpServer]]]:
    """``await http_server(handler, context=None)``: a server on a free port of loopback."""
    started: list[HttpServer] = []

    async def start(handler: Handler, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> HttpServer:
        server = HttpServer(handler)
        await server.start(context, host)
        started.append(server)
        return server

    yield start
    for server in started:
        await server.stop()


@pytest.fixture
async def canary(http_server) -> AsyncIterator[HttpServer]:
    """A listener to which nobody may connect."""
    server = await http_server(lambda _: Reply(500))
    yield server
    assert server.connections == 0, f"something connected: {server.seen}"


@pytest.fixture(scope="session")
def reply() -> type[Reply]:
    """The type of an answer."""
    return Reply


@dataclass
class Authority:
    """A certificate authority in a folder; each issued pair is a PEM file with key and certificate."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, folder: Path) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(key, "authority", key, "authority", [], authority=True)
        (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cls(folder, key, certificate)

    @property
    def ca_file(self) -> str:
        return str(self.folder / "ca.pem")

    def issue(self, *names: str, days: int = 30, trusted: bool = True) -> str:
        """The path of a PEM file for these names; ``days`` below zero are past, untrusted is self-signed."""
        key = ec.generate_private_key(ec.SECP256R1())
        signer, issuer = (self.key, "authority") if trusted else (key, names[0])
        certificate = _certificate(key, names[0], signer, issuer, list(names), days=days)
        path = self.folder / f"{names[0].replace(':', '_')}-{days}-{trusted}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        return str(path)

    def server(self, *names: str, days: int = 30, trusted: bool = True, ask_client: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue(*names, days=days, trusted=trusted))
        if ask_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca_file)
        return context


def _certificate(key, subject, signer, issuer, names, *, days=30, authority=False) -> x509.Certificate:
    def called(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    end = NOW + dt.timedelta(days=days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(called(subject))
        .issuer_name(called(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(NOW, end) - dt.timedelta(days=1))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names:
        usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False
        )
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    """A certificate authority that nobody trusts by itself."""
    return Authority.create(tmp_path_factory.mktemp("authority"))
