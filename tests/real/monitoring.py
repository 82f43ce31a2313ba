"""The real Prometheus and Alertmanager, with a receiver for what they send."""

from __future__ import annotations

import json
import threading
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.real.process import READY_WITHIN_S, Daemon, free_port, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


def fetch(url: str, timeout_s: float = 10) -> bytes:
    """The body of a plain GET, from loopback whatever proxy the environment names."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=timeout_s) as answer:
        return answer.read()


@dataclass
class Prometheus:
    """A running Prometheus and its query API."""

    url: str
    daemon: Daemon

    def get(self, path: str, **parameters: str) -> Any:
        """The ``data`` of an API answer."""
        return json.loads(fetch(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"))["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The labels and value of each series now."""
        return [(row["metric"], float(row["value"][1])) for row in self.get("query", query=expression)["result"]]

    def alerts(self) -> list[dict[str, Any]]:
        """What is pending or firing."""
        return self.get("alerts")["alerts"]

    def wait_for(self, expression: str, within_s: float = READY_WITHIN_S) -> list[tuple[dict[str, str], float]]:
        """The series of ``expression`` as soon as there are any."""
        return until(lambda: self.query(expression), f"{expression} in Prometheus", within_s)  # type: ignore[return-value] # until returns what its argument returns


def _prometheus(
    require: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Prometheus]]:
    """``prometheus(rules=[path], targets=["127.0.0.1:9719"], alertmanagers=[...], config={...})``: a server that scrapes each second."""
    program = require("prometheus", "prometheus")
    started: list[Daemon] = []

    def start(
        rules: Sequence[Path] = (),
        targets: Sequence[str] = (),
        alertmanagers: Sequence[str] = (),
        config: dict[str, Any] | None = None,
        arguments: Sequence[str] = (),
    ) -> Prometheus:
        folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
        content = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rule) for rule in rules],
            "scrape_configs": [{"job_name": "archscan", "static_configs": [{"targets": list(targets)}]}],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]},
        } | (config or {})
        file = folder / "prometheus.yml"
        file.write_text(json.dumps(content))  # JSON is YAML
        url = f"http://127.0.0.1:{port}"
        argv = [
            program, f"--config.file={file}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-lifecycle", "--log.level=warn", *arguments,
        ]  # fmt: skip
        started.append(Daemon.start(argv, folder, lambda: fetch(f"{url}/-/ready")))
        return Prometheus(url, started[-1])

    yield start
    for daemon in started:
        daemon.stop()


prometheus = pytest.fixture(_prometheus, name="prometheus")
lasting_prometheus = pytest.fixture(_prometheus, name="lasting_prometheus", scope="module")
"""The same for all tests of a module, where many ask and none changes it."""


@dataclass
class Alertmanager:
    """A running Alertmanager; ``address`` is what Prometheus is told."""

    address: str
    daemon: Daemon

    @property
    def url(self) -> str:
        """Its root."""
        return f"http://{self.address}"

    def post(self, alerts: list[dict[str, Any]]) -> None:
        """Hand it alerts as Prometheus would."""
        body = json.dumps(alerts).encode()
        request = urllib.request.Request(
            f"{self.url}/api/v2/alerts", body, {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            answer.read()

    def alerts(self) -> list[dict[str, Any]]:
        """What it holds, with what inhibits each."""
        return json.loads(fetch(f"{self.url}/api/v2/alerts"))


@pytest.fixture
def alertmanager(
    require: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Path], Alertmanager]]:
    """``alertmanager(config_file)``: a single Alertmanager, no cluster."""
    program = require("prometheus-alertmanager", "prometheus-alertmanager")
    started: list[Daemon] = []

    def start(config: Path) -> Alertmanager:
        folder, address = tmp_path_factory.mktemp("alertmanager"), f"127.0.0.1:{free_port()}"
        argv = [
            program, f"--config.file={config}", f"--storage.path={folder}/data", f"--web.listen-address={address}",
            "--cluster.listen-address=", "--log.level=warn",
        ]  # fmt: skip
        started.append(Daemon.start(argv, folder, lambda: fetch(f"http://{address}/-/ready")))
        return Alertmanager(address, started[-1])

    yield start
    for daemon in started:
        daemon.stop()


@dataclass
class Webhook:
    """What was posted here, oldest first."""

    url: str
    received: list[dict[str, Any]] = field(default_factory=list)

    def wait_for(self, count: int = 1, within_s: float = READY_WITHIN_S) -> list[dict[str, Any]]:
        """The posts, once there are ``count``."""
        until(lambda: len(self.received) >= count, f"{count} posts to the webhook, so far {self.received}", within_s)
        return self.received


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """An HTTP receiver that keeps each JSON body."""
    hook = Webhook("")

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = False  # so that closing waits for answers under way
    hook.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield hook
    server.shutdown()
    thread.join()
    server.server_close()
