"""The real command, run as a user runs it: over SSH, against the real registry, in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.real import command
from tests.real.sshd import Sshd

HOST = "under-test"
SCAN_WITHIN_S = 240


@dataclass(frozen=True)
class Scanner:
    """``archscan scan`` with one host behind ``sshd`` and one registry without TLS."""

    sshd: Sshd
    registry: str
    folder: Path
    engine: str = "docker"

    def scan(self, planned: Sequence[str] = (), depth: str = "binary") -> dict[str, dict[str, Any]]:
        """The findings by workload name."""
        document = self.report(planned, depth)
        assert [host["status"] for host in document["hosts"]] == ["ok"], document["hosts"]
        return {finding["workload"]: finding for finding in document["findings"]}

    def report(self, planned: Sequence[str] = (), depth: str = "binary") -> dict[str, Any]:
        """The whole document that the command prints."""
        config = self.folder / "archscan.yml"
        config.write_text(json.dumps(self._config(planned, depth)))  # JSON is YAML
        done = command.run("scan", "--config", config, "--format", "json", within_s=SCAN_WITHIN_S, cwd=self.folder)
        said = f"exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        assert done.returncode in {0, 1, 3}, said
        assert done.stdout.startswith("{"), said
        return json.loads(done.stdout)

    def _config(self, planned: Sequence[str], depth: str) -> dict[str, Any]:
        host = {
            "address": self.sshd.address,
            "port": self.sshd.port,
            "planned": [{"image": image, "engine": self.engine} for image in planned],
        }
        return {
            "inventory": [{"kind": "static", "defaults": {"user": self.sshd.user}, "hosts": {HOST: host}}],
            "ssh": {
                "identity_file": str(self.sshd.client_key),
                "known_hosts_file": str(self.sshd.known_hosts),
                "connect_timeout": "60s",
                "probe_timeout": "120s",
            },
            "registries": {self.registry: {"plain_http": True}},
            "scan": {"deadline": "200s", "depth": depth},
        }
