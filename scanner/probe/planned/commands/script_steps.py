"""The steps that following a shell's script takes, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from scanner.formats.shell.syntax import If, Item, Pipeline, Sequence, Statement, Subshell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.probe.planned.commands.script_values import Shell


@dataclass(frozen=True, slots=True)
class Enter:
    """The beginning of a function's body, with its parameters, or of a file ``path`` that ``.`` reads in place."""

    parameters: tuple[str, ...] | None
    is_sourced: bool = False
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """A variable that is set."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Piped:
    """A command behind a pipe, with what is in front of it."""

    before: Statement
    part: Statement


Mark = Literal["fork", "reset", "collect", "merge", "drop", "leave", "unpipe"]
"""Where ways part, where each begins anew, where it ends, where they meet; where a subshell, a function, a pipe ends."""

Step = Mark | Statement | Sequence | Enter | Put | Piped


@dataclass(slots=True)
class Fork:
    """Where ways part: the shell before them, whether it was still running, how each of them ended."""

    before: Shell
    ended: str
    ends: list[Shell] = field(default_factory=list)


@dataclass(slots=True)
class Call:
    """A function or a sourced file that is being followed: what it hides, where it returned early."""

    parameters: tuple[str, ...] | None
    is_sourced: bool = False
    hidden: dict[str, str | None] = field(default_factory=dict)
    returned: list[Shell] = field(default_factory=list)


def item_steps(item: Item) -> list[Step]:
    """One statement of several."""
    return ["fork", item.statement, "drop"] if item.background else [item.statement]


def maybe(part: Statement | Sequence) -> list[Step]:
    """What may be passed over."""
    return ["fork", part, "collect", "reset", "collect", "merge"]


def branches(step: If) -> list[Step]:
    """Each condition where those before it did not hold."""
    steps: list[Step] = []
    for condition, body in step.branches:
        steps += [condition, "fork", body, "collect", "reset"]
    steps += [step.otherwise] if step.otherwise else []
    for _ in step.branches:
        steps += ["collect", "merge"]
    return steps


def subshells(bodies: Iterable[Sequence]) -> list[Step]:
    """Commands that change nothing behind them."""
    return [each for body in bodies for each in ("fork", body, "drop")]


def of_subshells(step: Pipeline | Subshell) -> list[Step]:
    """Each part of a pipeline in a shell of its own."""
    if isinstance(step, Subshell):
        return ["fork", step.body, "drop"]
    if len(step.parts) == 1:
        return list(step.parts)
    steps: list[Step] = ["fork", step.parts[0], "drop"]
    for before, part in zip(step.parts, step.parts[1:], strict=False):
        steps += ["fork", Piped(before, part), "drop"]
    return steps
