"""What a container's health check runs, as its engine reads ``Test``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.facts import Source

if TYPE_CHECKING:
    from scanner.domain.facts import Process, Workload

SHELL = ("/bin/sh", "-c")
"""What runs CMD-SHELL (moby's daemon/health.go, where the image names no shell of its own)."""

_NOT_BY_IMAGE = frozenset({Source.KUBERNETES, Source.CONTAINERD, Source.NOMAD})
"""They never read an image's HEALTHCHECK."""


def checks_of(workload: Workload, image: Process | None) -> tuple[tuple[str, ...], ...]:
    """The commands that are run in a container beside its own: its health check, then exec probes with hooks."""
    own = workload.process.healthcheck if workload.process else None
    said = own if own is not None else (image.healthcheck if image and workload.source not in _NOT_BY_IMAGE else None)
    command = _command(said or ())
    return (*((command,) if command else ()), *workload.checks)


def _command(test: tuple[str, ...]) -> tuple[str, ...]:
    match test[:1]:
        case ("CMD",):
            return test[1:]
        case ("CMD-SHELL",):
            return (*SHELL, *test[1:2]) if len(test) > 1 else ()
        case _:
            return ()
