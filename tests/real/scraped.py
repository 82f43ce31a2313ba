"""A page on loopback for a real Prometheus to scrape."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextlib.contextmanager
def scraped(render):
    """Serves what ``render(accept)`` makes at each scrape, a content type and a body; the address is ``host:port``."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            content_type, body = render(self.headers["Accept"])
            with contextlib.suppress(ConnectionError):  # Prometheus hangs up when it is stopped amid a scrape
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
