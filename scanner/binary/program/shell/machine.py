"""Runs a shell script on every way that it may take, one step at a time, without recursion."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, Command
from scanner.binary.program.shell import aliases, compound, lookups, simple, starts, unreached
from scanner.binary.program.shell.expand import Expander
from scanner.binary.program.shell.frames import (
    FINISHED,
    AfterCondition,
    AfterList,
    AfterLoopBody,
    AfterLoopCondition,
    AfterRedirect,
    Falling,
    LeaveFile,
    LeaveFunction,
    LeaveSubshell,
    Negate,
    NextPart,
    NextWord,
    One,
    PipeEnd,
    Run,
    Settle,
    Stack,
    push,
)  # fmt: skip
from scanner.binary.program.shell.joining import joined, joined_writes
from scanner.binary.program.shell.state import (
    ZERO,
    AtRunTime,
    AtRunTimeError,
    External,
    ShellEndsError,
    ShellKind,
    State,
    is_known,
)  # fmt: skip
from scanner.binary.program.shell.tester import Tester, are_words, is_plain_double
from scanner.formats.parsing.patience import spend, spent
from scanner.formats.shell import grammar
from scanner.formats.shell.conditions import BadTestError
from scanner.formats.shell.syntax import (
    AndOr,
    Arithmetic,
    Case,
    Conditional,
    For,
    Function,
    Group,
    If,
    Loop,
    NotUnderstood,
    Pipeline,
    Redirected,
    Sequence,
    Simple,
    Statement,
    Subshell,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scanner.binary.program.shell.image_paths import Files

MAX_STEPS = 10_000
"""Of one script on all its ways together; official entrypoints take some 300."""

MAX_WORK = 2_000_000
"""Microseconds of a usual processor, counted by ``spend``, for one script; official entrypoints take some 30,000."""

STEP_WEIGHT = 100
"""Microseconds of a usual step."""

MAX_HEIGHT = 200
"""Commands inside commands on one way; functions that call themselves end here."""

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)

_GAVE_UP = 2
"""The status of dash for a variable that must be set; bash's is 127 or 1."""

MAX_SUBSTITUTIONS = 6
"""Substitutions inside each other."""


