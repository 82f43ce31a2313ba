"""Follows a shell script to the program that does its work, by interpreting what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.binary.program import shell_builtins, shell_patterns, shell_programs
from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS, Command, split_path
from scanner.binary.program.shell_expand import Expander
from scanner.binary.program.shell_frames import (
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
    Run,
    Stack,
    push,
)  # fmt: skip
from scanner.binary.program.shell_joining import joined
from scanner.binary.program.shell_state import (
    MAX_EXTERNALS,
    AtRunTimeError,
    External,
    ShellKind,
    State,
    counted,
    is_known,
)  # fmt: skip
from scanner.binary.program.shell_tests import BadTestError, Tester
from scanner.formats import shell as grammar
from scanner.formats.shell_syntax import (
    AndOr,
    Arithmetic,
    Assignment,
    Case,
    Conditional,
    For,
    Function,
    Group,
    If,
    Loop,
    NotUnderstood,
    Pipeline,
    Redirect,
    Redirected,
    Sequence,
    Simple,
    Statement,
    Subshell,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scanner.binary.program.shell_state import Files

MAX_STEPS = 20_000
"""Of one script on all its ways together; official entrypoints take some 300."""

MAX_ENDINGS = 64
"""Ways through one script that end apart from each other."""

MAX_HEIGHT = 200
"""Commands inside commands on one way; functions that call themselves end here."""

MAX_SUBSTITUTIONS = 6
"""Substitutions inside each other."""

MAX_ROUNDS = 64
"""Of one loop whose condition is known."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A program that the script comes to; ``execd`` where it takes the shell's place.

    ``also`` are other programs that it starts and that are no mere preparation; ``written`` the paths that it may have
    changed before; ``failed`` where the script only comes here because something failed.
    """

    command: Command
    execd: bool
    also: tuple[Command, ...] = ()
    written: tuple[str, ...] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """The script does its work by itself; ``status`` is ``None`` where it is not known."""

    status: int | None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class AtRunTime:
    """Nobody can tell before the script runs what it starts."""

    why: str


Ending = Reached | Ended | AtRunTime


@dataclass(frozen=True, slots=True)
class Script:
    """A shell's work: its text, who reads it, what it is called, its arguments, where it stands.

    ``command`` gives environment, PATH, directory, user and mounts. ``options`` are the letters and names of ``set``.
    """

    text: bytes
    kind: ShellKind
    name: str
    arguments: tuple[str, ...]
    command: Command
    options: frozenset[str] = frozenset()


def follow(script: Script, files: Files) -> tuple[Ending, ...]:
    """Every way through a script, equal ones once; raises only what ``files`` raises."""
    if script.kind in {ShellKind.ZSH, ShellKind.KSH}:
        return (AtRunTime(f"{script.name} is read by {script.kind.value}, whose rules are its own"),)
    if script.kind is ShellKind.BASH and "BASH_ENV" in script.command.env:
        return (AtRunTime(f"{script.name}: bash reads the file that BASH_ENV names before it"),)
    read = grammar.parse(script.text)
    if isinstance(read, NotUnderstood):
        return (AtRunTime(f"{script.name}:{read.line}: {read.why}"),)
    machine = Machine(script.kind, files)
    try:
        return _told(machine.run(_start(script, read)))
    except AtRunTimeError as error:
        return (AtRunTime(f"{script.name}: {error}"),)


def _start(script: Script, read: Sequence) -> State:
    command = script.command
    variables: dict[str, str | None] = {
        name: UNKNOWN if value is None else value for name, value in command.env.items()
    }
    if "HOME" not in variables:
        variables["HOME"] = "/root" if command.user in {"", "0", "root"} else UNKNOWN
    variables.setdefault("HOSTNAME", UNKNOWN)
    return State(
        stack=push(Run(read.items), None),
        variables=variables,
        exported=frozenset(variables),
        arrays={},
        positional=script.arguments,
        arg0=script.name,
        file=script.name,
        cwd=command.cwd,
        user=command.user,
        mounts=command.mounts,
        volumes=command.volumes,
        env_known=command.env_known,
        options=script.options,
    )


def _told(endings: list[Ending]) -> tuple[Ending, ...]:
    """Each ending once; giving up after a failure is no way of its own where another one works."""
    unique = list(dict.fromkeys(map(_keyed, endings)))
    works = [ending for _, ending in unique if not (isinstance(ending, Ended | Reached) and ending.failed)]
    if any(isinstance(ending, Reached) for ending in works):
        works = [e for e in works if not isinstance(e, Ended) or not e.status]
    return tuple(works or [ending for _, ending in unique])


class _Keyed(tuple):  # type: ignore[type-arg]  # a key beside its value
    __slots__ = ()

    def __hash__(self) -> int:
        return hash(self[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and self[0] == other[0]


def _keyed(ending: Ending) -> _Keyed:
    if isinstance(ending, Reached):
        also = tuple((each.argv, each.path, each.cwd) for each in ending.also)
        command = ending.command
        env = tuple(sorted(command.env.items(), key=str))
        return _Keyed(
            ((command.argv, command.path, command.cwd, command.user, env, also, ending.written, ending.failed), ending)
        )
    return _Keyed((ending, ending))


class Machine:
    """Runs states until each has ended; ways that meet in the same place are joined."""

    def __init__(self, kind: ShellKind, files: Files) -> None:
        self.kind = kind
        self.files = files
        self._steps = 0

    def run(self, start: State) -> list[Ending]:
        endings: list[Ending] = []
        for state in self.finals(start):
            ending = state if isinstance(state, AtRunTime) else _ending(state)
            endings.append(ending)
            if len(endings) > MAX_ENDINGS:
                raise AtRunTimeError(f"it ends in more than {MAX_ENDINGS} ways")
        return endings

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
        if self._steps > MAX_STEPS:
            raise AtRunTimeError(f"it takes more than {MAX_STEPS} steps")
        try:
            return self._step(state)
        except AtRunTimeError as error:
            if self._is_in_subshell(state) and state.substituted is None:
                command = Command((UNKNOWN, str(error)), ())
                some = External(command)
                return self.exit(replace(state, externals=(*state.externals, some), last=some), None)
            return [AtRunTime(f"{state.file}: {error}")]

    @staticmethod
    def _is_in_subshell(state: State) -> bool:
        stack: Stack | None = state.stack
        while stack is not None and not isinstance(stack.frame, LeaveSubshell):
            stack = stack.below
        return stack is not None

    # ------------------------------------------------------------ one step

    def _step(self, state: State) -> list[State]:
        frame, below = state.stack.frame, state.stack.below
        match frame:
            case Run():
                return self._next_of(state, frame, below)
            case One():
                return self._statement(_on(state, below), frame.statement)
            case AfterList():
                return self._after_list(state, frame, below)
            case AfterCondition():
                return self._after_condition(state, frame, below)
            case AfterLoopCondition():
                return self._after_loop_condition(state, frame, below)
            case AfterLoopBody():
                return self._after_loop_body(state, frame, below)
            case NextWord():
                return self._next_word(state, frame, below)
            case Falling():
                return self._case(_on(state, below), frame.node, frame.at, frame.subject)
            case Negate():
                turned = None if state.status is None else int(state.status == 0)
                return [replace(_on(state, below), status=turned, quiet=frame.quiet)]
            case NextPart():
                return self._next_part(state, frame, below)
            case LeaveSubshell():
                return self._leave_subshell(state, frame, below)
            case LeaveFunction():
                return [_left(_on(state, below), frame)]
            case LeaveFile():
                kept = state.positional if frame.positional is None else frame.positional
                return [replace(_on(state, below), positional=kept, file=frame.file)]
            case AfterRedirect():
                output = frame.output if frame.muted else state.output
                return [replace(_on(state, below), output=output)]

    def _next_of(self, state: State, frame: Run, below: Stack | None) -> list[State]:
        if frame.at == len(frame.items):
            return [_on(state, below)]
        item = frame.items[frame.at]
        state = _on(state, push(Run(frame.items, frame.at + 1), below))
        if item.background:
            leave = push(LeaveSubshell(state, background=True), state.stack)
            return [replace(state, stack=push(One(item.statement), leave))]
        return self._statement(state, item.statement)

    def _statement(self, state: State, statement: Statement) -> list[State]:
        match statement:
            case Simple():
                return self._simple(state, statement)
            case NotUnderstood():
                raise AtRunTimeError(f"line {statement.line}: {statement.why}")
            case AndOr():
                after = push(AfterList(statement, 0, state.quiet), state.stack)
                return [replace(state, stack=push(One(statement.first), after), quiet=True)]
            case Pipeline():
                return self._pipeline(state, statement)
            case Group():
                return [replace(state, stack=push(Run(statement.body.items), state.stack))]
            case Subshell():
                leave = push(LeaveSubshell(state), state.stack)
                return [replace(state, stack=push(Run(statement.body.items), leave))]
            case If():
                after = push(AfterCondition(statement, 0, state.quiet), state.stack)
                return [replace(state, stack=push(Run(statement.branches[0][0].items), after), quiet=True)]
            case Case():
                words = Expander(self, state)
                subject = words.text(statement.subject)
                return self._case(words.state, statement, 0, subject)
            case Loop():
                return [self._loop(state, statement, 0, 0)]
            case For():
                return self._for(state, statement)
            case Function():
                if statement.bash and self.kind in {ShellKind.DASH, ShellKind.POSIX}:
                    raise AtRunTimeError(f"line {statement.line}: a function as only bash writes it")
                functions = {**state.functions, statement.name: statement.body}
                return [replace(state, functions=functions, status=0)]
            case Redirected():
                return self._redirected(state, statement)
            case Conditional():
                return self._double(state, statement)
            case Arithmetic():
                if self.kind in {ShellKind.DASH, ShellKind.ASH, ShellKind.POSIX}:
                    raise AtRunTimeError(f"line {statement.line}: an arithmetic command that only bash knows")
                words = Expander(self, state)
                value = words.arithmetic(statement.text)
                status = int(value == "0") if is_known(value) else None
                return self.done(words.state.with_status(status))

    # ------------------------------------------------------------ lists

    def _after_list(self, state: State, frame: AfterList, below: Stack | None) -> list[State]:
        at, rest = frame.at, frame.node.rest
        if at == len(rest):
            return [replace(_on(state, below), quiet=frame.quiet)]
        made = []
        for status in self._both(state):
            operator, statement = rest[at]
            runs = (status.status == 0) == (operator == "&&")
            after = AfterList(frame.node, at + 1, frame.quiet)
            if not runs:
                made.append(replace(status, stack=push(after, below)))
                continue
            last = at + 1 == len(rest)
            stack = push(One(statement), below if last else push(after, below))
            made.append(replace(status, stack=stack, quiet=frame.quiet if last else True))
        return made

    @staticmethod
    def _both(state: State) -> list[State]:
        """The state with its status known: where it is not, once as a success, once as a failure."""
        if state.status is not None:
            return [state]
        return [state.with_status(0), state.with_status(1)]

    def _after_condition(self, state: State, frame: AfterCondition, below: Stack | None) -> list[State]:
        made = []
        for each in self._both(state):
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
                made.append(replace(_on(each, below), status=0, quiet=frame.quiet))
        return made

    def _case(self, state: State, node: Case, first: int, subject: str) -> list[State]:
        made = []
        for item in node.items[first:]:
            words = Expander(self, state)
            answers = [shell_patterns.matches(subject, words.pattern(pattern)) for pattern in item.patterns]
            if not any(answer is not False for answer in answers):
                continue
            if item.ends != ";;":
                raise AtRunTimeError(f"line {node.line}: a case that falls through")
            made.append(replace(state, stack=push(Run(item.body.items), state.stack), status=0))
            if any(answers):
                return made
        return [*made, state.with_status(0)]

    # ------------------------------------------------------------ loops

    def _loop(self, state: State, node: Loop, rounds: int, doubted: int) -> State:
        after = push(AfterLoopCondition(node, rounds, doubted, state.quiet), state.stack)
        return replace(state, stack=push(Run(node.condition.items), after), quiet=True)

    def _after_loop_condition(self, state: State, frame: AfterLoopCondition, below: Stack | None) -> list[State]:
        state = replace(state, quiet=frame.quiet)
        known = state.status is not None
        made = []
        for each in self._both(state):
            goes_on = (each.status == 0) == (frame.node.kind == "while")
            if not goes_on:
                made.append(replace(_on(each, below), status=0))
            elif frame.rounds >= MAX_ROUNDS or (known and frame.rounds >= 2 and frame.doubted == 0 and state.externals):  # noqa: PLR2004 - it goes on as it began
                made.append(replace(each, stack=_FINISHED, status=None))
            elif known or frame.doubted == 0:
                after = push(AfterLoopBody(frame.node, frame.rounds + 1, frame.doubted + (not known)), below)
                made.append(replace(each, stack=push(Run(frame.node.body.items), after)))
        return made

    def _after_loop_body(self, state: State, frame: AfterLoopBody, below: Stack | None) -> list[State]:
        state = _on(state, below)
        if frame.doubted:
            state = shell_programs.forgotten(state, frame.node.body, frame.node.condition)
            return [state.with_status(0)]
        return [self._loop(state, frame.node, frame.rounds, frame.doubted)]

    def _for(self, state: State, node: For) -> list[State]:
        words = Expander(self, state)
        values = state.positional if node.words is None else words.fields(node.words)
        state = words.state
        if counted(values) and len(values) <= MAX_ROUNDS:
            return [replace(state, stack=push(NextWord(node, values), state.stack), status=0)]
        once = push(Run(node.body.items), push(NextWord(node, (UNKNOWN_WORDS,)), state.stack))
        return [state.with_status(0), replace(state.assigned(node.name, UNKNOWN), stack=once)]

    def _next_word(self, state: State, frame: NextWord, below: Stack | None) -> list[State]:
        if not frame.words:
            return [_on(state, below)]
        if frame.words == (UNKNOWN_WORDS,):
            return [shell_programs.forgotten(_on(state, below), frame.node.body).assigned(frame.node.name, UNKNOWN)]
        following = push(NextWord(frame.node, frame.words[1:]), below)
        assigned = state.assigned(frame.node.name, frame.words[0])
        return [replace(assigned, stack=push(Run(frame.node.body.items), following))]

    # ------------------------------------------------------------ pipes, subshells

    def _pipeline(self, state: State, node: Pipeline) -> list[State]:
        if len(node.parts) == 1:
            after = push(Negate(state.quiet), state.stack)
            return [replace(state, stack=push(One(node.parts[0]), after), quiet=True)]
        if node.negated:
            state = replace(state, stack=push(Negate(state.quiet), state.stack), quiet=True)
        return self._next_part(state, NextPart(node.parts, 0, node.negated, state.quiet), state.stack)

    def _next_part(self, state: State, frame: NextPart, below: Stack | None) -> list[State]:
        part, last = frame.parts[frame.at], frame.at + 1 == len(frame.parts)
        state = _on(state, below)
        stack = below if last else push(NextPart(frame.parts, frame.at + 1, frame.negated, frame.quiet), below)
        leave = push(LeaveSubshell(_on(state, stack), piped=not last), stack)
        inner = replace(state, stack=push(One(part), leave))
        return [inner]

    def _leave_subshell(self, state: State, frame: LeaveSubshell, below: Stack | None) -> list[State]:
        before = frame.before
        output = before.output if frame.piped or frame.background else state.output
        kept = replace(
            before,
            stack=_or_finished(below),
            status=0 if frame.background else state.status,
            externals=state.externals,
            last=before.last if frame.background else state.last,
            background=state.background,
            written=state.written,
            output=output,
        )
        if frame.background:
            new = state.externals[len(before.externals) :]
            new = new or ((state.last,) if state.last is not before.last and state.last else ())
            kept = replace(kept, externals=before.externals, background=(*before.background, *new))
            return [kept]
        return [kept] if frame.piped else self.done(kept)

    def _redirected(self, state: State, node: Redirected) -> list[State]:
        words = Expander(self, state)
        state = self._open(words, node.redirects)
        muted = any(_mutes(redirect) for redirect in node.redirects)
        after = push(AfterRedirect(node.redirects, state.output, muted), state.stack)
        return [replace(state, stack=push(One(node.body), after))]

    def _open(self, words: Expander, redirects: tuple[Redirect, ...]) -> State:
        """The state behind the opening of files for a command."""
        for redirect in redirects:
            if redirect.operator in {"&>", "&>>"} and self.kind in {ShellKind.DASH, ShellKind.POSIX}:
                raise AtRunTimeError("&> which only bash reads as a redirection")
            if redirect.target is None:
                continue
            target = words.text(redirect.target)
            if ">" in redirect.operator and redirect.operator != ">&" and is_known(target):
                path = words.state.absolute(target)
                if not path.startswith(("/dev/", "/proc/")):
                    words.state = words.state.wrote(path)
        return words.state

    # ------------------------------------------------------------ tests

    def _double(self, state: State, node: Conditional) -> list[State]:
        if self.kind in {ShellKind.DASH, ShellKind.POSIX, ShellKind.ASH}:
            raise AtRunTimeError(f"line {node.line}: [[ ]] which this shell does not know as bash does")
        words = Expander(self, state)
        return self._tested(words.state, lambda: Tester(self.files, state, self.kind).by_tokens(node.tokens, words))

    def _tested(self, state: State, ask: Callable[[], bool | None]) -> list[State]:
        try:
            found = ask()
        except BadTestError:
            return self.done(state.with_status(2))
        return self.done(state.with_status(None if found is None else int(not found)))

    def tested(self, state: State, words: tuple[str, ...]) -> list[State]:
        """``test words``."""
        return self._tested(state, lambda: Tester(self.files, state, self.kind).by_words(words))

    # ------------------------------------------------------------ simple commands

    def _simple(self, state: State, node: Simple) -> list[State]:
        words = Expander(self, state)
        arguments = words.arguments(node.words)
        state = self._open(words, node.redirects)
        words.state = state
        if not arguments:
            if node.words and not node.assignments:
                return self.done(state.with_status(0))
            return self.done(self._assign(words, node.assignments).with_status(words.status))
        if not Expander(self, state).fields(node.words[:1]):
            raise AtRunTimeError(f"line {node.line}: its first word is empty, so that the next one names the program")
        name = arguments[0]
        if name == UNKNOWN_WORDS:
            raise AtRunTimeError(f"line {node.line}: it starts what its words become")
        muted = any(_mutes(redirect) for redirect in node.redirects)
        before = state.output
        following = self.command(state, words, arguments, node)
        return [replace(each, output=before) if muted and each.output != before else each for each in following]

    def command(self, state: State, words: Expander, arguments: tuple[str, ...], node: Simple) -> list[State]:
        """Whatever a command's first word names: a builtin, a function, a program."""
        name = arguments[0]
        if name in state.functions and not (name in shell_builtins.SPECIAL and self.kind is not ShellKind.BASH):
            if node.assignments:
                raise AtRunTimeError(f"line {node.line}: a function with variables of its own")
            return self._call(state, name, arguments[1:])
        if name in shell_builtins.BUILTINS:
            temporary = self._assign(words, node.assignments, exported=name == "exec") if node.assignments else state
            made = shell_builtins.BUILTINS[name](self, temporary, arguments, node)
            if node.assignments and name not in shell_builtins.SPECIAL:
                names = {assignment.name for assignment in node.assignments}
                made = [_restored(each, state, names) for each in made]
            return made
        return self.external(self._assign(words, node.assignments, exported=True), state, arguments, node)

    def _assign(self, words: Expander, assignments: tuple[Assignment, ...], *, exported: bool = False) -> State:
        for each in assignments:
            if each.elements is not None:
                words.state = self._array(words, each)
                continue
            if each.subscript is not None:
                raise AtRunTimeError(f"an assignment to an element of {each.name}")
            value = words.text(each.value)
            if each.append:
                value = (words.state.value(each.name) or "") + value
            words.state = words.state.assigned(each.name, value)
            if exported:
                words.state = replace(words.state, exported=words.state.exported | {each.name})
        return words.state

    def _array(self, words: Expander, each: Assignment) -> State:
        if self.kind is not ShellKind.BASH:
            raise AtRunTimeError(f"the array {each.name}, which this shell does not know")
        values = words.fields(each.elements or ())
        before = words.state.arrays.get(each.name, ()) if each.append else ()
        variables = {key: value for key, value in words.state.variables.items() if key != each.name}
        return replace(words.state, arrays={**words.state.arrays, each.name: (*before, *values)}, variables=variables)

    def _call(self, state: State, name: str, arguments: tuple[str, ...]) -> list[State]:
        leave = push(LeaveFunction(state.positional, state.local), state.stack)
        body = push(One(state.functions[name]), leave)
        return [replace(state, stack=body, positional=arguments, local=())]

    def external(self, made: State, state: State, arguments: tuple[str, ...], node: Simple) -> list[State]:
        """A program that is started and waited for."""
        status, printed = shell_programs.known_program(self.files, state, arguments)
        if printed is not None:
            return self.done(state.printed(printed).with_status(status))
        prepares = shell_programs.prepares(arguments)
        if UNKNOWN in arguments[0]:
            command = Command((UNKNOWN, f"line {node.line}: what it starts is known at run time only"), ())
        else:
            command = self.command_of(made, arguments)
        external = External(command, prepares)
        state = state.wrote(*shell_programs.written_by(state, arguments))
        if state.substituted is not None:
            return self.done(state.printed(UNKNOWN).with_status(None))
        if not prepares:
            if len(state.externals) >= MAX_EXTERNALS:
                raise AtRunTimeError(f"line {node.line}: it starts more than {MAX_EXTERNALS} programs")
            state = replace(state, externals=(*state.externals, external))
        return self.done(replace(state, last=external, status=None))

    def execd(self, state: State, arguments: tuple[str, ...], variables: State) -> list[State]:
        """A program that takes the shell's place, or a subshell's."""
        external = External(self.command_of(variables, arguments))
        if state.substituted is not None:
            return self.exit(state.printed(UNKNOWN), None)
        ended = replace(state, externals=(*state.externals, external), last=external, status=None, exit_trap="")
        unwound = self.exit(ended, None)
        return [replace(e, execd=True) if e.stack.height == 0 else e for e in unwound]

    def command_of(self, state: State, arguments: tuple[str, ...]) -> Command:
        """What is exec'd, with what is exported."""
        env: dict[str, str | None] = {}
        for name in state.exported:
            value = state.variables.get(name)
            if value is not None:
                env[name] = value if is_known(value) else None
        path = state.value("PATH")
        if path is None or not is_known(path):
            if "/" not in arguments[0] and path is not None:
                raise AtRunTimeError(f"PATH, in which it looks for {arguments[0]}, is known at run time only")
            path = "/bin:/usr/bin"
        if not is_known(state.cwd) and not arguments[0].startswith("/"):
            raise AtRunTimeError(f"the directory in which it starts {arguments[0]} is known at run time only")
        return Command(
            arguments,
            split_path(path),
            state.cwd if is_known(state.cwd) else "/",
            env=MappingProxyType(env),
            env_known=state.env_known,
            user=state.user,
            mounts=state.mounts,
            volumes=state.volumes,
        )

    # ------------------------------------------------------------ leaving

    def done(self, state: State) -> list[State]:
        """Behind a command: ``set -e`` ends the script where it surely failed."""
        if state.status in {0, None} or state.quiet or "e" not in state.options:
            return [state]
        return self.exit(state, state.status)

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
        return [replace(state, stack=stack or _FINISHED, status=status)]

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
            raise AtRunTimeError(f"{file}:{read.line}: {read.why}")
        return [replace(state, stack=push(Run(read.items), state.stack), status=0)]

    @staticmethod
    def below(stack: Stack) -> Stack:
        """What is left when a frame is taken away."""
        return _or_finished(stack.below)

    # ------------------------------------------------------------ substitutions

    def printed_by(self, state: State, body: Sequence | None, line: int) -> tuple[str, int | None]:
        """What a substitution becomes; commands of which it is not known what they print give ``UNKNOWN``."""
        if body is None:
            return UNKNOWN, None
        depth = (state.substituted or 0) + 1
        if depth > MAX_SUBSTITUTIONS:
            raise AtRunTimeError(f"line {line}: more than {MAX_SUBSTITUTIONS} substitutions inside each other")
        inner = replace(state, stack=push(Run(body.items), None), output="", substituted=depth, exit_trap="", status=0)
        results = set()
        for final in self.finals(inner):
            if isinstance(final, AtRunTime):
                return UNKNOWN, None
            results.add((final.output.rstrip("\n"), final.status))
        if len(results) == 1:
            return next(iter(results))
        return UNKNOWN, None


