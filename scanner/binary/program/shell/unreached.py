"""Looks in what is left of a script, where nobody can tell further what it does, for a program that it lacks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.shell import builtins, lookups, shell_programs
from scanner.binary.program.shell.expand import Expander
from scanner.binary.program.shell.frames import (
    AfterCondition,
    AfterList,
    AfterLoopBody,
    AfterLoopCondition,
    LeaveSubshell,
    NextPart,
    NextWord,
    One,
    Run,
)
from scanner.binary.program.shell.state import FUNCTIONS, AtRunTimeError, ShellEndsError, is_known
from scanner.formats.parsing.patience import spend
from scanner.formats.shell.syntax import (
    AndOr,
    Case,
    For,
    Function,
    Group,
    If,
    Item,
    Loop,
    Parameter,
    Pipeline,
    Redirected,
    Sequence,
    Simple,
    Statement,
    Subshell,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.binary.program.shell.frames import Frame, Stack
    from scanner.binary.program.shell.machine import Machine
    from scanner.binary.program.shell.state import State
    from scanner.formats.shell.syntax import Word

MAX_STATEMENTS = 2000
"""Of what is left of one script; the longest official entrypoints have some 600."""

_RENAMING = frozenset({"alias", "hash", "enable"})
"""What lets a name stand for another one. That a function comes with what is read or evaluated is no reason to take it for there."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A simple command; ``by_exec`` where its first word is taken by ``exec``, which calls no function."""

    word: Word
    by_exec: bool


def doubt(machine: Machine, state: State, error: AtRunTimeError) -> str:
    """Why a script that nobody can follow further may well start nothing; empty for no such reason."""
    if lacks := lacking(machine, state):
        return f"later it starts {lacks}, which is not in the image"
    return state.doubt or lookups.uncalled(machine.files, state, error.word)


def lacking(machine: Machine, state: State) -> str:
    """A program that the rest surely names, by ``exec`` or as its last step, and that stands nowhere; empty for none.

    One that a condition names too is looked for before it is started. With ``set -e`` each plain step of the rest counts. What may be made meanwhile is no reason to take it for there.
    """
    left = _left(state.stack)
    try:
        behind = shell_programs.forgotten(state, left, is_wary=False)
        steps, defined, renames = _steps(left, {**state.functions}, strict="e" in state.options and not state.quiet)
        asked = frozenset(_words_of_conditions(left))
        renames = renames or any(name.startswith(FUNCTIONS) for name in state.variables)
        for step in steps:
            name = _name(machine, behind, step.word)
            if (
                not name
                or name in asked
                or name in state.aliases
                or (not step.by_exec and (name in defined or ("/" not in name and renames)))
            ):
                continue
            if _is_absent(machine, behind, name):
                return name
    except (AtRunTimeError, ShellEndsError):
        return ""
    return ""


def _is_absent(machine: Machine, state: State, name: str) -> bool:
    if name in builtins.BUILTINS:
        return False
    if not is_known(state.cwd):
        if "/" in name and not name.startswith("/"):
            return False
        state = replace(state, cwd="/")
    return lookups.is_absent(machine.files, replace(state, functions={}), name, machine.kind)


def _name(machine: Machine, state: State, word: Word) -> str:
    """What a word becomes by what is known, empty where that is not known."""
    if word.literal is not None:
        return word.literal
    if any(isinstance(part, Parameter) and part.operator in {"=", ":=", "?", ":?"} for part in word.parts):
        return ""
    if not all(isinstance(part, Parameter) or hasattr(part, "text") for part in word.parts):
        return ""
    fields = Expander(machine, state).fields((word,))
    return fields[0] if fields and UNKNOWN not in fields[0] else ""


# ---------------------------------------------------------------- what is left


def _left(stack: Stack | None) -> tuple[Statement, ...]:
    """The statements that are still to be run, in this shell or the subshell that one is in."""
    found: list[Statement] = []
    while stack is not None and not isinstance(stack.frame, LeaveSubshell):
        found.extend(_of(stack.frame))
        stack = stack.below
    return tuple(found)


