"""Where control goes in a shell's script: ways part or meet, calls return, loops end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.probe.planned.commands.script_shell import Shell, joined
from scanner.probe.planned.commands.script_steps import Call, Fork, Rounds
from scanner.probe.planned.commands.script_texts import Command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.probe.planned.commands.script_steps import Mark, Own, Step


MAX_LAST = 8
"""Commands that may each be the last: where more ways meet, a command that does nothing stands for them."""


@dataclass(slots=True, kw_only=True)
class Ways:
    """What is known at one point, and all that is gone back to from there; ``commands`` are all that may be run.

    ``ended`` is the word that ended the way, ``exits`` are the last commands before one was ended by ``exit``.
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
        for name, text in call.hidden.items():
            self.shell.constant.discard(name)
            if text is None:
                self.shell.drop(name)
            else:
                self.shell.put(name, text)

    def exit(self, words: tuple[str, ...]) -> list[Step]:
        """``exit``, ``return``."""
        if words[0] == "exit":
            self.leave_shell()
        elif self.calls:  # elsewhere bash goes on, other shells end: what stands behind may be run
            self.ended = "return"
            if self.forks:
                self.calls[-1].returned = [joined([*self.calls[-1].returned, self.shell])]
        return []

    def emit(self, command: Command) -> None:
        """Take a command behind those that may be the last before it; equal environments are one."""
        if command.env != self.environment:
            self.environment = command.env
        self.commands.append(replace(command, env=self.environment, after=self.shell.last))
        self.shell.last = frozenset({len(self.commands) - 1})

    def own(self, step: Own) -> None:
        """Take a command's own variables; or those before it, which shells other than bash may leave changed."""
        ends = [self.shell.copy()]
        self.shell.hold(step.variables)
        if step.is_back and not self.shell.is_bash:
            self.shell = joined([self.shell, *ends])

    def leave_shell(self) -> None:
        """End the shell, or the innermost of its subshells."""
        self.ended = "exit"
        self.exits |= self.shell.last
        for fork in self.forks:
            fork.exits |= self.shell.last

    def leave_loop(self, words: tuple[str, ...]) -> list[Step]:
        """``break``, ``continue``."""
        loop = self.loops[-1] if self.loops else None
        if loop is None or loop.calls != len(self.calls) or words[1:] not in {(), ("1",)}:
            return []
        if len(self.forks) > loop.forks:
            loop.ends[words[0]].append(self.shell.copy())
        self.ended = words[0]
        return []
