"""Whether a container has started, as its engine or its kernel shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.facts import Stage
from scanner.domain.platform.elf_machine import platform_of
from scanner.domain.verdict.evidence_layers import Conclusion
from scanner.domain.verdict.execution import How, executes
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Evidence

if TYPE_CHECKING:
    from scanner.domain.facts import Kernel, LiveProcess, Workload

SETTLED_S = 60
"""How long a container must be up since its last start before that start counts: crash loops back off to a minute."""

_UP = frozenset({"running", "paused"})
_ENDED = frozenset({"exited", "restarting", "dead", "stopped"})

NEVER_STARTED_CODES = frozenset({126, 127, 132, 135, 139, 159})
"""How programs end that a shell, loader or CPU refused; SIGILL, SIGBUS, SIGSEGV, SIGSYS among them (128 + signal)."""


def is_up(workload: Workload) -> bool:
    """Whether it runs now, be it paused."""
    return workload.stage is Stage.RUNNING and workload.state in _UP


def has_stood(workload: Workload) -> bool:
    """Whether it is up, and this is no moment between two crashes.

    Of one that is up for less than a minute, or for nobody knows how long, only a first start is believed; within the
    minute only where the kernel shows what it executes.
    """
    if not is_up(workload) or workload.settled:
        return is_up(workload)
    seen = workload.settled is None or any(platform_of(process.head) for process in workload.live or ())
    return workload.restart_count == 0 and seen


def has_started(workload: Workload) -> bool:
    """Whether it is up, or did what it had to do: a program that never started cannot end with 0."""
    return has_stood(workload) or (workload.state == "exited" and workload.exit_code == 0)


def last_exit_code(workload: Workload) -> int | None:
    """How its last run ended; ``None`` while it runs, or where nobody told."""
    if workload.stage is Stage.PLANNED or workload.state not in _ENDED:
        return None
    return workload.exit_code


def kernel_shows(kernel: Kernel, workload: Workload) -> Conclusion | None:
    """What the executables of its running processes prove; ``None`` where nothing was seen, or not for long enough.

    The first bytes are of what the kernel executes: behind an emulator that is the emulator itself.
    """
    if not is_up(workload) or workload.settled is not True or not workload.live:
        return None
    shown = [_shown(kernel, process) for process in workload.live]
    fates = [outcome for outcome in shown if outcome is not None]
    if not fates:
        return None
    emulated = next((outcome for outcome in fates if outcome.reason is not Reason.NATIVE), None)
    found = emulated or fates[0]
    evidence = tuple(piece for outcome in fates for piece in outcome.evidence)
    return Conclusion(found.reason, found.detail, found.path, tuple(dict.fromkeys(evidence)))


def _shown(kernel: Kernel, process: LiveProcess) -> Conclusion | None:
    """What one process proves; an executable that nobody could read proves nothing."""
    need = platform_of(process.head)
    if need is None:
        return None
    if emulator := _emulator(kernel, process.exe):
        detail = f"{process.argv0 or process.exe} runs through the emulator {process.exe} ({emulator})"
        return Conclusion(Reason.EMULATED, detail, process.exe, (Evidence("kernel", detail),))
    if executes(kernel, need).how is How.NO:
        return None  # what runs is no proof against itself: the reading of the host errs somewhere
    says = Evidence("kernel", f"{process.exe or process.argv0} runs: ELF {need}")
    return Conclusion(Reason.NATIVE, "", process.exe, (says,))


def _emulator(kernel: Kernel, exe: str) -> str:
    """The binfmt_misc handler whose interpreter this is."""
    entries = kernel.binfmt.entries if kernel.binfmt else ()
    return next((entry.name for entry in entries if exe and entry.interpreter == exe), "")
