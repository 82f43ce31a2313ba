"""How a command asks its fetcher, the process that asks hosts over SSH for it, what the fetcher says."""

from __future__ import annotations

import struct
from enum import IntEnum

ASKED = struct.Struct(">QI")
"""Before a host that is to be asked: the reading's number, how many bytes the host has; none where nobody waits for it any more."""

TOLD = struct.Struct(">QBI")
"""Before what the fetcher says: a reading's number, what follows (``Told``), how many bytes it has."""


class Told(IntEnum):
    """What a message of the fetcher is: the keys are read or cannot be used, the answer of a host or why there is none."""

    READY = 0
    TROUBLES = 1
    ANSWER = 2
    FAILURE = 3
