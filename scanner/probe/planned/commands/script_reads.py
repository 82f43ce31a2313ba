"""What ``read``, ``mapfile`` with their like take of a text that a shell's script gives them."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING

from scanner.formats.shell.syntax import Loop, Parameter, Pipeline, Simple
from scanner.probe.planned.commands import script_steps
from scanner.probe.planned.commands.command import COMPOSERS, ENGINES
from scanner.probe.planned.commands.script_shell import PLAIN_IFS
from scanner.probe.planned.commands.script_steps import Put
from scanner.probe.planned.commands.script_values import Expansion
from scanner.probe.planned.unknown_text import UNKNOWN, is_known

if TYPE_CHECKING:
    from scanner.formats.shell.syntax import Sequence, Statement, Word
    from scanner.probe.planned.commands.script_shell import Shell
    from scanner.probe.planned.commands.script_steps import Step

MAX_LINES = 50
"""Rounds of a loop over lines: more are no list that somebody wrote."""

_LEAVES_INPUT = frozenset({
    "!", "[", ":", "basename", "break", "cd", "chmod", "chown", "continue", "cp", "date", "dirname", "echo", "exit", "export", "expr",
    "false", "getopts", "id", "kill", "ln", "local", "logger", "ls", "mkdir", "mv", "printf", "pwd", "readonly", "return", "rm", "seq",
    "set", "shift", "sleep", "systemctl", "test", "touch", "trap", "true", "uname", "unset", "wait", "which",
})  # fmt: skip
"""Commands that read nothing of what a loop around them is given."""

_INTERACTIVE = re.compile(r"-[a-hj-zA-Z]*i[a-zA-Z]*|--interactive(?:=.*)?|-", re.DOTALL)
"""What has an engine hand its own input to a container, or read a file from it."""

_READS_INPUT = frozenset({"attach", "import", "load", "login"})
"""What an engine does with its own input, as it is or for want of a file's name."""

_BLANKS = re.compile(r"[ \t]+")
_TO_ARRAYS = frozenset({"mapfile", "readarray"})


@dataclass(frozen=True, slots=True)
class _Reading:
    """``read`` with the variables that it sets; ``separators`` are those between their texts."""

    names: tuple[str, ...]
    separators: str
    is_raw: bool

    def of(self, line: str) -> tuple[Put, ...] | None:
        """What it makes of a line; none where nobody can tell."""
        if "\\" in line and not self.is_raw:
            return None
        parts = self._parts(line)
        if parts is None:
            return None
        texts = (*parts, *[""] * (len(self.names) - len(parts)))
        return tuple(Put(name, text) for name, text in zip(self.names, texts, strict=True))

    def _parts(self, line: str) -> list[str] | None:
        if self.separators == PLAIN_IFS:
            line = line.strip(PLAIN_IFS)  # of blanks and tabs alone, whatever else Python takes for blanks
            return _BLANKS.split(line, maxsplit=len(self.names) - 1) if len(self.names) > 1 and line else [line]
        if not self.separators:
            return [line]
        if len(self.separators) > 1 or self.separators in PLAIN_IFS:
            return None
        parts = line.split(self.separators)
        return parts if len(parts) <= len(self.names) else None


def _reading(words: tuple[str, ...], separators: str | None) -> _Reading | None:
    """Of the words of a command; none where it is no ``read``, or one with more than ``-r``."""
    names = words[2:] if words[1:2] == ("-r",) else words[1:]
    if words[:1] != ("read",) or not names or not all(name.isidentifier() for name in names):
        return None
    if not is_known(separators or ""):
        return None
    return _Reading(names, PLAIN_IFS if separators is None else separators, words[1:2] == ("-r",))


def taken(shell: Shell, words: tuple[str, ...], given: Shell, text: str | None) -> bool:
    """Set what a command takes of a text; false where it is none that takes any, or nobody can tell what."""
    if text is None or not is_known(text) or words[0] in shell.functions:
        return False
    lines = text.removesuffix("\n").split("\n") if text else []
    if words[0] in _TO_ARRAYS and words[1:2] == ("-t",) and words[2:] and words[-1].isidentifier():
        if len(words) == len(("mapfile", "-t", "name")) and len(lines) <= MAX_LINES:
            shell.put_array(words[-1], tuple(lines))
            return True
        return False
    reading = _reading(words, given.texts.get("IFS"))
    found = reading.of("".join(lines[:1])) if reading else None
    for one in found or ():
        shell.put(one.name, one.text)
    return found is not None


def rounds(loop: Statement, text: str | None, shell: Shell) -> list[Step] | None:
    """The rounds of ``while read …`` over the lines of a text; none for any other part, or where nobody can tell."""
    if not isinstance(loop, Loop) or loop.kind != "while" or text is None or not is_known(text):
        return None
    reading = _of_condition(loop.condition, shell)
    lines = text.split("\n")[:-1]  # where the last one has no end it is read, but the loop is left
    if reading is None or len(lines) > MAX_LINES or not _leaves_input(loop.body, shell):
        return None
    made: list[Sequence | Put] = []
    for line in lines:
        found = reading.of(line)
        if found is None:
            return None
        made += [*found, loop.body]
    return script_steps.rounds([*made, *(Put(name, UNKNOWN) for name in reading.names)])


def _leaves_input(part: object, shell: Shell) -> bool:
    """Whether no command of a loop's body reads of what the loop is given, as far as its words are written out."""
    waiting = [part]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Simple) and one.words and not _leaves(one, shell):
            return False
        if isinstance(one, tuple):
            waiting += one
        elif is_dataclass(one):
            waiting += [getattr(one, each.name) for each in fields(one)]
    return True


def _leaves(simple: Simple, shell: Shell) -> bool:
    if any(one.operator in {"<", "<<", "<<-", "<<<"} for one in simple.redirects):
        return True
    name, *words = (_written(word, shell) for word in simple.words)
    if name in shell.functions:
        return False
    name = name.rpartition("/")[2]
    is_composed = name in COMPOSERS or words[:1] == ["compose"]
    is_given = any(_INTERACTIVE.fullmatch(word) for word in words) or (
        is_composed and not {"exec", "run"}.isdisjoint(words)
    )
    is_engine = is_composed or (name in ENGINES and _READS_INPUT.isdisjoint(words[:2]))
    return name in _LEAVES_INPUT or (is_engine and not is_given)


def _written(word: Word, shell: Shell) -> str:
    texts = (
        shell.texts.get(part.name, "")
        if isinstance(part, Parameter) and not part.operator
        else getattr(part, "text", "")
        for part in word.parts
    )
    return "".join(texts)


def _of_condition(condition: Sequence, shell: Shell) -> _Reading | None:
    only = condition.items[0].statement if len(condition.items) == 1 else None
    if isinstance(only, Pipeline) and len(only.parts) == 1 and not only.negated:
        only = only.parts[0]
    if not isinstance(only, Simple) or only.redirects or any(one.name != "IFS" for one in only.assignments):
        return None
    given = shell.copy()
    own = Expansion(given)
    for one in only.assignments:
        own.assigned(one)
    words = tuple(field for word in only.words for field in own.fields(word))
    is_plain = words[:1] == ("read",) and "read" not in shell.functions and not own.bodies and not own.doubts
    return _reading(words, given.texts.get("IFS")) if is_plain else None
