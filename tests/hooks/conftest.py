"""An archscan that listens, with made-up hosts: a for amd64, b for arm64; its registry offers amd64 alone."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from scanner.cli.gate.hooks import snippet
from scanner.metrics.metrics import Metrics
from scanner.probe.planned import folder
from scanner.service.service import Service
from scanner.store.store import Store
from scanner.web.http.access import Access, Scope, Token
from scanner.web.http.server import Server
from tests.service.environment import Adapters, Environment
from tests.web.conftest import ready_app

HOOKS = Path(__file__).parents[2] / "config" / "hooks"
TOKEN, OPERATOR = "a-token-of-some-length", "an-operator-s-token"


class _Adapters(Adapters):
    async def read_files(self, files):
        return folder.plans(files)


class Asked:
    """The listening archscan, and what asks it."""

    def __init__(self, environment, port, folder, metrics):
        self.environment, self.folder, self.metrics = environment, folder, metrics
        self.url = f"http://127.0.0.1:{port}"
        self.token = folder / "token"
        self.token.write_text(TOKEN + "\n")
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.bin / "archscan-gate").write_text(snippet())
        (self.bin / "archscan-gate").chmod(0o755)

    async def run(self, *words, folder=None, **variables):
        """Exit code, standard output, standard error of a program that finds archscan-gate on its PATH."""
        made = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "ARCHSCAN_SERVER": self.url,
            "ARCHSCAN_TOKEN_FILE": str(self.token),
            "ARCHSCAN_GATE_STATE": str(self.folder / "state"),
            "ARCHSCAN_GATE_CONF": str(self.folder / "gate.conf"),
            **{name: str(value) for name, value in variables.items()},
        }
        process = await asyncio.create_subprocess_exec(
            *map(str, words), env=made, cwd=folder or self.folder,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode, out.decode(), err.decode()

    async def gate(self, *words, **variables):
        return await self.run("sh", self.bin / "archscan-gate", *words, **variables)


@pytest.fixture
async def asked(tmp_path):
    environment = Environment()
    store = await Store.open("sqlite://", clock=environment.clock)
    metrics = Metrics("0")
    service = Service(
        environment.configuration, lambda _settings: _Adapters(environment), store, metrics, environment.clock
    )
    tokens = [
        Token("ci", hashlib.sha256(TOKEN.encode()).hexdigest(), frozenset({Scope.GATE})),
        Token("ops", hashlib.sha256(OPERATOR.encode()).hexdigest(), frozenset({Scope.OPERATE, Scope.READ})),
    ]
    app = ready_app(service, metrics, Access(tokens), clock=environment.clock)
    server = Server(app, "127.0.0.1", 0)
    await server.start()
    yield Asked(environment, server.port, tmp_path, metrics)
    await server.stop()
    await service.stop()
    await store.close()
