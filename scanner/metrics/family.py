"""One metric family: its name, type, labels or meaning are a public interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["gauge", "counter", "histogram", "info"]


@dataclass(frozen=True, slots=True)
class Family:
    """What is promised of one family.

    ``name`` is what a query writes (with ``_total`` or ``_info``, without ``_bucket``); ``unless`` tells when it has
    no samples; ``buckets`` are the upper bounds of a histogram.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    unless: str = ""
    buckets: tuple[float, ...] = ()

    @property
    def stem(self) -> str:
        """The family's name in OpenMetrics, which leaves the suffix to the samples."""
        match self.kind:
            case "counter":
                return self.name.removesuffix("_total")
            case "info":
                return self.name.removesuffix("_info")
            case _:
                return self.name
