"""A proxy in front of a registry, in a process of its own, that asks it one thing at a time.

Docker 26 pushes the manifests of an index side by side, all by the tag; Debian 12's registry writes a tag's file in two
steps, and answers 500 to who looks at that tag in between.
"""

from __future__ import annotations

import sys
import threading
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.real.process import Daemon, free_port, listens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.real.registry import Registry

_OWN = frozenset({"connection", "content-length", "transfer-encoding"})
"""Headers of one connection, or said anew."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.1"  # what begins TLS here is told so in HTTP, not by a page without a status line
    upstream: int
    turn = threading.Lock()

    def log_message(self, *_words: object) -> None:
        """Nobody reads it."""

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.turn, closing(HTTPConnection("127.0.0.1", self.upstream)) as registry:
            registry.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                registry.putheader(name, value)
            registry.endheaders(body)
            answer = registry.getresponse()
            answered = answer.read()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.headers.items():
            if name.lower() not in _OWN:
                self.send_header(name, value)
        self.send_header("Content-Length", answer.headers.get("Content-Length", str(len(answered))))
        self.end_headers()
        self.wfile.write(answered)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - http.server's own names


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_about: object) -> None:
        """A client that leaves in the middle is no trouble of the server's."""


@pytest.fixture(scope="session")
def queueing_registry(
    start_registry: Callable[..., Registry], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Registry]:
    """A registry at a port where it answers one request at a time, for what a Docker pushes."""
    registry, port = start_registry(), free_port()
    argv = [sys.executable, "-m", "tests.real.queueing_proxy", str(port), str(registry.port)]
    proxy = Daemon.start(argv, tmp_path_factory.mktemp("queueing-proxy"), lambda: listens(port))
    yield replace(registry, port=port)
    proxy.stop()


if __name__ == "__main__":
    _Handler.upstream = int(sys.argv[2])
    _Server(("127.0.0.1", int(sys.argv[1])), _Handler).serve_forever()
