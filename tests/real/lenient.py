"""A registry in memory that keeps whatever it is handed: documents that a real one refuses, blobs that are not there."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.real.images import Document, Image, Index

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs)/(?P<name>[^/]+)")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class LenientRegistry:
    """Serves images by plain HTTP, the way the distribution specification describes; ``push`` puts them there."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.host, self.port = "127.0.0.1", server.server_port
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


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.1"  # what begins TLS here is told so in HTTP, not by a page without a status line
    registry: LenientRegistry

    def log_message(self, *_words: object) -> None:
        """Nobody reads it."""

    def do_GET(self) -> None:
        """A ping, a document, a blob or a part of one."""
        found = _PATH.fullmatch(self.path)
        if self.path in {"/v2", "/v2/"}:
            self._answer(HTTPStatus.OK, b"{}", {"Content-Type": "application/json"})
        elif found is None:
            self._missing("UNSUPPORTED")
        elif found["kind"] == "manifests":
            self._document(self.registry.documents.get((found["repository"], found["name"])))
        else:
            self._blob(self.registry.blobs.get((found["repository"], found["name"])), found["name"])

    do_HEAD = do_GET  # noqa: N815 - http.server's own name

    def _document(self, document: Document | None) -> None:
        if document is None:
            self._missing("MANIFEST_UNKNOWN")
        else:
            told = {"Content-Type": document.media_type, "Docker-Content-Digest": document.digest}
            self._answer(HTTPStatus.OK, document.body, told)

    def _blob(self, body: bytes | None, digest: str) -> None:
        if body is None:
            self._missing("BLOB_UNKNOWN")
            return
        told = {"Content-Type": "application/octet-stream", "Docker-Content-Digest": digest, "Accept-Ranges": "bytes"}
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        if asked is None or int(asked[1]) >= len(body):
            self._answer(HTTPStatus.OK, body, told)
            return
        first, last = int(asked[1]), min(int(asked[2] or len(body) - 1), len(body) - 1)
        told["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
        self._answer(HTTPStatus.PARTIAL_CONTENT, body[first : last + 1], told)

    def _missing(self, code: str) -> None:
        body = f'{{"errors":[{{"code":"{code}","message":"it is not here"}}]}}'.encode()
        self._answer(HTTPStatus.NOT_FOUND, body, {"Content-Type": "application/json"})

    def _answer(self, status: HTTPStatus, body: bytes, told: dict[str, str]) -> None:
        """In one piece: a second packet would wait for the first one's acknowledgement."""
        head = "".join(f"{name}: {value}\r\n" for name, value in {**told, "Content-Length": len(body)}.items())
        line = f"HTTP/1.1 {status.value} {status.phrase}\r\n{head}\r\n".encode()
        self.wfile.write(line + body if self.command == "GET" else line)


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
        """Ends what is still open, so that no thread waits for a client that sends no more."""
        super().server_close()
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_about: object) -> None:
        """A client that leaves in the middle is no trouble of the server's."""


def serve_leniently() -> tuple[LenientRegistry, _Server, threading.Thread]:
    """A registry that is up, what ends it, the thread that it lives in."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    handler.registry = LenientRegistry(server)
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
