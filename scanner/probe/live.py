"""Reads what a host's kernel shows of the processes in its containers."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from scanner.domain.facts import LiveProcess
from scanner.domain.failure import Failure
from scanner.domain.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.probe.answer import Answer

SECTION = "live"

MAX_PROCESSES = 2000
"""The probe looks at no more; it is the first of each container that say what it runs."""

MAX_WORD_CHARS = 4096
"""PATH_MAX of Linux."""

_LINE = re.compile(r"([0-9a-f]{64}|pid:[1-9][0-9]{0,9}) ([0-9a-f]{128}) ([^\t]*)\t(.*)", re.ASCII | re.DOTALL)
_DELETED = " (deleted)"
"""What the kernel puts behind the path of a file that was removed or replaced since (proc(5))."""


def read(answer: Answer) -> Mapping[str, tuple[LiveProcess, ...]]:
    """The processes by container id, or by ``pid:`` and the number of the first one where an engine's ids are names.

    What was not seen is not there: an older probe, no permission, processes that ended meanwhile. It is a witness in
    favour of a container, never against it, so that none of this is a gap; a section that is not whole shows nothing.
    """
    body = answer.succeeded(SECTION)
    if isinstance(body, Failure):
        return {}
    found: dict[str, list[LiveProcess]] = defaultdict(list)
    lines = body.decode("utf-8", "replace").split("\n")
    for line in lines[:MAX_PROCESSES]:
        said = _LINE.fullmatch(line)
        if said is not None:
            exe = printable(said[3].removesuffix(_DELETED), MAX_WORD_CHARS)
            argv0 = printable(said[4], MAX_WORD_CHARS)
            found[said[1]].append(LiveProcess(argv0, exe, bytes.fromhex(said[2])))
    return {key: tuple(processes) for key, processes in found.items()}
