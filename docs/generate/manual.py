"""The manual page ``archscan.1``, from what ``--help`` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from scanner.cli import build

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = r""".\" Made from the commands' help by `python -m docs.generate`.
.TH ARCHSCAN 1
.SH NAME
archscan \- find containers that cannot start because their image was built for another CPU
.SH SYNOPSIS
.B archscan
.I COMMAND
[OPTIONS] [ARGUMENTS]"""

FOOT = r""".SH EXIT STATUS
.TP
.B 0
nothing at or above \-\-fail\-on
.TP
.B 1
findings, or the gate denies
.TP
.B 2
wrong usage, configuration or environment
.TP
.B 3
something is not known, nothing worse
.SH ENVIRONMENT
.TP
.B ARCHSCAN_CONFIG
the configuration file
.TP
.B ARCHSCAN_SERVER\fR, \fBARCHSCAN_TOKEN_FILE
the running archscan that is asked, with the file of the token for it
.TP
.B NO_COLOR
no colours"""


def page() -> str:
    """The whole page in man(7)."""
    command = typer.main.get_command(build(lambda: ""))
    return "\n".join(
        [HEAD, ".SH DESCRIPTION", _text(command.help or ""), ".SH COMMANDS", *_commands(command, ()), FOOT, ""]
    )


def _commands(group: Any, before: tuple[str, ...]) -> Iterator[str]:
    for name, command in group.commands.items():
        words = (*before, name)
        if getattr(command, "commands", None):
            yield from _commands(command, words)
        else:
            yield from _command(command, words)


def _command(command: Any, words: tuple[str, ...]) -> Iterator[str]:
    context = typer.Context(command)
    params = [param for param in command.get_params(context) if not getattr(param, "hidden", False)]
    arguments = " ".join(param.metavar or "" for param in params if param.param_type_name == "argument")
    yield f".SS archscan {_escaped(' '.join(words))} {_escaped(arguments)}".rstrip()
    yield _text(command.help or "")
    for param in params:
        if param.name != "help":
            told, says = param.get_help_record(context)
            yield ".TP"
            yield f".B {_escaped(told)}"
            yield _text(says)


def _text(words: str) -> str:
    """Paragraphs, an example on a line of its own."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in words.strip().split("\n\n")]
    return "\n.PP\n".join(_escaped(paragraph) for paragraph in paragraphs if paragraph)


def _escaped(words: str) -> str:
    plain = words.replace("\\", r"\e").replace("-", r"\-")
    escaped = "".join(char if char.isascii() else rf"\[u{ord(char):04X}]" for char in plain)  # groff reads Latin-1
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped
