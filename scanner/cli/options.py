"""Options that mean the same on every command."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import completion
from scanner.cli.outcome import FailOn
from scanner.domain.verdict.verdict import Depth
from scanner.errors import UsageError

if TYPE_CHECKING:
    from scanner.cli.operations import Common


class Format(StrEnum):
    """How a report is written."""

    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"
    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"


class PlainFormat(StrEnum):
    """How anything else than a report is written."""

    TABLE = "table"
    JSON = "json"


class LogFormat(StrEnum):
    """How log lines are written."""

    LOGFMT = "logfmt"
    JSON = "json"


class LogLevel(StrEnum):
    """The least severity that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", "--config.file", "-c", envvar="ARCHSCAN_CONFIG", metavar="FILE", help="The configuration file."
    ),
]
LogFormatOption = Annotated[
    LogFormat | None, typer.Option("--log.format", help="How log lines are written (default: the file's log.format).")
]
LogLevelOption = Annotated[
    LogLevel | None, typer.Option("--log.level", help="Least severity written (default: the file's log.level).")
]
HostOption = Annotated[
    list[str] | None,
    typer.Option(
        "--host",
        "-H",
        metavar="PATTERN",
        help="Only hosts that match: a name, a glob (edge-*), a label (team=web), !PATTERN to leave out. Repeatable.",
        autocompletion=completion.hosts,
    ),
]
LabelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        "-l",
        metavar="KEY=VALUE",
        help="Hosts with this label too (team=web, zone=eu-*), beside those of --host. Repeatable.",
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How the result is written to stdout.")]
FailOnOption = Annotated[
    FailOn, typer.Option("--fail-on", help="The least status that makes the command exit 1; mismatch includes broken.")
]
PlainOption = Annotated[PlainFormat, typer.Option("--format", "-f", help="How the result is written to stdout.")]


def writable(context: typer.Context, option: typer.CallbackParam, path: Path | None) -> Path | None:
    """The file, where one can be written: nobody waits for a scan whose result has nowhere to go.

    Raises:
        UsageError: it cannot.
    """
    if path is None or context.resilient_parsing:
        return path
    from scanner.formats import files

    is_there = files.is_there(path)
    written = path if is_there else path.parent
    why = ""
    if files.is_folder(path):
        why = "Is a directory: name a file in it"
    elif not is_there and not files.is_folder(written):
        why = f"there is no directory {written}: create it first"
    elif not os.access(written, os.W_OK):
        why = "Permission denied"
    if why:
        raise UsageError(f"{option.opts[0]} {path}: {why}")
    return path


OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        callback=writable,
        help="Write the result into this file, not to stdout.",
    ),
]
QuietOption = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Say nothing on stdout and draw no bar: the exit code, or --output, is enough."),
]
DepthChoice = Annotated[
    Depth | None, typer.Option("--depth", help="The deepest evidence asked for (default: the file's scan.depth).")
]
EveryOption = Annotated[bool, typer.Option("--all", "-a", help="Show what is ok too.")]


def common(config: Path | None, log_format: LogFormat | None, log_level: LogLevel | None) -> Common:
    """The common options as one value."""
    from scanner.cli.operations import Common

    return Common(config, log_format and str(log_format), log_level and str(log_level))


def patterns(hosts: list[str] | None, labels: list[str] | None) -> tuple[str, ...]:
    """The hosts that ``--host`` with ``--label`` choose, each adding to the others.

    Raises:
        UsageError: a label without a value, which would be read as a host's name.
    """
    for label in labels or ():
        for part in label.split(","):
            key, equals, _ = part.strip().removeprefix("!").partition("=")
            if not (key and equals):
                raise UsageError(f"--label {label}: write KEY=VALUE, such as team=web; a host's name goes with --host")
    return (*(hosts or ()), *(labels or ()))
