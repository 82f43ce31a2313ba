"""What a process with all that it started has used, but for the made-up fleet with its registry."""

import os
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6
FLEET = "fleet_server"
NOT_OURS: set[int] = set()
"""Further processes that stand for other machines."""


def of(pid: int) -> tuple[float, float]:
    """Seconds of processor time, those of children that ended included; MB that are resident."""
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = {int(child) for task in tasks for child in (task / "children").read_text().split()}
    except OSError:  # it ended meanwhile
        return 0.0, 0.0
    if FLEET in name or pid in NOT_OURS:
        return 0.0, 0.0
    used = [(sum(map(int, rest.split()[11:15])) * TICK_S, pages * PAGE_MB), *map(of, children)]
    return sum(one[0] for one in used), sum(one[1] for one in used)
