"""Typer's commands, which start at once.

Typer has pydantic look at every value, whose import takes longer than ``explain`` takes to answer. Here pydantic sees only
what was given, and no argument: all of ours are text, as the shell said it.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from typer.core import TyperArgument, TyperCommand, TyperGroup

from scanner.cli import idle_options

if TYPE_CHECKING:
    from collections.abc import Iterator


class UnreadError(Exception):
    """Whoever read the output has gone; Typer would end the program with 1 for it, which means findings."""


@contextmanager
def _unread() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise UnreadError from error


class ArchscanCommand(TyperCommand):
    """One command."""

    def invoke(self, ctx: Any) -> Any:
        """Run it, unless something was typed that would do nothing."""
        idle_options.refuse(ctx)
        return super().invoke(ctx)

    def get_params(self, ctx: Any) -> list[Any]:
        """Its arguments, its options, ``--help``."""
        return [_light(param) for param in super().get_params(ctx)]


class ArchscanGroup(TyperGroup):
    """Commands under one name."""

    def make_context(self, *arguments: Any, **named: Any) -> Any:
        """Read the words, of which ``--help`` prints at once."""
        with _unread():
            return super().make_context(*arguments, **named)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is named."""
        with _unread():
            return super().invoke(ctx)

    def get_params(self, ctx: Any) -> list[Any]:
        """Its own options."""
        return [_light(param) for param in super().get_params(ctx)]


def _light(param: Any) -> Any:
    if not isinstance(param.process_value, partial):  # a command is asked more than once
        param.process_value = partial(_processed, param, param.process_value)
        param.display_type_rich = partial(_taken, param, param.display_type_rich)
        if param.param_type_name == "argument":
            param.get_usage_pieces = partial(_written, param)
    return param


def _written(param: Any, _context: Any) -> list[str]:
    """An argument as manuals write it: in brackets where it may be left out."""
    name = str(param.metavar or param.name.upper())
    return [name if param.required or name.startswith("[") or "..." in name else f"[{name}]"]


def _taken(param: Any, shown: Any, *, ctx: Any) -> str:
    """What stands behind an option in its help: what may be chosen, else a word for it, never what Python calls its type."""
    said = str(shown(ctx=ctx))
    if isinstance(param, TyperArgument):
        return ""
    if "|" in said or not said.startswith("<"):
        return said
    return "NUMBER" if "int" in said or "float" in said else str(param.name).upper()


def _processed(param: Any, process: Any, ctx: Any, value: Any) -> Any:
    is_text = isinstance(param, TyperArgument) and isinstance(value, str)
    if is_text or (value is None and not param.required):
        return value if param.callback is None else param.callback(ctx, param, value)
    return process(ctx, value)
