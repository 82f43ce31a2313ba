"""The commands."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from scanner.cli import explain, image, scan, serve, setup, trail, why
from scanner.cli.command import Group
from scanner.cli.outcome import Exit
from scanner.errors import ServiceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scanner.cli.operations import Operations

_HELP = """Find every container that cannot start because its image was built for another CPU.

Start with: archscan demo --once
"""


WrongUsage: type[Exception] = typer.BadParameter.__mro__[1]
"""The base of all complaints about the command line; Typer brings a Click of its own, whose other names are private."""


INTERRUPTED = 130
"""128 and the number of SIGINT, as shells say it."""


def build(version: Callable[[], str]) -> typer.Typer:
    """The command line, ready to be given what makes its operations as context object."""
    app = typer.Typer(
        name="archscan",
        cls=Group,
        help=_HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # Rich costs more than everything else that --help needs
    )

    def show_version(*, wanted: bool) -> None:
        if wanted:
            print(f"archscan {version()}")  # noqa: T201 -- data goes to stdout
            raise typer.Exit

    @app.callback()
    def root(
        version: bool = typer.Option(
            False,
            "--version",
            callback=lambda wanted: show_version(wanted=wanted),
            is_eager=True,
            help="Show the version.",
        ),
    ) -> None:
        """Root of all commands."""

    root.__doc__ = _HELP
    for group in (scan, why, image, explain, serve, trail, setup):
        group.register(app)
    return app


def run(
    operations: Callable[[], Operations], version: Callable[[], str], arguments: Sequence[str] | None = None
) -> int:
    """Run one command; the exit code. What the operator has to change is said in one line, never as a traceback.

    ``operations`` and ``version`` are called by the commands that need them, so that the others start at once.
    """
    command = typer.main.get_command(build(version))
    try:
        result = command.main(
            args=list(arguments) if arguments is not None else None,
            prog_name="archscan",
            obj=operations,
            standalone_mode=False,
        )
    except typer.Exit as leave:
        return leave.exit_code
    except WrongUsage as error:
        error.show()  # type: ignore[attr-defined] # every complaint of Click's can show itself
        return Exit.USAGE
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except UsageError as error:
        print(f"archscan: {error}", file=sys.stderr)  # noqa: T201 -- talk goes to stderr
        return Exit.USAGE
    except ServiceError as error:
        print(f"archscan: {error}", file=sys.stderr)  # noqa: T201 -- talk goes to stderr
        return 1
    except BrokenPipeError:
        return 1
    return int(result or 0)
