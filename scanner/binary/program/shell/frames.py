"""The stack of an interpreted shell, as a list that ways through the script share: what it has still to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.binary.program.shell.made_files import Into
    from scanner.binary.program.shell.state import State
    from scanner.formats.shell.syntax import AndOr, Case, For, If, Item, Loop, Statement


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """The frame on top and what lies below it."""

    frame: Frame
    below: Stack | None
    height: int

    def same(self, other: Stack) -> bool:
        """Whether two ways have come to the same place."""
        if self is other:
            return True
        if self.below is not other.below:
            return False
        mine, theirs = self.frame, other.frame
        if isinstance(mine, Run) and isinstance(theirs, Run):
            return mine.items is theirs.items and mine.at == theirs.at
        return mine is theirs


def push(frame: Frame, below: Stack | None) -> Stack:
    """The stack with one frame more."""
    return Stack(frame, below, below.height + 1 if below else 1)


@dataclass(frozen=True, slots=True)
class Hidden:
    """A variable as it was before a function made a local one of its name; ``elements`` where it was an array."""

    name: str
    value: str | None
    was_set: bool
    exported: bool
    elements: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Statements of which those before ``at`` are done."""

    items: tuple[Item, ...]
    at: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class One:
    """One statement to run."""

    statement: Statement


@dataclass(frozen=True, slots=True, eq=False)
class AfterList:
    """``&&`` and ``||`` that are still to be decided."""

    node: AndOr
    at: int
    quiet: bool


@dataclass(frozen=True, slots=True, eq=False)
class AfterCondition:
    """The condition of a branch of ``if`` was run."""

    node: If
    at: int
    quiet: bool


@dataclass(frozen=True, slots=True, eq=False)
class AfterLoopCondition:
    """The condition of ``while`` was run; ``doubted`` counts the rounds that may not have been."""

    node: Loop
    rounds: int
    doubted: int
    quiet: bool


@dataclass(frozen=True, slots=True, eq=False)
class AfterLoopBody:
    """The body of ``while`` was run."""

    node: Loop
    rounds: int
    doubted: int


@dataclass(frozen=True, slots=True, eq=False)
class NextWord:
    """The words of ``for`` that are left."""

    node: For
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Falling:
    """The patterns of ``case`` from ``at`` on are still to be tried; ``falls`` where that branch is taken without."""

    node: Case
    at: int
    subject: str
    falls: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Negate:
    """``!`` turns the status round."""

    quiet: bool


@dataclass(frozen=True, slots=True, eq=False)
class NextPart:
    """The parts of a pipeline that are left; ``worst`` is the status of the last one that failed (``pipefail``).

    ``beside`` is what its shell knew of other programs when it began (see ``State.beside``), ``before`` how many it had
    started, ``input`` what is left of the shell's own input.
    """

    parts: tuple[Statement, ...]
    at: int
    negated: bool
    quiet: bool
    beside: bool
    before: int
    input: str | None
    worst: int | None = 0


@dataclass(frozen=True, slots=True, eq=False)
class PipeEnd:
    """All parts of a pipeline were run, of which those before the last came to ``worst`` (``pipefail``)."""

    worst: int | None


@dataclass(frozen=True, slots=True, eq=False)
class LeaveSubshell:
    """What a subshell does to its variables ends with it; ``background`` where nobody waits for it.

    ``piped`` where the next part of a pipeline reads what it printed, ``feeds`` where it is the last part, ``reads`` where
    programs run in the parts before it.
    """

    before: State
    background: bool = False
    piped: bool = False
    feeds: bool = False
    reads: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class LeaveFunction:
    """A function's arguments and local variables end with it."""

    positional: tuple[str, ...]
    local: tuple[Hidden, ...]
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class LeaveFile:
    """The arguments that a sourced file was ``given`` end with it."""

    positional: tuple[str, ...] | None
    file: str
    given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Settle:
    """A function, file or eval was run, which ``set -e`` weighs like one command, whatever it forgave inside."""

    quiet: bool


@dataclass(frozen=True, slots=True, eq=False)
class AfterRedirect:
    """A command with redirections was run: ``muted`` where its output went elsewhere, ``fed`` where its input ends.

    ``into`` is the file that gets all that it prints, ``unopened`` the state before that was opened.
    """

    before: State
    muted: bool
    fed: bool
    into: Into | None = None
    unopened: State | None = None


Frame = (
    Run | One | AfterList | AfterCondition | AfterLoopCondition | AfterLoopBody | NextWord | Falling | Negate | NextPart
    | PipeEnd | LeaveSubshell | LeaveFunction | LeaveFile | Settle | AfterRedirect
)  # fmt: skip

FINISHED = Stack(Run(()), None, 0)
"""The bottom: nothing is left to do."""


def called(stack: Stack | None) -> tuple[str, ...]:
    """``FUNCNAME``: the functions that are running, innermost first; ``source`` for a file, ``main`` for the script."""
    names: list[str] = []
    while stack is not None:
        if isinstance(stack.frame, LeaveFunction):
            names.append(stack.frame.name)
        elif isinstance(stack.frame, LeaveFile):
            names.append("source")
        stack = stack.below
    return (*names, "main") if any(name != "source" for name in names) else tuple(names)
