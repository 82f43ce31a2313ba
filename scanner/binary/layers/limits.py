"""The limits of what reading one image may cost."""

from __future__ import annotations

from dataclasses import dataclass

from scanner.domain.failure import Failure
from scanner.domain.verdict.condition import Condition
from scanner.domain.verdict.reason import Reason

MIB = 1024 * 1024

MAX_LAYERS = 512
"""The engines' own stores stop at 125 (overlayfs) or 128 (aufs); an image with more than this is an attack."""

MAX_ENTRIES = 1_000_000
"""Files of all layers together: the largest public images (CUDA with conda) stay below 600,000."""

MAX_NAME_BYTES = 128 * MIB
"""Names and link targets kept in memory: a million entries of the usual 80 bytes fit, names of 4 KiB each do not."""

MAX_UNPACKED_BYTES = 64 * 1024 * MIB
"""Unpacked bytes of all layers together: four times the largest public GPU images."""

MAX_RATIO = 200
"""Unpacked bytes per stored byte. File systems pack 2 to 5 times, sparse databases up to 100; a bomb starts at 1,000."""

RATIO_FREE_BYTES = 32 * MIB
"""Unpacked bytes of one layer before the ratio counts, so that one small file of zeros is no bomb; 0.1 s of one core."""

MAX_READ_S = 120.0
"""Seconds for one image: a 5 GB image over 1 Gbit/s is read in half of it."""

WORTH_STOPPING_BYTES = 1 * MIB
"""What an early stop, where one is allowed, has to save at least: below that the proof of a whole layer is worth more."""

PIECE_BYTES = 128 * 1024
"""Unpacked bytes handled at a time; between two pieces the event loop gets its turn (0.1 to 1 ms of work)."""

MAX_LOOKUP_PARTS = 8192
"""Components of one look-up, those of its symlinks included: 40 links of PATH_MAX could spell many more."""

READ_AGAIN_BYTES = 32 * MIB
"""Of a stored layer that is read once more for the texts of modules; what a larger one holds is left to the survey."""

NAMES_A_MICROSECOND = 8
"""Names of a layer that are looked through in that time."""


@dataclass(frozen=True, slots=True)
class LayerLimits:
    """The bounds of one inspection; reaching one is ``layer_limit``, never a shorter answer."""

    layers: int = MAX_LAYERS
    entries: int = MAX_ENTRIES
    name_bytes: int = MAX_NAME_BYTES
    unpacked_bytes: int = MAX_UNPACKED_BYTES
    ratio: int = MAX_RATIO
    ratio_free_bytes: int = RATIO_FREE_BYTES
    read_s: float = MAX_READ_S
    worth_stopping_bytes: int = WORTH_STOPPING_BYTES


class LayerError(Exception):
    """A layer cannot be read any further; stays inside this package, where it becomes ``Program.problem``.

    ``condition`` is what engines may refuse the layer for, ``None`` where only we read no further.
    """

    def __init__(self, failure: Failure, condition: Condition | None = None) -> None:
        super().__init__(f"{failure.reason}: {failure.detail}")
        self.failure = failure
        self.condition = condition


def limit_reached(what: str) -> LayerError:
    """The error for a bound that was reached."""
    return LayerError(Failure(Reason.LAYER_LIMIT, what))


def unreadable(what: str, condition: Condition | None = Condition.LAYER_DAMAGED) -> LayerError:
    """The error for bytes that are not what a layer must be, to the engines that hold to ``condition``.

    ``None`` where it may be the transport's fault, so that no engine need find the same.
    """
    return LayerError(Failure(Reason.LAYER_UNREADABLE, what), condition)


def disputed(what: str) -> LayerError:
    """The error for what engines, or their storage drivers, are known to treat differently."""
    return LayerError(Failure(Reason.LAYER_UNKNOWN, what))
