"""Reads a container's health check as its engine reads ``Test``: the command that it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.facts import Source

if TYPE_CHECKING:
    from scanner.domain.facts import Process, Workload

SHELL = ("/bin/sh", "-c")
"""What runs CMD-SHELL (moby's daemon/health.go, where the image names no shell of its own)."""

_BY_A_SHELL_OF_ITS_OWN = frozenset({Source.PODMAN, Source.QUADLET})
"""Podman passes over the shell that an image names (libpod's healthcheck.go)."""

_NOT_BY_IMAGE = frozenset({Source.KUBERNETES, Source.CONTAINERD, Source.NOMAD})
"""They never read an image's HEALTHCHECK."""


def checks_of(workload: Workload, image: Process | None) -> tuple[tuple[str, ...], ...]:
    """The commands that are run in a container beside its own: its health check, then exec probes with hooks."""
    own = workload.process.healthcheck if workload.process else None
    said = own if own is not None else (image.healthcheck if image and workload.source not in _NOT_BY_IMAGE else None)
    named = image.shell if image and workload.source not in _BY_A_SHELL_OF_ITS_OWN else None
    command = _command(said or (), named or SHELL)
    return (*((command,) if command else ()), *workload.checks)


def _command(test: tuple[str, ...], shell: tuple[str, ...]) -> tuple[str, ...]:
    match test[:1]:
        case ("CMD",):
            return test[1:]
        case ("CMD-SHELL",):
            return (*shell, *test[1:2]) if len(test) > 1 else ()
        case _:
            return ()
