"""Follows the lists, conditions, loops, pipelines, subshells of a shell script."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS
from scanner.binary.program.shell import made_files, shell_programs, simple
from scanner.binary.program.shell.expand import Expander
from scanner.binary.program.shell.frames import (
    FINISHED,
    AfterCondition,
    AfterList,
    AfterLoopBody,
    AfterLoopCondition,
    AfterRedirect,
    Falling,
    LeaveSubshell,
    Negate,
    NextPart,
    NextWord,
    One,
    PipeEnd,
    Run,
    Stack,
    push,
)  # fmt: skip
from scanner.binary.program.shell.shell_reading import lines_of
from scanner.binary.program.shell.state import (
    AtRunTimeError,
    External,
    ShellKind,
    State,
    counted,
)  # fmt: skip
from scanner.formats.shell import patterns
from scanner.formats.shell.syntax import Arithmetic, Group, Loop, Simple

if TYPE_CHECKING:
    from scanner.binary.program.shell.machine import Machine
    from scanner.formats.shell.syntax import (
        Case,
        For,
        Pipeline,
        Redirected,
        Sequence,
        Statement,
    )

MAX_ROUNDS = 64
"""Of one loop whose condition is known."""


def after_list(state: State, frame: AfterList, below: Stack | None) -> list[State]:
    """``&&`` and ``||``: what comes next by the status of what was."""
    at, rest = frame.at, frame.node.rest
    if at == len(rest):
        return [replace(state.on(below), quiet=frame.quiet)]
    made = []
    for status in both(state):
        operator, statement = rest[at]
        runs = (status.status == 0) == (operator == "&&")
        after = AfterList(frame.node, at + 1, frame.quiet)
        if not runs:
            made.append(replace(status, stack=push(after, below)))
            continue
        last = at + 1 == len(rest)
        stack = push(One(statement), below if last else push(after, below))
        replaced = state.replaced
        if operator == "||" and state.externals and not _is_excuse(statement):
            replaced = state.externals[-1]
        made.append(replace(status, stack=stack, quiet=frame.quiet if last else True, replaced=replaced))
    return made


def _is_excuse(statement: Statement) -> bool:
    """Whether what stands behind ``||`` does nothing but forget, or pass on, that something failed."""
    words = statement.words if isinstance(statement, Simple) else ()
    return bool(words) and words[0].literal in {"true", ":", "exit", "return", "false"}


def both(state: State) -> list[State]:
    """The state with its status known: where it is not, once as a success, once as a failure."""
    if state.status is not None:
        return [state]
    return [state.succeeded().with_status(0), state.failed()]


def after_condition(state: State, frame: AfterCondition, below: Stack | None) -> list[State]:
    """What an ``if`` leads to by the status of its condition."""
    made = []
    for each in both(state):
        if each.status == 0:
            body = push(Run(frame.node.branches[frame.at][1].items), below)
            made.append(replace(each, stack=body, quiet=frame.quiet))
        elif frame.at + 1 < len(frame.node.branches):
            after = push(AfterCondition(frame.node, frame.at + 1, frame.quiet), below)
            made.append(replace(each, stack=push(Run(frame.node.branches[frame.at + 1][0].items), after)))
        elif frame.node.otherwise is not None:
            body = push(Run(frame.node.otherwise.items), below)
            made.append(replace(each, stack=body, quiet=frame.quiet))
        else:
            made.append(replace(each.on(below), status=0, quiet=frame.quiet))
    return made


def begun_with(before: State, expanded: State, body: Sequence) -> int | None:
    """``$?`` at the start of a body behind expanded words: bash says the status of what they ran, others the one before."""
    if not body.items:
        return 0
    return before.status if expanded is before else None


def case(machine: Machine, state: State, node: Case) -> list[State]:
    """What a ``case`` leads to."""
    if machine.kind is not ShellKind.BASH and any(item.ends != ";;" for item in node.items):
        why = f"line {node.line}: a case that falls through, which not every shell knows"
        raise AtRunTimeError(why, is_faulty=True, is_of_all=True)
    words = Expander(machine, state)
    subject = words.text(node.subject)
    if words.state is not state:
        state = replace(words.state, status=None)
    return cases(machine, state, Falling(node, 0, subject))


def cases(machine: Machine, state: State, frame: Falling) -> list[State]:
    """The branches of a ``case`` whose patterns may match, from one on."""
    made, items = [], frame.node.items
    for at, item in enumerate(items[frame.at :], frame.at):
        words = Expander(machine, state)
        falls = frame.falls and at == frame.at
        answers = [
            falls or patterns.matches(frame.subject, words.pattern(pattern), folds=state.folds)
            for pattern in item.patterns
        ]
        if not any(answer is not False for answer in answers):
            continue
        goes_on = item.ends != ";;" and at + 1 < len(items)
        following = Falling(frame.node, at + 1, frame.subject, falls=item.ends == ";&")
        stack = push(following, state.stack) if goes_on else state.stack
        status = begun_with(state, words.state, item.body)
        made.append(replace(state, stack=push(Run(item.body.items), stack), status=status))
        if any(answers):
            return made
    return [*made, state if frame.at else state.with_status(0)]


def loop(state: State, node: Loop, rounds: int, doubted: int) -> State:
    """Ask the condition of ``while`` or ``until``, which may take as long as it likes."""
    state = state.waited()
    after = push(AfterLoopCondition(node, rounds, doubted, state.quiet), state.stack)
    return replace(state, stack=push(Run(node.condition.items), after), quiet=True)


def after_loop_condition(state: State, frame: AfterLoopCondition, below: Stack | None) -> list[State]:
    """One more round of a loop, or the way behind it; a loop that never ends is where the script stays."""
    state = replace(state, quiet=frame.quiet)
    known = state.status is not None
    made = []
    for each in both(state):
        goes_on = (each.status == 0) == (frame.node.kind == "while")
        if not goes_on:
            made.append(replace(each.on(below), status=0))
        elif frame.rounds >= MAX_ROUNDS or _goes_on_as_it_began(state, frame):
            made.append(replace(each, stack=FINISHED, status=None))
            later = shell_programs.forgotten(each.on(below), frame.node.body, frame.node.condition)
            if not _is_endless(frame.node):
                made.append(later.with_status(0))
            if frame.doubted == 0 and any(getattr(later, name) != getattr(each, name) for name in _FORGOTTEN):
                made.append(_some_round(later, frame, below))
        elif known:
            after = push(AfterLoopBody(frame.node, frame.rounds + 1, frame.doubted), below)
            made.append(replace(each, stack=push(Run(frame.node.body.items), after)))
        elif frame.doubted == 0:
            later = shell_programs.forgotten(each, frame.node.body, frame.node.condition)
            made.append(_some_round(later, frame, below))
    return made


_FORGOTTEN = ("variables", "arrays", "positional", "cwd", "input")
"""What one round of a loop may leave to the next."""


def _some_round(state: State, frame: AfterLoopCondition, below: Stack | None) -> State:
    """Any round of a loop, of which nobody knows which one it is."""
    after = push(AfterLoopBody(frame.node, frame.rounds + 1, frame.doubted + 1), below)
    return replace(state, stack=push(Run(frame.node.body.items), after), status=0)


def _goes_on_as_it_began(state: State, frame: AfterLoopCondition) -> bool:
    """Whether a loop that starts programs has made two rounds; one that goes through lines comes to their end."""
    has_begun = frame.rounds >= 2 and frame.doubted == 0  # noqa: PLR2004 - twice is enough
    return has_begun and state.status is not None and bool(state.externals) and lines_of(frame.node) is None


def _is_endless(node: Loop) -> bool:
    """Whether a condition that was met is always met, whatever the body does."""
    first = node.condition.items[0].statement if len(node.condition.items) == 1 else None
    if isinstance(first, Arithmetic):
        return not any(char.isalpha() for char in first.text)
    words = [word.literal for word in first.words] if isinstance(first, Simple) else []
    plain = all(word is not None and "/" not in word for word in words)
    return bool(words) and plain and words[0] in {"true", ":", "false", "[", "test"}


def after_loop_body(state: State, frame: AfterLoopBody, below: Stack | None) -> list[State]:
    """Ask again, or forget what a loop that may run any number of times has changed."""
    state = state.on(below)
    if frame.doubted:
        state = shell_programs.forgotten(state, frame.node.body, frame.node.condition)
        return [replace(state, stack=FINISHED, status=None) if _is_endless(frame.node) else state.with_status(0)]
    return [loop(state, frame.node, frame.rounds, frame.doubted)]


def for_words(machine: Machine, state: State, node: For) -> list[State]:
    """The words of a ``for``, or one round of which nobody knows whether it is made."""
    words = Expander(machine, state)
    values = state.positional if node.words is None else words.fields(node.words)
    status = begun_with(state, words.state, node.body) if values else 0
    state = words.state
    if counted(values) and len(values) <= MAX_ROUNDS:
        return [replace(state, stack=push(NextWord(node, values), state.stack), status=status)]
    once = push(Run(node.body.items), push(NextWord(node, (UNKNOWN_WORDS,)), state.stack))
    later = shell_programs.forgotten(state, node.body).assigned(node.name, UNKNOWN)
    return [state.with_status(0), replace(later, stack=once, status=status)]


def next_word(state: State, frame: NextWord, below: Stack | None) -> list[State]:
    """One more round of a ``for``."""
    if not frame.words:
        return [state.on(below)]
    if frame.words == (UNKNOWN_WORDS,):
        return [shell_programs.forgotten(state.on(below), frame.node.body).assigned(frame.node.name, UNKNOWN)]
    following = push(NextWord(frame.node, frame.words[1:]), below)
    assigned = state.assigned(frame.node.name, frame.words[0])
    return [replace(assigned, stack=push(Run(frame.node.body.items), following))]


def pipeline(machine: Machine, state: State, node: Pipeline) -> list[State]:
    """Commands that run at once, each in a subshell."""
    if node.joins and machine.kind is not ShellKind.BASH:
        why = f"line {node.line}: |& which only bash reads as a pipe"
        raise AtRunTimeError(why, is_faulty=machine.kind in {ShellKind.DASH, ShellKind.ASH})
    if len(node.parts) == 1:
        after = push(Negate(state.quiet), state.stack)
        return [replace(state, stack=push(One(node.parts[0]), after), quiet=True)]
    if node.negated:
        state = replace(state, stack=push(Negate(state.quiet), state.stack), quiet=True)
    begun = NextPart(node.parts, 0, node.negated, state.quiet, state.may_have_made, len(state.externals), state.input)
    return next_part(state, begun, state.stack)


def next_part(state: State, frame: NextPart, below: Stack | None) -> list[State]:
    """One part of a pipeline, which reads what the part before it printed."""
    part, last = frame.parts[frame.at], frame.at + 1 == len(frame.parts)
    worst = frame.worst if frame.at == 0 else _worse(frame.worst, state.status)
    before, reads = state.on(below), len(state.externals) > frame.before
    state = replace(before, beside=frame.beside) if frame.at else before
    if not last:
        stack = push(replace(frame, at=frame.at + 1, worst=worst), below)
        leave = push(LeaveSubshell(before.on(stack), piped=True, reads=reads), stack)
        return [replace(state, stack=push(One(part), leave), output="", captures=True, into="")]
    ends = FINISHED if below is None else below
    if "pipefail" in state.options and len(frame.parts) > 1:
        ends = push(PipeEnd(worst), below)
    leave = push(LeaveSubshell(replace(before, input=frame.input).on(ends), feeds=True, reads=reads), ends)
    return [replace(state, stack=push(One(part), leave))]


def _with_broken(state: State, frame: LeaveSubshell) -> tuple[External, ...]:
    """What was started, the program last that was to read a pipe where it surely is not there, and nothing else does."""
    lacks = state.lacks
    if not frame.reads or state.beside is None or lacks is None or lacks is frame.before.lacks:
        return state.externals
    if state.substituted is not None:
        return state.externals
    others = tuple(each for each in state.externals if not (each.missing and each.command is lacks))
    return (*others, External(lacks, missing=True, breaks=True))


def _worse(worst: int | None, status: int | None) -> int | None:
    """What a pipeline comes to so far: that one part surely failed stays, whatever becomes of the next."""
    return worst if status == 0 or (status is None and worst) else status


def pipe_end(machine: Machine, state: State, frame: PipeEnd, below: Stack | None) -> list[State]:
    """``pipefail``: a pipeline fails as its last part that failed."""
    status = _worse(frame.worst, state.status)
    return machine.done(replace(state.on(below), status=status, asks=state.asks if state.status is None else None))


def leave_subshell(machine: Machine, state: State, frame: LeaveSubshell, below: Stack | None) -> list[State]:
    """Back in the shell that made a subshell: its variables as they were, what was started remembered."""
    before = frame.before
    output = before.output if frame.piped or frame.background else state.output
    left = state.output if frame.piped and UNKNOWN not in state.output else None
    if not frame.piped:
        left = before.drained().input if frame.feeds or frame.background else state.input
    kept = replace(
        before,
        stack=FINISHED if below is None else below,
        status=0 if frame.background else state.status,
        asks=None if frame.background else state.asks,
        needs=before.needs if frame.background or frame.piped else state.needs,
        externals=_with_broken(state, frame),
        beside=before.beside if frame.background or state.beside is not None else None,
        last=before.last if frame.background else state.last,
        lacks=before.lacks if frame.background else state.lacks,
        background=state.background,
        asked=state.asked,
        written=state.written,
        vague=state.vague,
        doubt=state.doubt,
        early=state.early,
        output=output,
        input=left,
    )
    if frame.background:
        new = state.externals[len(before.externals) :]
        new = new or ((state.last,) if state.last is not before.last and state.last else ())
        background = (*before.background, *new)
        written = tuple(each if each in before.written else each.unsure for each in state.written)
        kept = replace(kept, written=written)
        return [replace(kept, externals=before.externals, background=background, beside=before.may_have_made)]
    return [kept] if frame.piped else machine.done(kept)


def redirected(machine: Machine, state: State, node: Redirected) -> list[State]:
    """A compound command with its redirections."""
    words, before = Expander(machine, state), state
    state, is_open, into = simple.opened(machine, words, node.redirects)
    into = into if made_files.is_plain(node.body) else None
    if not is_open:
        return simple.unopened(machine, state, "")
    muted = any(simple.mutes(redirect) for redirect in node.redirects)
    has_input, text = simple.fed(words, node.redirects, by_lines=isinstance(node.body, Loop | Group))
    after = push(AfterRedirect(state, muted, has_input, into, before), state.stack)
    begun = made_files.begun(words.state, into)
    return [replace(begun, stack=push(One(node.body), after), input=text if has_input else state.input)]


def after_redirect(machine: Machine, state: State, frame: AfterRedirect, below: Stack | None) -> State:
    """Behind a command with redirections: input and output as they were before."""
    if frame.unopened is not None:
        state = made_files.ended(machine.files, state, frame.unopened, frame.into)
    output = frame.before.output if frame.muted else state.output
    return replace(state.on(below), output=output, input=frame.before.input if frame.fed else state.input)
