"""Puts what really exists where schemathesis made up a text: so its requests get past the first look-up."""

from __future__ import annotations

import os
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import schemathesis

HOSTS = ("web-1", "edge-1", "*")
WORKLOADS = ("api", "worker", "collector")
PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7")
REPOSITORIES = ("shop/api:1.4", "shop/worker:2.0", "edge/sensor:0.9", "nobody/knows:1")
REGISTRY = os.environ.get("ARCHSCAN_FUZZ_REGISTRY", "registry.invalid")

KNOWN = {
    "host": HOSTS,
    "hosts": HOSTS,
    "target": HOSTS[:2],
    "workload": WORKLOADS,
    "platform": PLATFORMS,
    "platforms": PLATFORMS,
    "to": PLATFORMS,
    "image": tuple(f"{REGISTRY}/{one}" for one in REPOSITORIES),
    "images": tuple(f"{REGISTRY}/{one}" for one in REPOSITORIES),
}


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """A valid text becomes one that means something, three times of four; what is invalid stays so."""
    return {name: known(name, value) for name, value in body.items()} if isinstance(body, dict) else body


@schemathesis.hook
def map_query(context: schemathesis.HookContext, query: Any) -> Any:
    """The same of a query."""
    return {name: known(name, value) for name, value in query.items()} if isinstance(query, dict) else query


def known(name: str, value: Any) -> Any:
    """What exists instead of a text of this name."""
    if isinstance(value, list):
        return [known(name, one) for one in value]
    chance = zlib.crc32(repr(value).encode("utf-8", "surrogatepass"))
    if not isinstance(value, str) or not 0 < len(value) <= 32 or chance % 4 == 0:
        return value
    if name == "until":
        return soon(value, chance)
    choices = KNOWN.get(name, ())
    return choices[chance // 4 % len(choices)] if choices else value


def soon(value: str, chance: int) -> str:
    """A moment of the next days instead of any other."""
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return value
    return (datetime.now(UTC) + timedelta(hours=1 + chance % 100)).isoformat(timespec="seconds")
