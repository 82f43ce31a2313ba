"""The last decision about each image on each host, for what must start when no new one can be had."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from scanner.domain.decision import Decision
from scanner.store.error import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.service.answers import Checked
    from scanner.store.store import Store

log = structlog.get_logger(__name__)

KIND = "gate_last"
"""The kind of the store's records that hold them, one for each image."""

MAX_IMAGES = 20_000
"""Images of which the last decision is known: what a fleet of ten thousand hosts deploys in a year."""

MAX_HOSTS = 2000
"""Hosts of one image; what is deployed to more of them is asked about by patterns."""

_SETTLED = frozenset({Decision.ALLOW, Decision.WARN, Decision.DENY})


@dataclass(frozen=True, slots=True)
class Last:
    """What was decided of an image, when (Unix seconds), why."""

    decision: Decision
    at: float
    why: str = ""


class GateMemory:
    """Remembers decisions that were none to wait for: by the image as it is written, by its digest."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store, self._clock = store, clock
        self._known: OrderedDict[str, dict[str, Last]] = OrderedDict()

    async def load(self) -> None:
        """Recall what was decided before a restart.

        Raises:
            StoreError: it could not be read.
        """
        for key, body in (await self._store.records(KIND)).items():
            hosts = body["hosts"]
            self._known[key] = {host: Last(Decision(said[0]), said[1], said[2]) for host, said in hosts.items()}

    def last(self, image: str, host: str) -> Last | None:
        """What was decided last of an image on a host."""
        return self._known.get(_key(image), {}).get(host)

    async def remember(self, checked: Checked) -> None:
        """Keep what was decided; what cannot be stored is known until the service ends."""
        changed: dict[str, None] = {}
        for ruling in checked.rulings:
            if ruling.decision not in _SETTLED:
                continue
            workload, verdict = ruling.finding.workload, ruling.finding.verdict
            last = Last(ruling.decision, self._clock(), f"{verdict.reason}: {verdict.detail}"[:500])
            for name in {workload.image, checked.pins.get(workload.image, "")} - {""}:
                key = _key(name)
                hosts = self._known.setdefault(key, {})
                before = hosts.get(workload.host)
                if before is None or before.decision is not last.decision:
                    changed[key] = None
                if before is not None or len(hosts) < MAX_HOSTS:
                    hosts[workload.host] = last
                self._known.move_to_end(key)
        await self._store_all(changed)

    async def _store_all(self, changed: dict[str, None]) -> None:
        try:
            for key in changed:
                said = {host: [str(one.decision), one.at, one.why] for host, one in self._known[key].items()}
                await self._store.put_record(KIND, key, {"hosts": said})
            while len(self._known) > MAX_IMAGES:
                oldest, _ = self._known.popitem(last=False)
                await self._store.delete_record(KIND, oldest)
        except StoreError as error:
            log.warning("decisions_not_kept", error=str(error))


def _key(image: str) -> str:
    """References have up to 512 characters, keys fewer."""
    return hashlib.sha256(image.encode()).hexdigest()