_FINISHED = Stack(Run(()), None, 0)
"""The bottom: nothing is left to do."""


def _on(state: State, stack: Stack | None) -> State:
    return replace(state, stack=_or_finished(stack))


def _or_finished(stack: Stack | None) -> Stack:
    return _FINISHED if stack is None else stack


def _left(state: State, frame: LeaveFunction) -> State:
    variables = {**state.variables}
    for name, value, was_set in state.local:
        if was_set:
            variables[name] = value
        else:
            variables.pop(name, None)
    return replace(state, positional=frame.positional, variables=variables, local=frame.local)


def _restored(state: State, before: State, names: set[str]) -> State:
    variables = {**state.variables}
    for name in names:
        if name in before.variables:
            variables[name] = before.variables[name]
        else:
            variables.pop(name, None)
    return replace(state, variables=variables)


def _mutes(redirect: Redirect) -> bool:
    """Whether what a command prints goes elsewhere than into the word that captures it."""
    return ">" in redirect.operator and redirect.fd in {"", "1"}


def _ending(state: State) -> Ending:
    """What one way through the script came to."""
    ending = _reached(state)
    if isinstance(ending, Reached) and UNKNOWN in ending.command.argv[0]:
        return AtRunTime(f"{state.file}: {ending.command.argv[1]}")
    return ending


def _reached(state: State) -> Ending:
    """The program that does the work, whether or not it is known."""
    failed = bool(state.status)
    if state.execd and state.externals:
        *also, reached = state.externals
        others = tuple(each.command for each in (*also, *state.background))
        return Reached(reached.command, True, others, state.written)
    started = state.externals or tuple(each for each in state.background if not each.prepares)
    if started:
        *also, reached = started
        others = tuple(each.command for each in (*also, *(state.background if state.externals else ())))
        return Reached(reached.command, False, others, state.written, failed)
    if state.last is not None and not failed:
        return Reached(state.last.command, False, (), state.written)
    return Ended(state.status, failed)


__all__ = ["AtRunTime", "Ended", "Ending", "Reached", "Script", "follow"]
