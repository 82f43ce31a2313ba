"""A real archscan on loopback for API fuzzing: the demonstration's hosts and registry, a store, a trail, tokens."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from scanner.app import logs
from scanner.app.serve import run
from scanner.app.version import VERSION
from scanner.demo.environment import environment
from scanner.domain.host import Host
from scanner.service.configuration import Configuration
from scanner.settings.schema import Settings

TOKEN = "t" * 40
"""May do everything that one token may."""

SCOPES = ("read", "gate", "operate", "rollback", "rollback_agent")

HOSTS = 2
"""Of the demonstration's: every scan that is asked for reads them."""


def settings(document: dict[str, Any], folder: Path) -> Settings:
    """The demonstration's, with everything that a caller could ask for switched on."""
    token = {"name": "fuzzer", "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest(), "scopes": SCOPES}
    return Settings.model_validate(
        document
        | {
            "web": {"listen": "127.0.0.1:0", "tokens": (token,)},
            "store": {"url": f"sqlite:///{folder}/archscan.db"},
            "scan": {"interval": "1h", "jitter": "0s", "deadline": "20s"},
        }
    )


async def main(folder: Path) -> None:
    """Serve until SIGTERM; port, then registry stand on the first line."""
    logs.configure("logfmt", "error")
    (folder / "demo").mkdir()
    async with environment(folder / "demo") as (document, hosts):
        known = tuple(replace(host, planned=()) for host in hosts[:HOSTS])
        assert all(isinstance(host, Host) for host in known)
        made = Configuration(settings(document, folder), known)
        await run(lambda: made, made.settings, VERSION, lambda port: print(port, *document["registries"], flush=True))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
