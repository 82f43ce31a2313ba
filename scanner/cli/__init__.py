"""The commands."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from enum import EnumType
from typing import TYPE_CHECKING, Any

import typer

from scanner import ending
from scanner.cli import completion, rooms
from scanner.cli.command import ArchscanGroup, UnreadError
from scanner.cli.outcome import Exit
from scanner.errors import ServiceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scanner.cli.operations import Operations

_HELP = """Find every container that cannot start because its image was built for another CPU.

Start with: archscan demo --once, archscan scan USER@HOST, archscan setup
"""


WrongUsage: type[Exception] = typer.BadParameter.__mro__[1]
"""The base of all complaints about the command line; Typer brings a Click of its own, whose other names are private."""


_NO_COMMAND = "No such command"

UNREAD = 141
"""128 and the number of SIGPIPE: whoever read the output has gone."""

MAX_SAID_CHARS = 4000
"""Of one line of talk that had to be cleaned: a path may have that many, and is asked for by whoever reads it."""

UNWRITABLE = frozenset({errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG, errno.EBADF})
"""A full disk, ``/dev/full``, a quota, an output that is closed (``>&-``): nothing of these is a fault of ours."""


def build(version: Callable[[], str], arguments: Sequence[str] = ()) -> typer.Typer:
    """The command line, ready to be given what makes its operations as context object; ``arguments`` may spare the rest."""
    app = typer.Typer(
        name="archscan",
        cls=ArchscanGroup,
        help=_HELP,
        no_args_is_help=True,
        context_settings={"help_option_names": ["--help", "-h"]},
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
    rooms.register(app, arguments)
    return app


def run(
    operations: Callable[[], Operations], version: Callable[[], str], arguments: Sequence[str] | None = None
) -> int:
    """As ``_run``, its output included."""
    return _ended(lambda: _run(operations, version, arguments))


def _run(
    operations: Callable[[], Operations], version: Callable[[], str], arguments: Sequence[str] | None = None
) -> int:
    """Run one command; the exit code. What the operator has to change is said in one line, never as a traceback.

    ``operations`` and ``version`` are called by the commands that need them, so that the others start at once.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    match given:
        case [option, *shell] if option in completion.TEACHING and len(shell) <= 1:
            return _taught(option, *shell)
    command = typer.main.get_command(build(version, given))
    try:
        result = command.main(
            args=given,
            prog_name="archscan",
            obj=operations,
            standalone_mode=False,
        )
    except typer.Exit as leave:
        return leave.exit_code
    except WrongUsage as error:
        _complain(error, command, given)
        return Exit.USAGE
    except (typer.Abort, KeyboardInterrupt):
        return ending.INTERRUPTED
    except UsageError as error:
        _say(*error.lines)
        return Exit.USAGE
    except ServiceError as error:
        _say(str(error))
        return Exit.USAGE
    return int(result or 0)


def _taught(option: str, shell: str = "") -> int:
    try:
        completion.teach(option, shell)
    except UsageError as error:
        _say(str(error))
        return Exit.USAGE
    return Exit.OK


def _named(command: Any, words: Sequence[str]) -> tuple[Any, str]:
    """The command that the words lead to, with its whole name: not every complaint knows whose it is."""
    path = ["archscan"]
    for word in words:
        if (inner := getattr(command, "commands", {}).get(word)) is None:
            break
        command = inner
        path.append(word)
    return command, " ".join(path)


def _complain(error: Any, root: Any, given: Sequence[str]) -> None:
    """What is wrong with the command line, in one line with where to read on; the whole help where nothing was typed."""
    from scanner.formats.wrong_values import in_words

    said = in_words(str(error.format_message())).rstrip(".")
    if type(error).__name__ == "NoArgsIsHelpError":  # what its library does not export
        error.show()
        return
    context = getattr(error, "ctx", None)
    command, path = _named(root, given)
    if said.startswith(_NO_COMMAND) and (meant := _meant(root, given)):
        _say(f"{said}: {meant}")
        return
    path = context.command_path if context else path
    _say(f"{' '.join(said.splitlines())}{_hint(error, context, command)}; see {path} --help")


def _meant(root: Any, given: Sequence[str]) -> str:
    """What is written otherwise here than in other programs."""
    word, *rest = given
    if word == "help":
        return f"{_named(root, rest)[1]} --help"
    if word == "version":
        return "archscan --version"
    return f"archscan {word.lower()}" if word not in root.commands and word.lower() in root.commands else ""


def _hint(error: Any, context: Any, command: Any) -> str:
    """What was meant, where a word stands in the wrong place, or is missing."""
    option, said = getattr(error, "option_name", ""), str(error.format_message())
    if "requires an argument" in said or said.startswith("Missing option"):
        return _values(error, command, option)
    if context is None:
        return ""
    if option and context.parent is None:
        return f": options stand behind the command, archscan COMMAND {option} ..."
    words = said.rpartition("(")[2].rstrip(").").split() if "extra argument" in said else []
    takes_config = any("--config" in param.opts for param in context.command.params)
    if takes_config and words and words[0].endswith((".yml", ".yaml")):
        return f": a configuration file is named by --config {words[0]}"
    return ""


def _values(error: Any, command: Any, option: str) -> str:
    """What may stand behind an option that was typed without it, or not at all."""
    param = getattr(error, "param", None) or next((one for one in command.params if option in one.opts), None)
    if param is None:
        return ""
    if getattr(param, "metavar", "") == "OS/ARCH":
        return f", such as {', '.join(completion.PLATFORMS)}"
    kind = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    choices: list[object] = list(kind) if isinstance(kind, EnumType) else []
    said = f"one of {', '.join(map(str, choices))}" if choices else str(param.help or "").rstrip(".")
    return f": {said}" if said else ""


def _say(*lines: str) -> None:
    """Talk goes to stderr; where that is full or gone too, the exit code is all that is left.

    A name in it that somebody else gave, or that was pasted, neither acts on the terminal nor begins a line.
    """
    if not all(map(str.isprintable, lines)):
        from scanner.domain.text import printable  # the domain is nothing that --help waits for

        lines = tuple(printable(line, MAX_SAID_CHARS) for line in lines)
    with contextlib.suppress(OSError):
        print("archscan:", "\n".join(lines), file=sys.stderr, flush=True)  # noqa: T201 -- talk goes to stderr


def _ended(command: Callable[[], int]) -> int:
    """What the command ends with once its output has left; output that nobody takes is said in one line, or in none."""
    try:
        code = command()
        sys.stdout.flush()
    except KeyboardInterrupt:
        return ending.INTERRUPTED
    except (BrokenPipeError, UnreadError):
        _drop_output()
        return UNREAD
    except OSError as error:
        if error.errno == errno.ENOENT and not _has_folder():
            _say("the folder in which it was started is gone: change to one that is there")
            return Exit.USAGE
        if error.errno not in UNWRITABLE:
            raise
        _drop_output()
        _say(f"the output cannot be written: {error.strerror}")
        return Exit.USAGE
    return code


def _has_folder() -> bool:
    try:
        return bool(os.getcwd())  # noqa: PTH109 -- nothing else is made of it
    except OSError:
        return False


def _drop_output() -> None:
    """What is left in the buffer has nowhere to go, and Python complains when it ends with some."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