def _of(frame: Frame) -> Iterator[Statement]:
    match frame:
        case Run():
            yield from (item.statement for item in frame.items[frame.at :])
        case One():
            yield frame.statement
        case AfterList():
            yield from (statement for _, statement in frame.node.rest[frame.at :])
        case AfterCondition():
            yield replace(frame.node, branches=frame.node.branches[frame.at :])
        case AfterLoopBody() | AfterLoopCondition() | NextWord():
            yield Loop("while", Sequence(()), frame.node.body, frame.node.line)
        case NextPart():
            yield from frame.parts[frame.at :]


def _steps(
    left: tuple[Statement, ...], functions: dict[str, Statement], *, strict: bool
) -> tuple[list[_Step], set[str], bool]:
    """The steps that count, the functions that are defined by then, whether names stand for others."""
    todo: list[tuple[Statement | Sequence, bool]] = [(Sequence(tuple(Item(each) for each in left)), True)]
    steps: list[_Step] = []
    called: set[str] = set()
    renames = False
    seen = 0
    while todo:
        node, counts = todo.pop(0)
        seen += 1
        spend(1)
        if seen > MAX_STATEMENTS:
            break
        if isinstance(node, Function):
            functions[node.name] = node.body
        elif isinstance(node, Simple):
            name = node.words[0].literal if node.words else None
            renames = renames or name in _RENAMING
            if name in functions and name not in called:
                called.add(name or "")
                todo.insert(0, (functions[name or ""], counts))
            elif name == "exec":
                steps.extend(_Step(word, by_exec=True) for word in _by_exec(node.words))
            elif node.words and counts:
                steps.append(_Step(node.words[0], by_exec=False))
        else:
            todo[:0] = _within(node, counts=counts, strict=strict)
    return steps, set(functions), renames


def _words_of_conditions(left: tuple[Statement, ...]) -> Iterator[str]:
    """The words of the commands of which an ``if``, ``&&`` or ``||`` asks."""
    todo: list[tuple[Statement | Sequence, bool]] = [(each, False) for each in reversed(left)]
    for _ in range(MAX_STATEMENTS):
        if not todo:
            return
        node, is_asked = todo.pop()
        spend(1)
        match node:
            case Simple():
                yield from (word.literal or "" for word in node.words[1:] if is_asked)
            case AndOr():
                parts = (node.first, *(statement for _, statement in node.rest))
                todo += [(part, is_asked or at < len(node.rest)) for at, part in enumerate(parts)]
            case Function():
                todo.append((node.body, False))
            case _:
                todo += [(asking, True) for asking, _ in node.branches] if isinstance(node, If) else []
                todo += [(each, is_asked) for each, _ in _within(node, counts=True, strict=False)]


def _by_exec(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The word that names the program behind ``exec`` with its options."""
    at = 1
    while at < len(words) and (words[at].literal or "").startswith("-"):
        at += 2 if words[at].literal == "-a" else 1
    return words[at : at + 1]


def _is_needed(item: Item, *, strict: bool) -> bool:
    """Whether a script ends where a step of it fails."""
    return strict and isinstance(item.statement, Simple)


def _within(node: Statement | Sequence, *, counts: bool, strict: bool) -> list[tuple[Statement | Sequence, bool]]:
    """What a statement consists of, conditions left out, each with whether its plain steps count."""
    match node:
        case Sequence():
            return [
                (
                    each.statement,
                    counts and not each.background and (at == len(node.items) or _is_needed(each, strict=strict)),
                )
                for at, each in enumerate(node.items, 1)
            ]
        case AndOr():
            operators = [operator for operator, _ in node.rest]
            parts = [node.first, *(statement for _, statement in node.rest)]
            return [(part, counts and "||" not in operators[at : at + 1]) for at, part in enumerate(parts)]
        case Pipeline():
            return [(part, counts and not node.negated) for part in node.parts]
        case Redirected() | Group() | Subshell():
            return [(node.body, counts)]
        case If():
            bodies = [body for _, body in node.branches]
            return [(body, counts) for body in (*bodies, *((node.otherwise,) if node.otherwise else ()))]
        case Case():
            return [(item.body, counts) for item in node.items]
        case Loop() | For():
            return [(node.body, False)]
    return []
