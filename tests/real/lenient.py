"""A registry in memory that keeps whatever it is handed: documents that a real one refuses, blobs that are not there."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpcore
import pytest

from tests.real.images import Document, Image, Index

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Self

_PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs)/(?P<name>[^/]+)")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_PIECE_BYTES = 1024 * 1024
"""A connection hands over less at a time; each piece costs a turn of the loop, another of a thread."""


class LenientRegistry:
    """Serves images by plain HTTP, the way the distribution specification describes; ``push`` puts them there."""

    def __init__(self, port: int, let_go: Callable[[], object] = lambda: None) -> None:
        self.host, self.port = "127.0.0.1", port
        self.let_go = let_go
        """Ends every connection: engines keep theirs long after they asked for the last image."""
        self.documents: dict[tuple[str, str], Document] = {}
        self.blobs: dict[tuple[str, str], bytes] = {}

    @property
    def address(self) -> str:
        """``host:port``, the first part of a reference."""
        return f"{self.host}:{self.port}"

    def push(self, repository: str, tag: str, what: Image | Index) -> str:
        """Keep an image or an index with everything below it; returns the full reference."""
        for image in what.images if isinstance(what, Index) else (what,):
            for document in (image.config, *image.layers):
                self.blobs[repository, document.digest] = document.body
            self.documents[repository, image.manifest.digest] = image.manifest
        self.documents[repository, what.manifest.digest] = self.documents[repository, tag] = what.manifest
        return f"{self.address}/{repository}:{tag}"

    def answer(self, path: str, asked_range: str = "") -> Answer:
        """A ping, a document, a blob or the part of one that a ``Range`` header asks for."""
        found = _PATH.fullmatch(path)
        if path in {"/v2", "/v2/"}:
            return _whole(HTTPStatus.OK, b"{}", {"Content-Type": "application/json"})
        if found is None:
            return _missing("UNSUPPORTED")
        if found["kind"] == "manifests":
            return _document(self.documents.get((found["repository"], found["name"])))
        return _blob(self.blobs.get((found["repository"], found["name"])), found["name"], asked_range)


@dataclass(frozen=True)
class Answer:
    """What a request comes to, its length told."""

    status: HTTPStatus
    headers: dict[str, str]
    body: bytes


def _whole(status: HTTPStatus, body: bytes, told: dict[str, str]) -> Answer:
    return Answer(status, {**told, "Content-Length": str(len(body))}, body)


def _missing(code: str) -> Answer:
    body = f'{{"errors":[{{"code":"{code}","message":"it is not here"}}]}}'.encode()
    return _whole(HTTPStatus.NOT_FOUND, body, {"Content-Type": "application/json"})


def _document(document: Document | None) -> Answer:
    if document is None:
        return _missing("MANIFEST_UNKNOWN")
    told = {"Content-Type": document.media_type, "Docker-Content-Digest": document.digest}
    return _whole(HTTPStatus.OK, document.body, told)


def _blob(body: bytes | None, digest: str, asked_range: str) -> Answer:
    if body is None:
        return _missing("BLOB_UNKNOWN")
    told = {"Content-Type": "application/octet-stream", "Docker-Content-Digest": digest, "Accept-Ranges": "bytes"}
    asked = _RANGE.fullmatch(asked_range)
    if asked is None or int(asked[1]) >= len(body):
        return _whole(HTTPStatus.OK, body, told)
    first, last = int(asked[1]), min(int(asked[2] or len(body) - 1), len(body) - 1)
    told["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
    return _whole(HTTPStatus.PARTIAL_CONTENT, body[first : last + 1], told)


class InProcess:
    """Stands in a transport's place of connections: asks a registry of this process without a wire.

    For what asks for thousands of images and is not about HTTP: a request over a wire costs ten times as much.
    """

    def __init__(self, registry: LenientRegistry) -> None:
        self._registry = registry

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """The registry's answer; there is no other host."""
        assert (request.url.host.decode(), request.url.port) == (self._registry.host, self._registry.port)
        ranges = [value.decode() for name, value in request.headers if name.lower() == b"range"]
        answer = self._registry.answer(request.url.target.decode(), *ranges)
        headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        sent = answer.body if request.method == b"GET" else b""
        return httpcore.Response(answer.status.value, headers=headers, content=_Pieces(sent))

    async def aclose(self) -> None:
        """There is nothing to close."""

    async def __aenter__(self) -> Self:
        """As httpx opens a transport."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """As httpx closes one."""


class _Pieces:
    """A body in the pieces in which a connection would hand it over."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._body), _PIECE_BYTES):
            yield self._body[at : at + _PIECE_BYTES]

    async def aclose(self) -> None:
        """As httpcore closes one."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.1"  # what begins TLS here is told so in HTTP, not by a page without a status line
    registry: LenientRegistry

    def log_message(self, *_words: object) -> None:
        """Nobody reads it."""

    def do_GET(self) -> None:
        """In one piece: a second packet would wait for the first one's acknowledgement."""
        answer = self.registry.answer(self.path, self.headers.get("Range", ""))
        head = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        line = f"HTTP/1.1 {answer.status.value} {answer.status.phrase}\r\n{head}\r\n".encode()
        self.wfile.write(line + answer.body if self.command == "GET" else line)

    do_HEAD = do_GET  # noqa: N815 - http.server's own name


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Connections are kept, as registries keep them: thousands of images are asked for over a few."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Its client has gone."""
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """So that no thread waits for a client that sends no more."""
        super().server_close()
        self.let_go()

    def let_go(self) -> None:
        """Ends what is still open."""
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_about: object) -> None:
        """A client that leaves in the middle is no trouble of the server's."""


def serve_leniently() -> tuple[LenientRegistry, _Server, threading.Thread]:
    """A registry that is up, what ends it, the thread that it lives in."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    handler.registry = LenientRegistry(server.server_port, server.let_go)
    thread = threading.Thread(target=server.serve_forever, name="lenient-registry")
    thread.start()
    return handler.registry, server, thread


@pytest.fixture(scope="module")
def lenient_registry() -> Iterator[LenientRegistry]:
    """One for a module's tests; its connections are closed with it."""
    registry, server, thread = serve_leniently()
    yield registry
    server.shutdown()
    server.server_close()
    thread.join()
