"""The settings of a cluster, for the service as for its workers."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from scanner.settings.fields import Duration, FilePath, Section

MAX_LOCAL = 64
"""Processes on one machine: more processors than these are not had for reading hosts."""

MINUTE, HOUR = 60.0, 3600.0

_LOCAL = re.compile(r"local:([1-9][0-9]?)", re.ASCII)
_WANTED = "must be local:N (N from 1 to 64) or tls://HOST:PORT"


class Cluster(Section):
    """Processes that read hosts, on this machine or elsewhere; a plain string is its ``scheduler``."""

    scheduler: str | None = Field(
        default=None,
        description="local:N for N processes on this machine; tls://HOST:PORT for dask's scheduler, whose workers "
        "(archscan worker) read the hosts of their zones; the scanner itself reads where it is null.",
    )
    ca_file: FilePath | None = Field(default=None, description="CA in PEM of everybody in the cluster, for tls://.")
    cert_file: FilePath | None = Field(default=None, description="Our certificate in PEM, of that CA.")
    key_file: FilePath | None = Field(default=None, description="Its private key in PEM.")
    worker_wait: Duration = Field(
        default=30.0, ge=0.1, le=HOUR, description="How long a host waits for a worker that reads its zone."
    )
    silent_after: Duration = Field(
        default=10.0,
        ge=1,
        le=10 * MINUTE,
        description="When a worker that says nothing is taken for lost, so that others read its hosts.",
    )

    @property
    def local(self) -> int:
        """How many processes on this machine; 0 where there are none."""
        match = _LOCAL.fullmatch(self.scheduler or "")
        return int(match[1]) if match else 0

    @property
    def is_remote(self) -> bool:
        """Whether hosts are read by workers that have keys of their own."""
        return self.scheduler is not None and not self.local


class OrScheduler:
    """A cluster may be written as its scheduler alone."""

    @staticmethod
    def __get_pydantic_json_schema__(core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Text or a mapping."""
        return {"title": "Cluster", "anyOf": [{"type": "string", "minLength": 1}, handler(core)]}


def _cluster(value: Any) -> Any:
    return {"scheduler": value} if isinstance(value, str) else value


ClusterOrScheduler = Annotated[Cluster, BeforeValidator(_cluster), OrScheduler()]


def broken(cluster: Cluster) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every rule that the section breaks, with the setting that does."""
    files = {name: getattr(cluster, name) for name in ("ca_file", "cert_file", "key_file")}
    given = [name for name, path in files.items() if path is not None]
    if cluster.scheduler is None:
        return
    if cluster.scheduler.startswith("local:"):
        if not 1 <= cluster.local <= MAX_LOCAL:
            yield ("scheduler",), _WANTED
        for name in given:
            yield (name,), "is for tls:// alone: processes on this machine have certificates of their own"
        return
    scheme, host = _address(cluster.scheduler)
    if scheme == "tls":
        for name in [one for one in files if one not in given]:
            yield (name,), "is required for tls://"
    elif scheme == "tcp" and is_loopback(host):
        for name in given:
            yield (name,), "leaves no use for tcp://, which is not encrypted: write tls://"
    elif scheme == "tcp":
        yield ("scheduler",), "needs tls:// beyond this machine: whoever joins a cluster runs what he likes in it"
    else:
        yield ("scheduler",), _WANTED


def _address(text: str) -> tuple[str, str]:
    """Scheme and host of an address that is whole, else nothing."""
    try:
        parts = urlsplit(text)
        is_whole = bool(parts.hostname) and bool(parts.port) and not (parts.path or parts.query or parts.username)
    except ValueError:
        return "", ""
    return (parts.scheme, parts.hostname or "") if is_whole else ("", "")


def is_loopback(host: str) -> bool:
    """Whether only this machine is there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
