"""Hosts read over SSH: the only place that knows asyncssh.

While asyncssh is imported it looks for libraries of algorithms that are never offered here (liboqs for sntrup761, nettle
for UMAC). The search alone starts ``ldconfig``, and where there is a compiler ``gcc`` with ``ld``, eleven programs in all,
at each start of ours: it is told at once that there are none.
"""

from __future__ import annotations

import ctypes.util

_search = ctypes.util.find_library
ctypes.util.find_library = lambda name: None  # noqa: ARG005 -- its signature
try:
    import asyncssh  # noqa: F401 -- imported for those below
finally:
    ctypes.util.find_library = _search
