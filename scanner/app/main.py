"""The program's start: nothing is imported before a command needs it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from scanner import cli

if TYPE_CHECKING:
    from scanner.cli.operations import Operations


def main() -> None:
    """Run the command line."""
    sys.exit(cli.run(_operations, _version))


def _operations() -> Operations:
    from scanner.app.commands import Application  # noqa: PLC0415 -- takes a second, for nothing where help is asked for

    return Application()


def _version() -> str:
    from scanner.app.version import VERSION  # noqa: PLC0415 -- reading the metadata costs more than half a --help

    return VERSION