class Machine:
    """Runs states until each has ended; ways that meet in the same place are joined."""

    def __init__(self, kind: ShellKind, files: Files) -> None:
        self.kind = kind
        self.files = files
        self._steps, self._began = 0, spent()

    def finals(self, start: State) -> Iterator[State | AtRunTime]:
        """The states in which the script has ended; the deepest ways go first, so that those behind can be joined."""
        pool: dict[int, list[State]] = {start.stack.height: [start]}
        while pool:
            height = max(pool)
            for each in [each for state in joined(pool.pop(height)) for each in self._counted(state)]:
                if isinstance(each, AtRunTime):
                    yield each
                elif each.stack.height == 0 and each.exit_trap and not each.execd:
                    pool.setdefault(1, []).extend(self.exit(each, each.status))
                elif each.stack.height == 0:
                    yield each
                elif each.stack.height > MAX_HEIGHT:
                    yield AtRunTime(f"{each.file}: commands nest more than {MAX_HEIGHT} levels")
                else:
                    pool.setdefault(each.stack.height, []).append(each)

    def _counted(self, state: State) -> list[State] | list[AtRunTime]:
        """One step; in a subshell what only the run decides ends that subshell alone."""
        self._steps += 1
        spend(STEP_WEIGHT)
        if self._steps > MAX_STEPS:
            raise AtRunTimeError(f"it takes more than {MAX_STEPS} steps")
        if spent() - self._began > MAX_WORK:
            raise AtRunTimeError(f"it takes more work than {MAX_WORK // STEP_WEIGHT} usual steps")
        try:
            return self._step(state)
        except ShellEndsError as error:
            return self.exit(replace(state, gave_up=str(error)), _GAVE_UP)
        except AtRunTimeError as error:
            lacks = "" if error.is_faulty or state.substituted is not None else unreached.doubt(self, state, error)
            why = f"{error}; {lacks}" if lacks else str(error)
            if self._is_in_subshell(state) and state.substituted is None and not error.is_of_all:
                command = Command((UNKNOWN, why, *(("faulty",) if lacks or error.is_faulty else ())), ())
                some = External(command)
                return self.exit(replace(state, externals=(*state.externals, some), last=some), None)
            return [AtRunTime(f"{state.file}: {why}", is_faulty=error.is_faulty or bool(lacks))]

    @staticmethod
    def _is_in_subshell(state: State) -> bool:
        stack: Stack | None = state.stack
        while stack is not None and not isinstance(stack.frame, LeaveSubshell):
            stack = stack.below
        return stack is not None

    def _step(self, state: State) -> list[State]:  # noqa: C901, PLR0912 - one case for each frame
        frame, below = state.stack.frame, state.stack.below
        match frame:
            case Run():
                return self._next_of(state, frame, below)
            case One():
                return self._statement(state.on(below), frame.statement)
            case AfterList():
                return compound.after_list(state, frame, below)
            case AfterCondition():
                return compound.after_condition(state, frame, below)
            case AfterLoopCondition():
                return compound.after_loop_condition(state, frame, below)
            case AfterLoopBody():
                return compound.after_loop_body(state, frame, below)
            case NextWord():
                return compound.next_word(state, frame, below)
            case Falling():
                return compound.cases(self, state.on(below), frame)
            case Negate():
                turned = None if state.status is None else int(state.status == 0)
                return [replace(state.on(below), status=turned, asks=None, quiet=frame.quiet)]
            case NextPart():
                return compound.next_part(state, frame, below)
            case PipeEnd():
                return compound.pipe_end(self, state, frame, below)
            case LeaveSubshell():
                return compound.leave_subshell(self, state, frame, below)
            case LeaveFunction():
                return [_left(state.on(below), frame)]
            case LeaveFile():
                if self.kind is ShellKind.BASH and frame.positional is not None and state.positional != frame.given:
                    raise AtRunTimeError("a file changes the arguments that it is given, which may outlast it")
                kept = state.positional if frame.positional is None else frame.positional
                return [replace(state.on(below), positional=kept, file=frame.file)]
            case Settle():
                return self.done(replace(state.on(below), quiet=frame.quiet))
            case AfterRedirect():
                return [compound.after_redirect(self, state, frame, below)]

    def _next_of(self, state: State, frame: Run, below: Stack | None) -> list[State]:
        if frame.at == len(frame.items):
            return [state.on(below)]
        item = frame.items[frame.at]
        state = state.on(push(Run(frame.items, frame.at + 1), below))
        if item.background:
            leave = push(LeaveSubshell(state, background=True), state.stack)
            return [replace(state, stack=push(One(item.statement), leave))]
        return self._statement(state, item.statement)

    def _statement(  # noqa: C901, PLR0912 - one case for each kind
        self, state: State, statement: Statement
    ) -> list[State]:
        match statement:
            case Simple():
                return simple.simple(self, state, statement)
            case NotUnderstood():
                faulty = statement.is_faulty or (statement.bash and self.kind is ShellKind.DASH)
                raise AtRunTimeError(f"line {statement.line}: {statement.why}", is_faulty=faulty, is_of_all=faulty)
            case AndOr():
                after = push(AfterList(statement, 0, state.quiet), state.stack)
                return [replace(state, stack=push(One(statement.first), after), quiet=True)]
            case Pipeline():
                return compound.pipeline(self, state, statement)
            case Group():
                return [replace(state, stack=push(Run(statement.body.items), state.stack))]
            case Subshell():
                leave = push(LeaveSubshell(state), state.stack)
                return [replace(state, stack=push(Run(statement.body.items), leave))]
            case If():
                after = push(AfterCondition(statement, 0, state.quiet), state.stack)
                return [replace(state, stack=push(Run(statement.branches[0][0].items), after), quiet=True)]
            case Case():
                return compound.case(self, state, statement)
            case Loop():
                return [compound.loop(state, statement, 0, 0)]
            case For():
                return compound.for_words(self, state, statement)
            case Function():
                if statement.bash and self.kind in {ShellKind.DASH, ShellKind.POSIX}:
                    why = f"line {statement.line}: a function as only bash writes it"
                    raise AtRunTimeError(why, is_faulty=self.kind is ShellKind.DASH)
                if self.kind is not ShellKind.BASH and not _NAME.fullmatch(statement.name):
                    why = f"line {statement.line}: {statement.name}, which only bash takes for a function's name"
                    raise AtRunTimeError(why, is_faulty=True)
                name = aliases.named(self, state, statement)
                functions = {**state.functions, name: statement.body}
                handed = self.kind is ShellKind.BASH and "a" in state.options
                state = state.handing_on(name) if handed else state
                return [replace(state, functions=functions, status=0)]
            case Redirected():
                return compound.redirected(self, state, statement)
            case Conditional():
                return self._double(state, statement)
            case Arithmetic():
                if self.kind in {ShellKind.DASH, ShellKind.ASH, ShellKind.POSIX}:
                    why = f"line {statement.line}: an arithmetic command that only bash knows"
                    raise AtRunTimeError(why, is_faulty=self.kind is ShellKind.DASH)
                words = Expander(self, state)
                value = words.arithmetic(statement.text)
                status = int(value == "0") if is_known(value) else None
                return self.done(words.state.with_status(status))

    def _double(self, state: State, node: Conditional) -> list[State]:
        if self._lacks_double(state, node):
            return self.done(state.with_status(starts.NOT_FOUND))
        is_list = self.kind is ShellKind.ASH and not are_words(node.tokens)
        if is_list or self.kind in {ShellKind.DASH, ShellKind.POSIX}:
            why = f"line {node.line}: [[ ]] which this shell does not know as bash does"
            raise AtRunTimeError(why, is_faulty=self.kind is ShellKind.DASH)
        words = Expander(self, state)
        if self.kind is ShellKind.ASH and not is_plain_double(node.tokens, words):
            return self.done(words.state.with_status(None))
        return self._tested(words, lambda: Tester(self.files, state, self.kind).by_tokens(node.tokens, words))

    def _lacks_double(self, state: State, node: Conditional) -> bool:
        """Whether ``[[`` is a program to this shell, one that is not there: then what is asked is never so."""
        return (
            are_words(node.tokens)
            and self.kind is ShellKind.DASH
            and lookups.is_missing(self.files, state, "[[", self.kind)
        )

    def _tested(self, words: Expander, ask: Callable[[], bool | None]) -> list[State]:
        try:
            found = ask()
        except BadTestError:
            return self.done(words.state.with_status(2))
        return self.done(words.state.with_status(None if found is None else int(not found)))

    def tested(self, state: State, words: tuple[str, ...]) -> list[State]:
        """``test words``."""
        return self._tested(Expander(self, state), lambda: Tester(self.files, state, self.kind).by_words(words))

    def done(self, state: State) -> list[State]:
        """Behind a command: ``set -e`` ends the script where it surely failed."""
        if state.status == 0 or state.quiet or "e" not in state.options:
            return [state]
        if (
            state.status is not None
            and state.substituted is not None
            and self.kind not in {ShellKind.BASH, ShellKind.DASH}
        ):
            raise AtRunTimeError("a command fails in a substitution under set -e, which shells treat in several ways")
        if state.status is None:
            is_inner = not state.ends_all or state.substituted is not None
            sure = state if is_inner else state.succeeded()
            return [sure, *self.exit(state, 1)] if state.exit_trap else [sure]
        return self.exit(state, state.status)

    def failed(self, state: State, status: int, why: str) -> list[State]:
        """Behind a command that surely failed, for this reason."""
        ends = "e" in state.options and not state.quiet
        return self.done(replace(state, status=status, asks=None, gave_up=why if ends else state.gave_up))

    def exit(self, state: State, status: int | None) -> list[State]:
        """Leave the shell, or the subshell that one is in."""
        stack: Stack | None = state.stack
        while stack is not None and not isinstance(stack.frame, LeaveSubshell):
            stack = stack.below
        if stack is None and state.exit_trap:
            read = grammar.parse(state.exit_trap.encode("utf-8", "surrogateescape"))
            if isinstance(read, NotUnderstood):
                raise AtRunTimeError("a trap that is not understood")
            return [replace(state, stack=push(Run(read.items), None), exit_trap="", status=status)]
        return [replace(state, stack=stack or FINISHED, status=status)]

    def unwound(self, state: State, kinds: tuple[type, ...]) -> Stack | None:
        """The stack from the nearest frame of these kinds on, ``None`` where there is none in this shell."""
        stack: Stack | None = state.stack
        while stack is not None and not isinstance(stack.frame, kinds):
            if isinstance(stack.frame, LeaveSubshell):
                return None
            stack = stack.below
        return stack

    def evaluated(self, state: State, text: bytes, file: str) -> list[State]:
        """Run a text in this shell."""
        read = grammar.parse(text)
        if isinstance(read, NotUnderstood):
            raise AtRunTimeError(f"{file}:{read.line}: {read.why}", is_faulty=read.is_faulty)
        status = state.status if read.items else 0
        return [replace(state, stack=push(Run(read.items), state.stack), status=status)]

    @staticmethod
    def below(stack: Stack) -> Stack:
        """What is left when a frame is taken away."""
        return FINISHED if stack.below is None else stack.below

    def printed_by(self, state: State, body: Sequence | None, line: int) -> tuple[str, State]:
        """What a substitution becomes, with the state behind it: its status, what it wrote, started, read.

        Commands of which it is not known what they print give ``UNKNOWN``.
        """
        if body is None:
            return UNKNOWN, replace(state.drained(), status=None, asks=None)
        if self.kind is ShellKind.BASH and (target := simple.read_by(body)) is not None:
            return simple.file_text(Expander(self, state), target)
        depth = (state.substituted or 0) + 1
        if depth > MAX_SUBSTITUTIONS:
            raise AtRunTimeError(f"line {line}: more than {MAX_SUBSTITUTIONS} substitutions inside each other")
        options = state.options
        if self.kind is ShellKind.ASH or (self.kind is ShellKind.BASH and "inherit_errexit" not in options):
            options -= {"e"}
        if self.kind is ShellKind.BASH and state.quiet and "e" in options:
            raise AtRunTimeError(f"line {line}: inherit_errexit in a condition")
        inner = replace(
            state,
            options=options,
            stack=push(Run(body.items), None),
            output="",
            captures=True,
            into="",
            substituted=depth,
            exit_trap="",
            status=state.status if body.items else 0,
            quiet=False,
        )
        results: set[tuple[str, int | None]] = set()
        asked: list[External | None] = []
        behind = state
        finals = tuple(self.finals(inner))
        for final in finals:
            if isinstance(final, AtRunTime):
                results |= {(UNKNOWN, None), ("", None)}
                continue
            results.add((UNKNOWN if ZERO in final.output else final.output.rstrip("\n"), final.status))
            asked.append(final.asks)
            new = tuple(each for each in final.asked if each not in behind.asked)
            lacks = final.lacks or behind.lacks
            vague = behind.vague or final.vague
            behind = replace(behind, asked=(*behind.asked, *new), lacks=lacks, vague=vague)
            behind = behind.waited() if final.beside is None else behind
            behind = behind if final.input == state.input else behind.drained()
        behind = behind.wrote(*joined_writes(finals, state.written))
        printed, status = next(iter(results)) if len(results) == 1 else (UNKNOWN, None)
        asks = asked[0] if len(asked) == 1 and status is None else None
        return printed, replace(behind, status=status, asks=asks)


def _left(state: State, frame: LeaveFunction) -> State:
    variables, arrays, exported = {**state.variables}, {**state.arrays}, set(state.exported)
    for each in state.local:
        if each.was_set:
            variables[each.name] = each.value
        else:
            variables.pop(each.name, None)
        arrays.pop(each.name, None)
        if each.elements is not None:
            arrays[each.name] = each.elements
        exported.discard(each.name)
        if each.exported:
            exported.add(each.name)
    after = replace(state, variables=variables, arrays=arrays, exported=frozenset(exported))
    return replace(after, positional=frame.positional, local=frame.local)
