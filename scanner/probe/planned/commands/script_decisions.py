"""Decides the conditions of a shell's script, where the script alone tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats.shell import patterns
from scanner.formats.shell.conditions import BadTestError, Conditions, OddTestError, both, either, opposite
from scanner.formats.shell.syntax import (
    AndOr,
    Arithmetic,
    Conditional,
    Glob,
    Group,
    Item,
    Literal,
    Parameter,
    Pipeline,
    Sequence,
    Simple,
)
from scanner.probe.planned.commands import script_numbers, script_options
from scanner.probe.planned.commands.script_values import Expansion
from scanner.probe.planned.unknown_text import UNKNOWN, is_known, opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.formats.shell.patterns import Pattern
    from scanner.formats.shell.syntax import Assignment, Case, CaseItem, Statement, Word
    from scanner.probe.planned.commands.script_shell import Shell

MAX_GROUPS = 16
"""Braces around a condition, within each other."""

_ALWAYS = {"true": True, ":": True, "false": False, "echo": True, "printf": True, "export": True}
_EXTENDED = re.compile(r"[?*+@!]\(")


@dataclass(frozen=True, slots=True)
class _Texts:
    """Words as ``[[ ]]`` and ``case`` take them: not split."""

    shell: Shell

    def text(self, word: Word) -> str:
        return opened(Expansion(self.shell.copy()).text(word))

    def pattern(self, word: Word) -> Pattern:
        made = Expansion(self.shell).pattern(word)  # which sets nothing
        return (
            patterns.pattern_of([(UNKNOWN, False)])
            if any(active and _EXTENDED.search(text) for text, active in made.runs)
            else made
        )


def holds(condition: Sequence | Statement, shell: Shell, deep: int = 0) -> bool | None:
    """Whether a condition is met, ``None`` where only the running host knows."""
    match condition:
        case Sequence(items=(Item(statement=only, background=False),)):
            return holds(only, shell, deep)
        case Group(body=body) if deep < MAX_GROUPS:
            return holds(body, shell, deep + 1)
        case Pipeline(parts=(only,), negated=negated):
            found = holds(only, shell, deep)
            return opposite(found) if negated else found
        case AndOr(first=first, rest=rest):
            found = holds(first, shell, deep)
            for sign, one in rest:
                found = (both if sign == "&&" else either)(found, holds(one, shell, deep))
            return found
        case Arithmetic(text=text) if shell.is_bash:
            number = script_numbers.calculated(shell.copy(), text)
            return number != "0" if is_known(number) else None
        case Conditional(tokens=tokens) if shell.is_bash:
            return _answered(lambda tests: tests.by_tokens(tokens, _Texts(shell)), shell)
        case Simple(words=(), redirects=(), assignments=assignments):
            return True if all(map(_is_plain, assignments)) else None
        case Simple() if words := _words(condition, shell):
            return _answered(lambda tests: _by_words(tests, words, shell), shell)
    return None


def _answered(ask: Callable[[Conditions], bool | None], shell: Shell) -> bool | None:
    try:
        return ask(Conditions(_of_files, patterns.equal if shell.is_bash else _equal_twice))
    except BadTestError:
        return False
    except OddTestError:
        return None


def _by_words(tests: Conditions, words: tuple[str, ...], shell: Shell) -> bool | None:
    if words[0] in shell.functions:
        return None
    if words[0] == "getopts":
        return script_options.getopts(shell.copy(), words)
    if words[0] == "test":
        return tests.by_words(words[1:])
    if words[0] == "[" and words[-1] == "]":
        return tests.by_words(words[1:-1])
    return _ALWAYS.get(words[0])


def _is_plain(one: Assignment) -> bool:
    """Whether an assignment runs nothing whose failure would be its own."""
    words = (*((one.value,) if one.value else ()), *(one.elements or ()))
    return all(isinstance(part, Literal | Parameter) for word in words for part in word.parts)


def _of_files(_letter: str, operand: str) -> bool | None:
    """Only the host knows its files; one without a name is nowhere."""
    return None if operand else False


def _equal_twice(one: str, other: str) -> bool | None:
    """``[ one == other ]``, which dash refuses: it is never so where the texts differ."""
    return False if patterns.equal(one, other) is False else None


def _words(simple: Simple, shell: Shell) -> tuple[str, ...] | None:
    """The words of a test; none where nobody knows how many there are."""
    if simple.assignments or not simple.words:
        return None
    own = Expansion(shell.copy())
    found: list[str] = []
    for word in simple.words:
        fields = [opened(field) for field in own.fields(word)]
        is_bracket = any(isinstance(part, Glob) for part in word.parts) and fields in (["["], ["]"])
        if not is_bracket and not _is_counted(word, fields):
            return None
        found += fields
    return tuple(found) or None


def _is_counted(word: Word, fields: list[str]) -> bool:
    """Whether a word makes as many words as it seems to: no pattern for names of files, nothing that may be several."""
    parts = word.parts
    is_listed = any(isinstance(part, Parameter) and "@" in {part.name, part.subscript} for part in parts)
    if all(getattr(part, "quoted", False) for part in parts) and not is_listed:
        return True
    if all(isinstance(part, Literal) for part in parts):
        return True
    return not any(sign in field for field in fields for sign in f"*?[{UNKNOWN}")


def fitting(case: Case, shell: Shell) -> tuple[list[CaseItem], bool]:
    """The ways of a ``case`` that may be taken, and whether one of them surely is."""
    texts = _Texts(shell)
    subject = texts.text(case.subject)
    shell.effort.steps += sum(len(item.patterns) for item in case.items) * (64 + len(subject)) // 256
    found: list[CaseItem] = []
    falls = any(item.ends != ";;" for item in case.items)
    for item in case.items:
        fits: bool | None = False
        for pattern in item.patterns:
            fits = either(fits, patterns.matches(subject, texts.pattern(pattern)))
        if fits is not False or falls:
            found.append(item)
        if fits is True and not falls:
            return found, True
    return found, any(pattern.literal == "*" for item in case.items for pattern in item.patterns)


def has_variables(condition: Sequence) -> bool:
    """Whether a loop's condition looks at anything that may change."""
    statement = condition.items[0].statement if len(condition.items) == 1 else None
    if isinstance(statement, Pipeline) and len(statement.parts) == 1:
        statement = statement.parts[0]
    if isinstance(statement, Arithmetic):
        return any(sign.isalpha() for sign in statement.text)
    words = statement.words if isinstance(statement, Simple) else getattr(statement, "tokens", ())
    if isinstance(statement, Simple) and words and words[0].literal == "getopts":
        return True
    return any(isinstance(part, Parameter) for word in words for part in getattr(word, "parts", ()))
