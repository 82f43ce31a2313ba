"""A registry that can lie, with a client that asks it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from scanner.registry.client import Registry
from scanner.registry.config import ClientConfig, RegistryConfig
from scanner.registry.documents.cache import MemoryDocuments
from scanner.registry.documents.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from tests.real.listener import Listener

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


Responder = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int, body: bytes = b"", **headers: str) -> Responder:
    """Answer with status, body and headers (``_`` for ``-``); a header that is None is left out."""

    async def respond(asked: Asked, writer: asyncio.StreamWriter) -> None:
        fields = {"content-length": str(len(body))} | {k.replace("_", "-"): v for k, v in headers.items()}
        head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items() if v is not None)
        writer.write(head.encode() + b"\r\n" + (b"" if asked.method == "HEAD" else body))
        if "content_length" in headers:
            writer.write_eof()

    return respond


def raw(*pieces: bytes, every: float = 0.0, endless: bool = False) -> Responder:
    """Say exactly these bytes, one piece ``every`` so many seconds, the last one for ever if ``endless``."""

    async def respond(asked: Asked, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(every)
        while endless:
            writer.write(pieces[-1])
            await writer.drain()
            await asyncio.sleep(every)
        writer.write_eof()

    return respond


def sha(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass
class FakeRegistry(Listener):
    """Serves what was pushed; ``on`` puts a lie before it."""

    asked: list[Asked] = field(default_factory=list)
    manifests: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    digest_header: bool = True
    _rules: list[tuple[str, str, list[Responder]]] = field(default_factory=list)

    answer = staticmethod(answer)
    raw = staticmethod(raw)
    sha = staticmethod(sha)

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.port}"

    def on(self, method: str, part: str, *responders: Responder) -> None:
        """Answer requests of this method whose path has this part, one responder after the other, the last for ever."""
        self._rules.insert(0, (method, part, list(responders)))

    def seen(self, method: str = "", part: str = "") -> list[str]:
        return [a.target for a in self.asked if (not method or a.method == method) and part in a.target]

    # ------------------------------------------------ content

    def blob(self, body: bytes, repository: str = "app") -> dict:
        self.blobs[repository, sha(body)] = body
        return {"digest": sha(body), "size": len(body)}

    def put(self, document: dict | bytes, *names: str, media_type: str = "", repository: str = "app") -> dict:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        media_type = media_type or (document.get("mediaType", "") if isinstance(document, dict) else "")
        for name in (*names, sha(body)):
            self.manifests[repository, name] = (body, media_type)
        return {"mediaType": media_type, "digest": sha(body), "size": len(body)}

    def image(self, *names: str, arch: str | None = "amd64", repository: str = "app", **config) -> dict:
        """A whole image; returns its descriptor."""
        labels = {"os": "linux", "architecture": arch} if arch else {}
        pointer = {"mediaType": OCI_CONFIG} | self.blob(json.dumps(labels | config).encode(), repository)
        layer = {"mediaType": LAYER_TYPE} | self.blob(b"layer of " + str(arch).encode(), repository)
        document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": pointer, "layers": [layer]}
        return self.put(document, *names, repository=repository)

    def index(self, *names: str, of: dict[str, dict] | list[dict], repository: str = "app", **more) -> dict:
        """An index of ``{arch: descriptor}`` or of entries as they are."""
        if isinstance(of, dict):
            of = [entry | {"platform": {"os": "linux", "architecture": arch}} for arch, entry in of.items()]
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": of} | more
        return self.put(document, *names, repository=repository)

    # ------------------------------------------------ serving

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            start, *lines = head.split("\r\n")
            method, target, _ = start.split(" ")
            pairs = (line.partition(":") for line in lines if line)
            asked = Asked(method, target, {name.lower(): value.strip() for name, _, value in pairs})
            self.asked.append(asked)
            await self._respond(asked, writer)
            await writer.drain()

    async def _respond(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        for method, part, responders in self._rules:
            if method in {"*", asked.method} and part in asked.target:
                responder = responders.pop(0) if len(responders) > 1 else responders[0]
                return await responder(asked, writer)
        return await self._honest(asked)(asked, writer)

    async def _honest_one(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        await self._honest(asked)(asked, writer)

    def _honest(self, asked: Asked) -> Responder:
        _, _, rest = asked.path.partition("/v2/")
        repository, kind, name = rest.rpartition("/manifests/") if "/manifests/" in rest else rest.rpartition("/blobs/")
        if kind == "/manifests/" and (repository, name) in self.manifests:
            body, media_type = self.manifests[repository, name]
            header = sha(body) if self.digest_header else None
            return answer(200, body, content_type=media_type or None, docker_content_digest=header)
        if kind == "/blobs/" and (repository, name) in self.blobs:
            return self._blob(asked, self.blobs[repository, name])
        code = (
            "MANIFEST_UNKNOWN"
            if kind == "/manifests/" and repository in {r for r, _ in self.manifests}
            else "NAME_UNKNOWN"
        )
        return answer(404, json.dumps({"errors": [{"code": code, "message": "not here"}]}).encode())

    def _blob(self, asked: Asked, body: bytes) -> Responder:
        if "range" not in asked.headers:
            return answer(200, body)
        first, _, last = asked.headers["range"].removeprefix("bytes=").partition("-")
        part = body[int(first) : int(last) + 1]
        return answer(206, part, content_range=f"bytes {first}-{int(first) + len(part) - 1}/{len(body)}")


class FastClock:
    """Time that sleeping moves on, without waiting for it; unless it ``passes``, no pause of this machine adds to it."""

    def __init__(self) -> None:
        self.ahead, self.passes = 0.0, False
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return (time.monotonic() if self.passes else 1000.0) + self.ahead

    def time(self) -> float:
        return 1_800_000_000.0 + self.ahead

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ahead += seconds
        await asyncio.sleep(0)


@pytest.fixture
async def fakes() -> AsyncIterator[Callable[[], Awaitable[FakeRegistry]]]:
    """``await fakes()`` starts one more registry."""
    started: list[FakeRegistry] = []

    async def start() -> FakeRegistry:
        fake = FakeRegistry()
        await fake.start()
        started.append(fake)
        return fake

    yield start
    for fake in started:
        await fake.stop()


@pytest.fixture
async def fake(fakes) -> FakeRegistry:
    return await fakes()


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture
async def client(fake, clock) -> AsyncIterator[Callable[..., Registry]]:
    """``client()``: a Registry to which the fake is listed; ``registry=`` and other settings as keywords.

    It has a store of documents, as a service has, and so asks by HEAD what a tag means; ``documents=None`` has none.
    """
    before = set(asyncio.all_tasks())
    async with contextlib.AsyncExitStack() as stack:
        made: list[Registry] = []

        def make(registry: dict | None = None, others: tuple[RegistryConfig, ...] = (), **settings) -> Registry:
            parts = {
                key: settings.pop(key) for key in ("authorizer_for", "documents", "observer", "last") if key in settings
            }
            parts.setdefault("documents", MemoryDocuments())
            own = RegistryConfig(fake.name, **({"plain_http": True, "allow_networks": True} | (registry or {})))
            config = ClientConfig(registries={c.name: c for c in (own, *others)}, **settings)
            made.append(Registry(config, clock=clock, **parts))
            stack.push_async_callback(made[-1].aclose)
            return made[-1]

        yield make
    for _ in range(5):  # generators that were left early end in tasks of their own
        await asyncio.sleep(0)
    leaked = {
        task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if "_connected" not in repr(task)
    }
    assert not leaked
