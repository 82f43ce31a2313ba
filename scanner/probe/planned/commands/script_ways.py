"""Where control goes in a shell's script: ways part or meet, calls return, loops end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.probe.planned.commands import script_decisions, script_names
from scanner.probe.planned.commands.script_builtins import SPECIAL
from scanner.probe.planned.commands.script_shell import Shell, Trap, either, joined
from scanner.probe.planned.commands.script_steps import Call, Fork, Own, Rounds
from scanner.probe.planned.commands.script_texts import Command
from scanner.probe.planned.unknown_text import is_known

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scanner.formats.shell.syntax import Sequence, Statement
    from scanner.probe.planned.commands.script_steps import Mark, Step


MAX_LAST = 8
"""Commands that may each be the last: where more ways meet, a command that does nothing stands for them."""


MAX_TRAPS = 64
"""Signals of one script, for each of which we keep what is known: there are as many."""

_COUNT = re.compile(r"[1-9]\d{0,2}", re.ASCII)


@dataclass(slots=True, kw_only=True)
class Ways:
    """What is known at one point, and all that is gone back to from there; ``commands`` are all that may be run.

    ``ended`` is the word that ended the way, ``exits`` are the last commands before one was ended by ``exit``, ``at_end``
    is what holds wherever one may have ended.
    """

    shell: Shell
    forks: list[Fork] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    loops: list[Rounds] = field(default_factory=list)
    ended: str = ""
    exits: set[int] = field(default_factory=set)
    commands: list[Command] = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: str | None = None
    at_end: list[Shell] = field(default_factory=list)

    def mark(self, mark: Mark) -> None:
        """Go on behind a mark."""
        self._go(mark)
        if len(self.shell.last) > MAX_LAST:
            self.emit(Command((":",), {}))

    def _go(self, mark: Mark) -> None:
        match mark:
            case "fork":
                self.forks.append(Fork(self.shell.copy(), self.ended))
            case "reset":
                self.shell, self.ended = self.forks[-1].before.copy(), self.forks[-1].ended
            case "collect":
                self.forks[-1].ends += [self.shell] if not self.ended else []
            case "merge":
                fork = self.forks.pop()
                self.shell, self.ended = (
                    (joined(fork.ends), "") if fork.ends else (fork.before, self.ended or fork.ended)
                )
            case "drop":
                fork = self.forks.pop()
                if self.shell.traps.keys() - fork.before.traps.keys():  # a subshell's own
                    self.note_end()
                fork.before.last = self.shell.last | fork.exits  # what it has run is done all the same
                self.shell, self.ended = fork.before, fork.ended
            case _:
                self._end(mark)

    def _end(self, mark: Mark) -> None:
        match mark:
            case "unpipe":
                self.stdin = None
            case "leave":
                self._leave()
            case "loop":
                self.loops.append(Rounds(len(self.forks), len(self.calls)))
            case "next":
                self._meet(self.loops[-1].ends["continue"], "continue")
            case "unloop":
                self._meet(self.loops.pop().ends["break"], "break")
                word, _, count = self.ended.partition(" ")
                if count:
                    self.ended = word if count == "2" else f"{word} {int(count) - 1}"

    def _meet(self, ends: list[Shell], word: str) -> None:
        """Where ``break`` or ``continue`` goes on, be it that it was surely, or on some way, come to."""
        self.ended = "" if self.ended == word else self.ended
        if ends:
            self.shell = joined([*([] if self.ended else [self.shell]), *ends])
            self.ended = ""
            ends.clear()

    def _leave(self) -> None:
        call = self.calls.pop()
        if self.ended == "return":
            self.ended = ""
            call.returned.append(self.shell)
            self.shell = joined(call.returned)
        elif call.returned:
            self.shell = joined([*([] if self.ended else [self.shell]), *call.returned])
            self.ended = ""
        if not call.is_sourced:
            self.shell.parameters = call.parameters
        self.shell.constant.difference_update(call.hidden)
        self.shell.hold(call.hidden)

    def exit(self, words: tuple[str, ...]) -> list[Step]:
        """``exit``, ``return``."""
        if words[0] == "exit":
            self.end_by("exit")
        elif self.calls:  # elsewhere bash goes on, other shells end: what stands behind may be run
            self.ended = "return"
            if self.forks:
                self.calls[-1].returned = [joined([*self.calls[-1].returned, self.shell])]
        return []

    def holds(self, condition: Statement | Sequence) -> bool | None:
        """Whether a condition holds here, as far as the script's own words tell."""
        return script_decisions.holds(condition, self.shell)

    def forget_assigned(self, parts: Iterable[Statement | Sequence], *names: str) -> None:
        """Forget what parts of the script set, with some more; a function that they define may be there already."""
        functions = self.shell.functions
        for one in script_names.defined(parts):
            functions[one.name] = either(one.name, functions.get(one.name), one.body)
        self.shell.forget({*names, *script_names.assigned(parts, self.shell.functions)})

    def emit(self, command: Command) -> None:
        """Take a command behind those that may be the last before it; equal environments are one."""
        if command.env != self.environment:
            self.environment = command.env
        made = replace(command, env=self.environment, after=self.shell.last, env_is_whole=self.shell.is_whole)
        self.commands.append(made)
        self.shell.last = frozenset({len(self.commands) - 1})

    def own(self, step: Own) -> None:
        """Take a command's own variables; or those before it, which shells other than bash may leave changed."""
        ends = [self.shell.copy()]
        self.shell.hold(step.variables)
        if step.is_back and not self.shell.is_bash:
            self.shell = joined([self.shell, *ends])

    def with_own(self, names: set[str], given: Shell, words: tuple[str, ...], made: list[Step]) -> list[Step]:
        """A command's steps; around them its own variables where they are those of the shell itself, for a time or for good."""
        if not names or not words or not (words[0] in self.shell.functions or words[0] in SPECIAL):
            return made
        return [Own(given.held(names)), *made, Own(self.shell.held(names), is_back=True)]

    def end_by(self, name: str) -> None:
        """Where ``exit``, ``exec`` end the shell, what it then knows is what its traps find; bash may go on (execfail)."""
        if name not in {"exit", "exec"} or (name == "exec" and self.shell.is_odd):
            return
        self.note_end()
        self.ended = "exit"
        self.exits |= self.shell.last
        for fork in self.forks:
            fork.exits |= self.shell.last

    def note_end(self) -> None:
        """Traps may find what is known here."""
        self.at_end = [joined([*self.at_end, self.shell])]

    def trap(self, words: tuple[str, ...]) -> list[Step]:
        """What is run later, with what is known then."""
        action, *signals = words[2:] if words[1:2] == ("--",) else words[1:] or ("",)
        again = [one for one in self.shell.traps if one.signal in signals and is_known(one.signal)]
        if any(one.before.last != self.shell.last for one in again):
            self.note_end()  # what was run since then may have ended it: set -e, a signal
        self.shell.traps = {one: None for one in self.shell.traps if one not in again}
        if signals and action and not action.startswith("-"):
            before = self.shell.copy()
            before.traps = {}
            if len(self.shell.traps) > MAX_TRAPS:
                self.note_end()
                before = next(iter(self.shell.traps)).before
            self.shell.traps |= dict.fromkeys(Trap(signal, action, before) for signal in signals)
        return []

    def leave_loop(self, words: tuple[str, ...]) -> list[Step]:
        """``break``, ``continue``."""
        loops = [loop for loop in self.loops if loop.calls == len(self.calls)]
        count = words[1] if words[1:] else "1"
        if not loops:
            return []
        if not _COUNT.fullmatch(count):  # it may be any of them
            for loop in loops:
                loop.ends["break"].append(self.shell.copy())
            return []
        count = str(min(int(count), len(loops)))
        loop = loops[-int(count)]
        loop.ends[words[0]].append(self.shell.copy())
        self.ended = words[0] if count == "1" else f"{words[0]} {count}"
        return []
