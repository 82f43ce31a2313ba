"""Fuzzes the API of a real service with schemathesis: ``python -m tests.fuzz.api --examples 300``."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from tests.fuzz.api_service import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("schemathesis.toml")
DESCRIPTION = "/api/v1/openapi.json"
READY_S = 60.0


@contextmanager
def service(folder: Path) -> Iterator[tuple[str, str]]:
    """The address of a real service that has scanned once, beside its registry's."""
    words = [sys.executable, "-m", "tests.fuzz.api_service", str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port, registry = process.stdout.readline().split()
            address = f"http://127.0.0.1:{int(port)}"
            wait_for(address)
            yield address, registry
        finally:
            process.terminate()


def wait_for(address: str) -> None:
    """Until the first scan has ended."""
    transport = httpx.HTTPTransport(retries=3)
    with httpx.Client(transport=transport, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=READY_S) as client:
        asked = client.post(f"{address}/api/v1/scans", json={}).raise_for_status().json()
        with client.stream("GET", f"{address}/api/v1/scans/{asked['id']}/events") as events:
            for _ in events.iter_lines():
                pass


def fuzz(
    address: str, registry: str, examples: int, seed: int, folder: Path, *more: str
) -> subprocess.CompletedProcess[str]:
    """What schemathesis says of the service, in all its phases."""
    words = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    words += [
        "--config-file",
        str(CONFIG),
        "run",
        address + DESCRIPTION,
        "--header",
        f"Authorization: Bearer {TOKEN}",
        "--no-color",
    ]
    words += ["--max-examples", str(examples), "--seed", str(seed), *more]
    hooks = {"SCHEMATHESIS_HOOKS": "tests.fuzz.api_hooks", "ARCHSCAN_FUZZ_REGISTRY": registry, "PYTHONPATH": str(ROOT)}
    environ = os.environ | hooks
    return subprocess.run(words, cwd=folder, text=True, capture_output=True, check=False, env=environ)


def main() -> int:
    """Print what was found; 0 where that is nothing."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--examples", type=int, default=300)
    asked.add_argument("--seed", type=int, default=1)
    said = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder, service(Path(folder)) as (address, registry):
        found = fuzz(address, registry, said.examples, said.seed, Path(folder))
    print(found.stdout, found.stderr)
    return found.returncode


if __name__ == "__main__":
    sys.exit(main())
