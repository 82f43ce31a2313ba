"""``archscan serve`` on this machine, attacked while somebody asks for its health."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real import command
from tests.real.process import Daemon, free_port, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEALTH_WITHIN_S = 0.2
"""At every moment, with what whoever asks needs himself. What threads wait for a processor is not counted: others use it, too."""


class Stopwatch:
    """Seconds since it was made, without those for which the threads of some processes were ready but had no processor."""

    def __init__(self, *pids: int | str) -> None:
        self._folders = [Path(f"/proc/{pid}/task") for pid in pids]
        self._before = self._waited()
        self._began = time.monotonic()

    def seconds(self) -> float:
        """Until now."""
        took_s, after = time.monotonic() - self._began, self._waited()
        return took_s - sum(waited - self._before.get(task, 0) for task, waited in after.items()) / 1e9

    def _waited(self) -> dict[Path, int]:
        found = {}
        with contextlib.suppress(OSError):  # it ends at this moment
            for task in (task for folder in self._folders for task in folder.iterdir()):
                with contextlib.suppress(OSError):
                    found[task] = int((task / "schedstat").read_text().split()[1])
        return found


STOP_WITHIN_S = 10.0

TOKEN = "t" * 43


@dataclass
class Service:
    """One `archscan serve` in ``folder``; ``document`` is its configuration."""

    folder: Path
    document: dict
    url: str
    daemon: Daemon | None = None
    health_s: list[float] = field(default_factory=list)

    @property
    def port(self):
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def write(self, **sections):
        """Change the configuration file; sections that are ``None`` go."""
        self.document.update(sections)
        shown = {name: section for name, section in self.document.items() if section is not None}
        (self.folder / "archscan.yml").write_text(json.dumps(shown))

    def token(self, name, text):
        """A token's file, closed to others."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return name

    def ask(self, path, method="GET", body=None, token=TOKEN, timeout=30):
        """Status and body of one request."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(
            self.url + path, None if body is None else json.dumps(body).encode(), headers, method=method
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def reload(self):
        """Read the configuration again; status and words."""
        return self.ask("/-/reload", "POST")

    def report(self):
        """The published report."""
        return json.loads(self.ask("/api/v1/report")[1])

    def scan(self, within_s=300):
        """Have everything scanned; the report."""
        status, text = self.ask("/api/v1/scans", "POST", {})
        assert status == 202, text
        number = json.loads(text)["id"]
        until(lambda: json.loads(self.ask(f"/api/v1/scans/{number}")[1])["state"] == "done", "the scan's end", within_s)
        return self.report()

    @property
    def log(self):
        """All that it logged."""
        return self.daemon.log.read_text(errors="replace")

    @contextmanager
    def watched(self):
        """Ask for its health all the while; it must answer in time."""
        over, failures = threading.Event(), []

        def watch():
            while not over.wait(0.03):
                taken = Stopwatch("self", self.daemon.process.pid)
                try:
                    status = self.ask("/-/healthy", token=None, timeout=5)[0]
                except OSError as error:
                    status = repr(error)
                self.health_s.append(taken.seconds())
                if status not in {200, 503}:
                    failures.append(status)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        assert not failures
        assert self.slow() < HEALTH_WITHIN_S, f"health answered after {self.slow():.2f} s"

    def slow(self):
        """How long the slowest answer took."""
        return max(self.health_s, default=0.0)

    def stop(self):
        """SIGTERM, the seconds to the end."""
        began = time.monotonic()
        self.daemon.process.send_signal(signal.SIGTERM)
        try:
            self.daemon.process.wait(30)
        finally:
            self.daemon.stop()
        return time.monotonic() - began


@pytest.fixture
def serve(commands, tmp_path) -> Iterator[Callable[..., Service]]:
    """``serve(sections..., wait=True)``: a service over this machine; it must end in time and without a traceback."""
    running: list[Service] = []

    def start(*, wait=True, env=None, argv=(), **sections):
        url = f"127.0.0.1:{free_port()}"
        made = Service(tmp_path, {}, f"http://{url}")
        made.token("token", TOKEN)
        own = {
            "inventory": [{"kind": "local", "name": "box"}],
            "ssh": {"connect_timeout": "5s", "probe_timeout": "15s"},
            "scan": {"interval": "1h", "jitter": "0s", "deadline": "30s"},
            "store": {"url": f"sqlite:///{tmp_path}/archscan.db"},
            "web": {
                "listen": url,
                "tokens": [{"name": "test", "token_file": "token", "scopes": ["read", "gate", "operate"]}],
            },
        }
        made.write(**(own | sections))
        words = ["serve", "--config", tmp_path / "archscan.yml"]
        path = "/-/ready" if wait else "/-/healthy"

        def ready():
            return made.ask(path, token=None)[0] == 200

        if argv:
            made.daemon = Daemon.start([*argv, sys.executable, "-m", "scanner", *words], tmp_path, ready, env)
        else:
            made.daemon = command.daemon(*words, folder=tmp_path, ready=ready, env=env)
        running.append(made)
        return made

    yield start
    for each in running:
        ended = each.daemon.process.poll() is not None
        took = 0.0 if ended else each.stop()
        assert "Traceback" not in each.log, each.log[-3000:]
        assert took < STOP_WITHIN_S
