"""Offers words to a shell after a tab: reasons, statuses, the hosts of the inventory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from scanner.domain.verdict.reason import Reason, Status

if TYPE_CHECKING:
    from scanner.cli.operations import Operations


def reasons(incomplete: str) -> list[str]:
    """Every reason that begins so."""
    return [reason for reason in Reason if reason.startswith(incomplete)]


def statuses(incomplete: str) -> list[str]:
    """Every status that begins so."""
    return [status for status in Status if status.startswith(incomplete)]


def hosts(context: typer.Context, incomplete: str) -> list[str]:
    """The hosts of the inventory that begin so; none where there is no configuration that can be read."""
    from scanner.cli.operations import Common
    from scanner.errors import ServiceError, UsageError

    named = context.params.get("config")
    operations: Operations = context.obj()
    try:
        known = operations.hosts(Common(Path(named) if named else None, None, "error"), ())
    except (UsageError, ServiceError):
        return []
    return [host.name for host in known if host.name.startswith(incomplete)]
