"""Hosts read over SSH: the only place that knows asyncssh.

While asyncssh is imported it looks for libraries of algorithms that are never offered here (liboqs for sntrup761, nettle
for UMAC). The search alone starts ``ldconfig``, and where there is a compiler ``gcc`` with ``ld``, eleven programs in all,
at each start of ours: it is told at once that there are none. It is not imported for that: who connects to nobody waits
for it in vain.
"""

from __future__ import annotations

import ctypes.util

_NEVER_OFFERED = frozenset({"oqs", "liboqs", "nettle", "libnettle", "libnettle-6"})

_search = ctypes.util.find_library


def _find_library(name: str) -> str | None:
    return None if name in _NEVER_OFFERED else _search(name)


ctypes.util.find_library = _find_library
