"""The steps that following a shell's script takes, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from scanner.formats.shell.syntax import AndOr, If, Item, Loop, Pipeline, Sequence, Statement, Subshell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scanner.probe.planned.commands.script_shell import Shell, Variable


Holds = Callable[[Sequence | Statement], "bool | None"]
"""Whether a condition is met, none where only the running host knows."""


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
class Own:
    """Variables in front of what the shell runs itself; or ``is_back``, those that it had before, which bash takes back."""

    variables: Mapping[str, Variable]
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class Piped:
    """A command behind a pipe, with what is in front of it."""

    before: Statement
    part: Statement


@dataclass(frozen=True, slots=True)
class Again:
    """A loop's condition once more, behind ``count`` rounds; ``before`` is what was known in front of the last."""

    loop: Loop
    count: int
    before: Shell


Mark = Literal["fork", "reset", "collect", "merge", "drop", "leave", "unpipe", "loop", "next", "unloop"]
"""Where ways part, where each begins anew, where it ends, where they meet; where a subshell, a function, a pipe ends;
where a loop begins, a round of it ends, the loop ends."""

Step = Mark | Statement | Sequence | Enter | Put | Own | Piped | Again


@dataclass(slots=True)
class Fork:
    """Where ways part: the shell before them, whether it was still running, how each of them ended; ``exits`` as ``Ways`` has them."""

    before: Shell
    ended: str
    ends: list[Shell] = field(default_factory=list)
    exits: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Call:
    """A function or a sourced file that is being followed: what it hides, where it returned early."""

    parameters: tuple[str, ...] | None
    is_sourced: bool = False
    hidden: dict[str, Variable] = field(default_factory=dict)
    returned: list[Shell] = field(default_factory=list)


@dataclass(slots=True)
class Rounds:
    """A loop that is being followed: how deep forks and calls were in front of it, where ``break``, ``continue`` may go on."""

    forks: int
    calls: int
    ends: dict[str, list[Shell]] = field(default_factory=lambda: {"break": [], "continue": []})


def item_steps(item: Item) -> list[Step]:
    """One statement of several."""
    return ["fork", item.statement, "drop"] if item.background else [item.statement]


def maybe(*parts: Step) -> list[Step]:
    """What may be passed over."""
    return ["fork", *parts, "collect", "reset", "collect", "merge"]


def branches(step: If, holds: Holds) -> list[Step]:
    """The first condition with what it leads to; the others where it does not hold."""
    if not step.branches:
        return [step.otherwise] if step.otherwise else []
    (condition, body), *left = step.branches
    others = replace(step, branches=tuple(left))
    found = holds(condition)
    if found is None:
        return [condition, "fork", body, "collect", "reset", others, "collect", "merge"]
    return [condition, body if found else others]


def chain(step: AndOr, holds: Holds) -> list[Step]:
    """What ``&&`` and ``||`` lead to."""
    status = holds(step.first)
    for at, (sign, one) in enumerate(step.rest):
        if status is None:
            return [step.first, *(each for _, other in step.rest[at:] for each in maybe(other))]
        if status is (sign == "&&"):
            return [step.first, AndOr(one, step.rest[at + 1 :])]
    return [step.first]


def rounds(parts: Iterable[Sequence | Put]) -> list[Step]:
    """A loop whose rounds are known, each ended by its body."""
    steps: list[Step] = ["loop"]
    for part in parts:
        steps += [part] if isinstance(part, Put) else [part, "next"]
    return [*steps, "unloop"]


def ways(bodies: Iterable[Sequence], *, is_one_sure: bool) -> list[Step]:
    """One of several, or none of them."""
    steps: list[Step] = ["fork"]
    for body in bodies:
        steps += ["reset", body, "collect"]
    return [*steps, "merge"] if is_one_sure else [*steps, "reset", "collect", "merge"]


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
