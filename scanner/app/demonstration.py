"""The made-up fleet as the service or a scan is configured with it."""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.app import logs
from scanner.demo.environment import environment
from scanner.service.configuration import Configuration
from scanner.settings.schema import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scanner.cli.operations import Common


@asynccontextmanager
async def demonstration(common: Common, port: int = 0) -> AsyncIterator[Configuration]:
    """The made-up fleet with its registry, alive for as long as the context lasts."""
    logs.configure(common.log_format or "logfmt", common.log_level or "warning")
    with tempfile.TemporaryDirectory(prefix="archscan-demo-") as folder:
        async with environment(Path(folder)) as (document, hosts):
            document["web"] = {"listen": f"127.0.0.1:{port}"}
            yield Configuration(Settings.model_validate(document), hosts)
