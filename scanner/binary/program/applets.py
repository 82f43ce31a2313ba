"""The programs that a busybox shell has in itself, whether or not files of PATH are called so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.binary.program.busybox import APPLETS, RARER_APPLETS
from scanner.binary.program.launch.launchers import MIN_MULTI_CALL_BYTES
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.program.content import Content
    from scanner.binary.program.execve import Run
    from scanner.binary.program.steps import Next


def doubt(step: Next, run: Run) -> str:
    """Why a name that a busybox shell starts may be its own applet; empty where it is not.

    Builds with FEATURE_PREFER_APPLETS, Debian's among them, look for no file. Their bytes do not tell that.
    """
    name = step.command.argv[0]
    if step.busybox is None or "/" in name:
        return ""
    if run.problem is not None and run.problem.reason is Reason.ENTRYPOINT_MISSING:
        missing = f"{name}, which no file of PATH is called, and which some builds of busybox have in themselves"
        return missing if name in (step.busybox.applets or APPLETS | RARER_APPLETS) else ""
    if step.busybox.applets is None and step.busybox.size < MIN_MULTI_CALL_BYTES:
        return ""
    if name not in (step.busybox.applets or APPLETS | RARER_APPLETS) or _is_itself(step.busybox, run):
        return ""
    return f"{name}, which some builds of busybox run in themselves, whatever file of PATH is called so"


def _is_itself(busybox: Content, run: Run) -> bool:
    """Whether a file is busybox, by a link of whatever kind."""
    first = run.first
    return first is not None and (first.size, first.elf, first.header) == (busybox.size, busybox.elf, busybox.header)
