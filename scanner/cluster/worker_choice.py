"""Which worker reads a host: always the same one, as long as it is there."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ZONE_LABEL = "zone"
"""The label of a host that says from where it can be reached; a host without it is read by workers without a zone."""

OPEN = "open"
"""What is told of a worker that reads hosts without a zone."""


def zone_resource(zone: str) -> str:
    """What a worker that reads the hosts of a zone offers, in dask's words a resource."""
    return f"zone {zone}" if zone else OPEN


def version_resource(version: str) -> str:
    """What a worker of this version offers."""
    return f"archscan {version}"


def version_of(offers: Iterable[str]) -> str:
    """What a worker runs, for people."""
    return next((offer for offer in sorted(offers) if offer.startswith("archscan ")), "no archscan")


def chosen(host: str, workers: Iterable[str]) -> str:
    """The worker of a host, by its name: when one joins or leaves, only its own hosts move (rendezvous hashing).

    Raises:
        ValueError: there are no workers.
    """
    return max(workers, key=lambda worker: (_weight(host, worker), worker))


def _weight(host: str, worker: str) -> bytes:
    return blake2b(f"{worker}\0{host}".encode(), digest_size=8).digest()
