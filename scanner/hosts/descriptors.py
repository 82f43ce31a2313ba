"""As many connections as the system grants."""

from __future__ import annotations

import resource

MAX_DESCRIPTORS = 65_536
"""For ten thousand kept connections several times over; some systems grant a thousand million, which children close one by one."""


def raise_descriptors() -> None:
    """Use as many descriptors as the system grants: what Go's programs do by themselves."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
