"""A read-only registry on loopback that speaks the distribution protocol."""

from __future__ import annotations

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

from scanner.demo.images import digest_of

if TYPE_CHECKING:
    from types import TracebackType

    from scanner.demo.images import Shelf


class DemoRegistry:
    """Serves a shelf on a free port of 127.0.0.1 while the context lasts; ``name`` is what references call it."""

    def __init__(self, shelf: Shelf) -> None:
        handler = type("Handler", (_Handler,), {"shelf": shelf})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="demo-registry", daemon=True)

    @property
    def name(self) -> str:
        """``127.0.0.1:port``."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Start to answer."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, with every connection closed."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    shelf: Shelf
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """A body goes out behind its head at once, not 40 ms later when whoever asked has acknowledged that."""
    timeout = 60

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it so
        """The demonstration talks of findings, not of requests."""

    def _answer(self, *, with_body: bool) -> None:
        found = self._find()
        if found is None:
            body = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
            self._send(HTTPStatus.NOT_FOUND, "application/json", body, with_body=with_body)
            return
        media_type, body = found
        self._send(HTTPStatus.OK, media_type, body, with_body=with_body)

    def _find(self) -> tuple[str, bytes] | None:
        """The document or blob of a path ``/v2/<repository>/(manifests|blobs)/<reference>``."""
        path = self.path.partition("?")[0].removeprefix("/v2/")
        for kind in ("manifests", "blobs"):
            repository, separator, reference = path.rpartition(f"/{kind}/")
            if not separator:
                continue
            if kind == "manifests":
                return self.shelf.documents.get((repository, reference))
            blob = self.shelf.blobs.get(reference)
            return ("application/octet-stream", blob) if blob is not None else None
        return None

    def _send(self, status: HTTPStatus, media_type: str, body: bytes, *, with_body: bool) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Docker-Content-Digest", digest_of(body))
        self.end_headers()
        if with_body:
            self.wfile.write(body)
