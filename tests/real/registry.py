"""A real registry (distribution) on loopback."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.real.images import Pusher
from tests.real.process import Daemon, free_port, listens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class Registry:
    """A running registry; ``address`` is the first part of its references."""

    host: str
    port: int
    daemon: Daemon

    def stored(self, path: str) -> Path:
        """A file or folder that it keeps, below ``docker/registry/v2`` of its storage."""
        return self.daemon.log.parent / "blobs" / "docker" / "registry" / "v2" / path

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"


@pytest.fixture(scope="session")
def start_registry(
    require: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Registry]]:
    """``start_registry(auth={"htpasswd": {...}}, http={"tls": {...}})``: a registry of its own."""
    program = require("docker-registry", "docker-registry")
    started: list[Daemon] = []

    def start(**sections: dict[str, object]) -> Registry:
        folder, port = tmp_path_factory.mktemp("registry"), free_port()
        http = {"addr": f"127.0.0.1:{port}"} | sections.pop("http", {})
        config = {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(folder / "blobs")}, "delete": {"enabled": True}},
            "http": http,
        } | sections
        file = folder / "config.yml"
        file.write_text(json.dumps(config))  # JSON is YAML
        started.append(Daemon.start([program, "serve", file], folder, lambda: listens(port)))
        return Registry("127.0.0.1", port, started[-1])

    yield start
    for daemon in started:
        daemon.stop()


@pytest.fixture(scope="session")
def registry(start_registry: Callable[..., Registry]) -> Registry:
    """One open registry, shared by all tests of a worker."""
    return start_registry()


@pytest.fixture(scope="session")
def pusher(registry: Registry) -> Pusher:
    """Pushes images to ``registry``."""
    return Pusher(registry.host, registry.port)
