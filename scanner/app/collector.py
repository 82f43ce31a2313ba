"""The garbage collector looks through what is new, rarely through all that a scan holds."""

from __future__ import annotations

import gc

COLLECT_AFTER = (10_000, 4, 1250)
"""Objects, then passes, then passes of those, between two passes of the collector.

The first two bound a pass, during which the loop answers nobody: some 10 ms over 10,000 new objects. Its own 10 as the third would
have it look through every fact of the fleet in each scan, for a quarter of its time. What is in cycles, some closed
connections, waits a little longer.
"""


def collect_rarely() -> None:
    """From a process's start: modules and a first scan only ever grow."""
    gc.set_threshold(*COLLECT_AFTER)


def calm_collector() -> None:
    """Spare the garbage collector what stays for good: modules, the last report."""
    gc.freeze()
    collect_rarely()
