"""Answers that hosts push, from their arrival to the scan that reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from scanner.hosts.pushed import PLACE
from scanner.service.answers import Refusal, RefusalReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.service.reloading import Reloading

log = structlog.get_logger(__name__)

TRY_AGAIN_S = 60.0
"""A full disk is not emptied sooner."""


@dataclass(frozen=True, slots=True)
class Received:
    """A host's answer, kept since ``at`` (Unix seconds)."""

    host: str
    at: float


class Pushing:
    """Takes the answers of inventory hosts that push; what another host sends is never looked at."""

    def __init__(self, reloading: Reloading, clock: Callable[[], float]) -> None:
        self._reloading, self._clock = reloading, clock

    async def receive(self, name: str, raw: bytes, by: str) -> Received | Refusal:
        """Keep the answer of the host ``name``; the next scan judges it as it judges every other host's."""
        configuration, adapters = self._reloading.current
        host = next((host for host in configuration.hosts if host.name == name and host.pushed), None)
        if host is None:
            return Refusal(RefusalReason.HOST_NOT_PUSHED, f"{name} is no host of the inventory that pushes")
        with self._reloading.using(adapters):
            failure = await adapters.receive(host, raw)
        if failure is None:
            log.debug("answer_pushed", host=name, by=by, bytes=len(raw))
            return Received(name, self._clock())
        if failure.setting == PLACE:
            log.warning("push_failed", host=name, by=by, error=failure.detail)
            return Refusal(RefusalReason.PUSH_FAILED, failure.detail, TRY_AGAIN_S)
        return Refusal(RefusalReason.ANSWER_INVALID, failure.detail)
