"""Offers words to a shell after a tab: reasons, statuses, platforms, hosts of the inventory, images of the last scan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from scanner.domain.verdict.reason import Reason, Status

if TYPE_CHECKING:
    from scanner.cli.operations import Common, Operations

PLATFORMS = (
    "linux/386", "linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64", "linux/ppc64le", "linux/riscv64", "linux/s390x",
)  # fmt: skip
"""What public images are built for."""


def reasons(incomplete: str) -> list[str]:
    """Every reason that begins so."""
    return [reason for reason in Reason if reason.startswith(incomplete)]


def statuses(incomplete: str) -> list[str]:
    """Every status that begins so."""
    return [status for status in Status if status.startswith(incomplete)]


def hosts(context: typer.Context, incomplete: str) -> list[str]:
    """The hosts of the inventory that begin so; none where there is no configuration that can be read."""
    from scanner.errors import ServiceError, UsageError

    operations, common = _asked(context)
    try:
        known = operations.hosts(common, ())
    except (UsageError, ServiceError):
        return []
    return [host.name for host in known if host.name.startswith(incomplete)]


def platforms(incomplete: str) -> list[str]:
    """The usual platforms that begin so."""
    return [platform for platform in PLATFORMS if platform.startswith(incomplete)]


def images(context: typer.Context, incomplete: str) -> list[str]:
    """The images of the last scan in the store that begin so; none where there is none."""
    from scanner.errors import ServiceError, UsageError

    operations, common = _asked(context)
    try:
        known = operations.known_images(common)
    except (UsageError, ServiceError):
        return []
    return sorted(image for image in known if image.startswith(incomplete))


def _asked(context: typer.Context) -> tuple[Operations, Common]:
    from scanner.cli.operations import Common

    named = context.params.get("config")
    return context.obj(), Common(Path(named) if named else None, None, "error")
