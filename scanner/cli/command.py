"""Typer's commands, which start at once.

Typer has pydantic look at every value, whose import takes longer than ``explain`` takes to answer. Here pydantic sees only
what was given, and no argument: all of ours are text, as the shell said it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup

from scanner.cli import idle_options


class UnreadError(Exception):
    """Whoever read the output has gone; Typer would end the program with 1 for it, which means findings."""


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

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is named."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise UnreadError from error

    def get_params(self, ctx: Any) -> list[Any]:
        """Its own options."""
        return [_light(param) for param in super().get_params(ctx)]


def _light(param: Any) -> Any:
    if not isinstance(param.process_value, partial):  # a command is asked more than once
        param.process_value = partial(_processed, param, param.process_value)
    return param


def _processed(param: Any, process: Any, ctx: Any, value: Any) -> Any:
    is_text = isinstance(param, TyperArgument) and isinstance(value, str)
    if is_text or (value is None and not param.required):
        return value if param.callback is None else param.callback(ctx, param, value)
    return process(ctx, value)
