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


SHELLS = ("bash", "zsh", "fish")

TEACHING = ("--show-completion", "--install-completion")
"""Typer's own options take the shell that they are typed in, and would ignore the name of another."""


AT_THE_FIRST_TAB = """
if [ "$funcstack[1]" = _archscan ]; then
  _archscan_completion "$@"
fi
"""
"""zsh reads the file at the first tab, as the body of a function; Typer's only makes another one, so that this tab offered nothing."""


def teach(option: str, shell: str = "") -> None:
    """Print what teaches a shell our words, or put it where that shell reads it; the one that this is typed in without its name.

    Raises:
        UsageError: another shell, or its files cannot be written.
    """
    from typer._completion_shared import _get_shell_name
    from typer.completion import get_completion_script, install  # type: ignore[attr-defined] # it says of nothing that it is public

    from scanner.errors import UsageError

    shell = shell or _get_shell_name() or ""
    typed = f"{option} {shell}".rstrip()
    more = AT_THE_FIRST_TAB if shell == "zsh" else ""
    if shell not in SHELLS:
        raise UsageError(f"{typed}: write one of {', '.join(SHELLS)}")
    named = {"prog_name": "archscan", "complete_var": "_ARCHSCAN_COMPLETE"}
    if option == "--show-completion":
        print(get_completion_script(shell=shell, **named) + more)  # noqa: T201 -- data goes to stdout
        return
    try:
        _, path = install(shell=shell, **named)
        path.write_text(get_completion_script(shell=shell, **named) + more)
    except OSError as error:
        raise UsageError(f"{typed}: {error.filename}: {error.strerror}") from None
    print(f"{path} is written: start another {shell}")  # noqa: T201 -- what was done


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
