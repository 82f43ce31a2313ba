"""The simple commands of a shell's script, followed through its branches, loops, functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.formats.shell.syntax import (
    AndOr,
    Arithmetic,
    Case,
    Conditional,
    For,
    Function,
    Group,
    If,
    Item,
    Loop,
    NotUnderstood,
    Opaque,
    Pipeline,
    Redirected,
    Sequence,
    Simple,
    Statement,
    Subshell,
    Word,
)
from scanner.probe.planned.commands import (
    script_builtins,
    script_decisions,
    script_numbers,
    script_reads,
    script_steps,
    script_texts,
    written_files,
)
from scanner.probe.planned.commands.script_shell import (
    MANY,
    OPEN,
    PLAIN_IFS,
    SOURCE,
    Shell,
    joined,
)
from scanner.probe.planned.commands.script_steps import Again, Call, Enter, Own, Piped, Put
from scanner.probe.planned.commands.script_texts import Command, Followed
from scanner.probe.planned.commands.script_values import Expansion
from scanner.probe.planned.commands.script_ways import Ways
from scanner.probe.planned.unknown_text import UNKNOWN, is_known, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from scanner.formats.shell.syntax import Redirect
    from scanner.probe.planned.commands.script_steps import Step
    from scanner.probe.planned.commands.script_texts import Script

MAX_STEPS = 20_000
"""Statements that one script makes us look at, loops unrolled."""

MAX_ROUNDS = 50
"""Words that a loop goes over; more are no list that somebody wrote."""

MAX_CALLS = 10
"""Functions that call functions: deeper is a circle, and a gap."""

_PLAIN = frozenset({"command", "builtin"})


def commands_of(
    script: Script,
    env: Mapping[str, str],
    *,
    env_is_whole: bool,
    read: Callable[[str], str | None] = lambda _: None,
) -> Followed:
    """Every simple command that a script may run.

    ``read`` gives the text of a file that the script takes its own commands from, none where it is not there.
    """
    parsed = script_texts.parsed(script.text)
    if isinstance(parsed, NotUnderstood):
        return Followed(gaps=[f"its script is not understood: {parsed.why}"])
    own = script_texts.begun(script, env, env_is_whole=env_is_whole, read=read)
    walk = _Walk(shell=own, read=read)
    walk.run(parsed)
    return Followed(walk.commands, walk.gaps, walk.shell.last | walk.exits, walk.sure)


@dataclass(slots=True, kw_only=True)
class _Walk(Ways):
    """One pass over a script without recursion; every way that a condition may lead to is taken."""

    read: Callable[[str], str | None]
    _texts: script_texts.ParsedTexts = field(default_factory=script_texts.ParsedTexts)
    gaps: list[str] = field(default_factory=list)
    sure: list[str] = field(default_factory=list)
    _called: set[str] = field(default_factory=set)
    _calls_anything: bool = False
    _has_sourced: bool = False
    _written: written_files.WrittenFiles = field(default_factory=written_files.WrittenFiles)

    def run(self, script: Sequence) -> None:
        waiting: list[Step] = [script]
        effort = self.shell.effort
        while effort.steps < MAX_STEPS:
            if not waiting:
                waiting = list(reversed(self._uncalled()))
                if not waiting:
                    return
            effort.steps += 1
            waiting.extend(reversed(self._step(waiting.pop())))
        self.gaps.append(f"its script takes more than {MAX_STEPS} steps to follow")

    def _uncalled(self) -> list[Step]:
        """Traps, then functions that nobody calls by name, where the script calls something by a name that is not known."""
        self.ended = ""
        end, self.at_end = joined([*self.at_end, self.shell]), []
        if end.traps:
            self.shell = joined([end, *(one.before for one in end.traps)])
            self.shell.traps = {}
            actions = map(self._parse, dict.fromkeys(one.action for one in end.traps))
            return script_steps.subshells(
                one if isinstance(one, Sequence) else Sequence((Item(one),)) for one in actions
            )
        if not self._calls_anything:
            return []
        left = [name for name in self.shell.functions if name not in self._called]
        self._called.update(left)
        steps: list[Step] = []
        for name in left:
            steps += ["fork", Enter(None), self.shell.functions[name], "leave", "drop"]
        return steps

    def _step(self, step: Step) -> list[Step]:
        if isinstance(step, str):
            self.mark(step)
        elif isinstance(step, Enter):
            self.calls.append(Call(self.shell.parameters, step.is_sourced, self.shell.held((SOURCE,))))
            self._has_sourced = self._has_sourced or step.path is not None
            here = UNKNOWN if self._has_sourced else self.shell.texts.get(SOURCE, UNKNOWN)
            self.shell.put(SOURCE, step.path or here)
            self.shell.parameters = step.parameters
        elif self.ended:
            pass  # it never comes here
        elif isinstance(step, Put):
            self.shell.put(step.name, step.text)
        elif isinstance(step, Own):
            self.own(step)
        elif isinstance(step, Piped):
            text = self._output(step.before)
            return self._given(step.part, text, text)
        elif isinstance(step, Simple):
            return self._simple(step)
        elif isinstance(step, Again):
            return self._loop(step)
        elif isinstance(step, NotUnderstood):
            self.gaps.append(f"line {step.line} of its script is not understood: {step.why}")
        else:
            return self._parts(step)
        return []

    # ------------------------------------------------------------ ways

    def _parts(self, step: Statement | Sequence) -> list[Step]:
        match step:
            case Sequence(items=items):
                return [each for item in items for each in script_steps.item_steps(item)]
            case Group(body=body):
                return [body]
            case Redirected(body=body, redirects=redirects):
                return self._redirected(redirects, body)
            case AndOr():
                return script_steps.chain(step, self.holds)
            case If():
                return script_steps.branches(step, self.holds)
            case Pipeline() | Subshell():
                if self.shell.is_odd and isinstance(step, Pipeline) and len(step.parts) > 1:
                    self.forget_assigned(step.parts[-1:])
                return script_steps.of_subshells(step)
        return self._others(step)

    def _others(self, step: Statement | Sequence) -> list[Step]:
        match step:
            case Case():
                return self._cases(step)
            case Loop():
                return self._loop(Again(step, 0, self.shell))
            case For():
                return self._rounds(step)
            case Function(name=name, body=body):
                self.shell.functions[name] = body
            case Conditional(tokens=tokens):
                return self._expanded([one for one in tokens if isinstance(one, Word)])
            case Arithmetic(text=text):
                script_numbers.stated(self.shell, text)
                return script_steps.subshells(script_numbers.commands_in(text))
        return []

    def _cases(self, step: Case) -> list[Step]:
        steps = self._expanded([step.subject, *script_decisions.patterns_with_commands(step)])
        items, is_one_sure = script_decisions.fitting(step, self.shell)
        if is_one_sure and len(items) == 1:
            return [*steps, items[0].body]
        return [*steps, *script_steps.ways((item.body for item in items), is_one_sure=is_one_sure)]

    def _loop(self, again: Again) -> list[Step]:
        """A loop as long as its condition is known; then once more for all rounds that may follow."""
        loop, before = again.loop, again.before
        if again.count and (before.texts, before.parameters) == (self.shell.texts, self.shell.parameters):
            return []  # whatever follows is what has been
        found = self.holds(loop.condition)
        is_on = found is (loop.kind == "while")
        if found is not None and not is_on:
            return [loop.condition]
        if is_on and again.count < MAX_ROUNDS and script_decisions.has_variables(loop.condition):
            following = Again(loop, again.count + 1, self.shell.copy())
            return [loop.condition, "loop", loop.body, "next", following, "unloop"]
        self.forget_assigned((loop.condition, loop.body))
        return [loop.condition, *script_steps.maybe(*script_steps.rounds([loop.body]))]

    def _rounds(self, loop: For) -> list[Step]:
        made: list[Step] = []
        if loop.words is None:
            parameters = self.shell.parameters
            words = (UNKNOWN,) if parameters is None else parameters[1:]
        else:
            made, words = self._words(loop.words)
        if len(words) <= MAX_ROUNDS and all(map(script_texts.is_one_word, words)):
            return [*made, *script_steps.rounds(each for word in words for each in (Put(loop.name, word), loop.body))]
        self.forget_assigned((loop.body,), loop.name)
        return [*made, *script_steps.maybe(*script_steps.rounds([loop.body]))]

    # ------------------------------------------------------------ simple commands

    def _simple(self, simple: Simple) -> list[Step]:
        expansion = Expansion(self.shell)
        words = self._fields(expansion, simple.words)
        given = self.shell
        is_declared = words[:1] != () and words[0] in script_builtins.DECLARE  # local images=(a b)
        if is_declared:
            self._command((*words, *(one.name for one in simple.assignments)), given, None)
        elif words:  # assignments in front are the command's own
            given = self.shell.copy()
        own = Expansion(given, expansion.bodies, expansion.doubts)
        for one in simple.assignments:
            own.assigned(one)
        stdin = self._fed(simple, own)
        if words == ("exec",) and stdin != self.stdin:
            self.stdin = UNKNOWN  # of what it is now, those that follow read some each
        self._notice_files(words, simple.redirects)
        self.gaps += own.doubts
        steps = script_steps.subshells(own.bodies)
        if is_declared:  # what stands in front is the command's own, but for some shells
            self.shell.forget(one.name for one in simple.assignments if one.elements is None)
        if not words or is_declared:
            return steps
        names = {one.name for one in simple.assignments}
        given.exported |= names
        words = script_texts.in_place(words, stdin)
        if simple.redirects and script_reads.taken(self.shell, words, given, stdin):
            return steps
        made = self._command(words, given, stdin)
        return [*steps, *self.with_own(names, given, words[words[0] in _PLAIN :], made)]

    def _fed(self, simple: Simple, own: Expansion) -> str | None:
        """What a command reads."""
        stdin = self.stdin
        for redirect in simple.redirects:
            if redirect.here is not None:
                stdin = own.text(redirect.here)
                if any(isinstance(part, Opaque) for part in redirect.here.parts):
                    self.gaps.append(f"line {simple.line} of its script has a here-document that is not understood")
            elif redirect.target is not None:
                path = own.text(redirect.target)
                if "<" in redirect.operator and redirect.fd in {"", "0"}:
                    stdin = script_texts.of_file(self.shell, path) if redirect.operator == "<" else UNKNOWN
        return stdin

    def _command(self, words: tuple[str, ...], given: Shell, stdin: str | None, *, calls: bool = True) -> list[Step]:
        name = words[0]
        if name in {*_PLAIN, "exec"} and words[1:] and not words[1].startswith("-"):
            steps = self._command(words[1:], given, stdin, calls=False)
            self.end_by(name)
            return steps
        if (setter := script_builtins.SETTERS.get(name)) is not None:
            setter(self.shell, words)
            return []
        if name in script_builtins.DECLARE:
            self._alias(words)
            hidden = next((call.hidden for call in reversed(self.calls) if not call.is_sourced), None)
            script_builtins.declare(self.shell, words, hidden)
            return []
        if (builtin := _BUILTINS.get(name)) is not None:
            return builtin(self, words)
        if calls and name in self.shell.functions:
            if len(self.calls) >= MAX_CALLS:
                self.gaps.append(f"functions of its script call each other more than {MAX_CALLS} deep")
                return []
            self._called.add(name)
            own = (*(self.shell.parameters or (UNKNOWN,))[:1], *words[1:])
            return [Enter(own), self.shell.functions[name], "leave"]
        if UNKNOWN in name:
            self._calls_anything = True
            if script_texts.STARTS.intersection(words[1:]):
                self.gaps.append("only the running host knows which program its script runs")
        self.emit(Command(tuple(word.replace(MANY, UNKNOWN) for word in words), given.environment, stdin))
        return []

    def _words(self, words: Iterable[Word]) -> tuple[list[Step], tuple[str, ...]]:
        expansion = Expansion(self.shell)
        found = self._fields(expansion, tuple(words))
        self.gaps += expansion.doubts
        return script_steps.subshells(expansion.bodies), found

    def _expanded(self, words: Iterable[Word]) -> list[Step]:
        return self._words(words)[0]

    def _fields(self, expansion: Expansion, words: tuple[Word, ...]) -> tuple[str, ...]:
        found = script_texts.all_fields(expansion, words)
        if found is None:
            self.gaps.append(f"line {words[0].line} of its script has a command of too many characters or words")
        return found or ()

    def _redirected(self, redirects: tuple[Redirect, ...], body: Statement) -> list[Step]:
        steps = self._expanded([one.here or one.target for one in redirects if one.here or one.target])  # type: ignore[misc]  # one of them is there
        self._notice_files((), redirects)
        given = tuple(one for one in redirects if one.here or one.operator == "<")
        text = script_texts.fed_by(given, Expansion(self.shell.copy()))
        return [*steps, *(self._given(body, text, UNKNOWN) if given else [body])]

    def _given(self, part: Statement, text: str, stdin: str) -> list[Step]:
        """A part that is given a text to read; ``stdin`` is what each of its commands may find of that."""
        made = script_reads.rounds(part, text, self.shell)
        self.stdin = stdin if made is None else UNKNOWN
        return [*([part] if made is None else made), "unpipe"]

    def _notice_files(self, words: tuple[str, ...], redirects: tuple[Redirect, ...]) -> None:
        if self._written.is_run(words):
            self.gaps.append("its script runs a file that it writes itself")
        if plan := self._written.notice(words, redirects, Expansion(self.shell.copy()).text):
            self.sure.append(f"its script writes {shown(plan)}, by which its host starts containers")

    def _output(self, before: Statement) -> str:
        """What a command in front of a pipe writes."""
        return script_texts.written(before, Expansion(self.shell.copy()), self.stdin)

    # ------------------------------------------------------------ builtins that run commands

    def _source(self, words: tuple[str, ...]) -> list[Step]:
        path = words[1] if len(words) > 1 else UNKNOWN
        if not script_texts.is_one_word(path) or not is_known(script_builtins.placed(self.shell, path)):
            self.emit(Command((words[0], UNKNOWN), {}))
        text = self.read(script_builtins.placed(self.shell, path)) if is_known(path) else None
        parsed = self._parse(text) if text is not None else None
        if isinstance(parsed, Sequence) and len(self.calls) >= MAX_CALLS:
            self.gaps.append(f"its script takes commands from files more than {MAX_CALLS} deep")
            return []
        if isinstance(parsed, Sequence):
            own = self.shell.parameters if len(words) == len((".", path)) else None
            return [Enter(own, is_sourced=own is not None, path=path), parsed, "leave"]
        self.shell.texts, self.shell.arrays = {OPEN: UNKNOWN, "IFS": PLAIN_IFS}, {}
        self.shell.is_whole = False
        self._calls_anything = True
        return []

    def _eval(self, words: tuple[str, ...]) -> list[Step]:
        text = " ".join(words[1:])
        if UNKNOWN in text:
            self.shell.is_whole = False
            self.gaps.append("its script runs what only the running host knows")
        return [self._parse(text)]

    def _parse(self, text: str) -> Sequence | NotUnderstood:
        return self._texts.parsed(text, self.shell.effort)

    def _alias(self, words: tuple[str, ...]) -> list[Step]:
        self.gaps += script_builtins.renamed(words)
        return []


_BUILTINS: Mapping[str, Callable[[_Walk, tuple[str, ...]], list[Step]]] = {
    **dict.fromkeys((".", "source"), _Walk._source),  # noqa: SLF001 -- a table of its own methods
    **dict.fromkeys(("exit", "return"), _Walk.exit),
    **dict.fromkeys(("alias", "hash"), _Walk._alias),  # noqa: SLF001 -- the same
    **dict.fromkeys(("break", "continue"), _Walk.leave_loop),
    "eval": _Walk._eval,  # noqa: SLF001 -- the same
    "trap": _Walk.trap,
}
