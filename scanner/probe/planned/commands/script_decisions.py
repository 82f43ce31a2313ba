"""Decides the conditions of a shell's script, where the script alone tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats.shell import arithmetic, patterns
from scanner.formats.shell.conditions import BadTestError, Conditions, OddTestError, both, either, opposite
from scanner.formats.shell.syntax import (
    AndOr,
    Arithmetic,
    ArithmeticPart,
    Conditional,
    Glob,
    Group,
    Item,
    Literal,
    Opaque,
    Parameter,
    Pipeline,
    Sequence,
    Simple,
    Substitution,
)
from scanner.probe.planned.commands import script_numbers, script_options
from scanner.probe.planned.commands.script_values import Expansion
from scanner.probe.planned.plans import UnclearError
from scanner.probe.planned.unknown_text import UNKNOWN, is_known, opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.formats.shell.patterns import Pattern
    from scanner.formats.shell.syntax import Assignment, Case, CaseItem, Part, Redirect, Statement, Word
    from scanner.probe.planned.commands.script_shell import Shell

MAX_GROUPS = 16
"""Braces around a condition, within each other."""

_ALWAYS = {"true": True, ":": True, "false": False}
_TESTS = frozenset({"test", "[", *_ALWAYS})
_STANDARD = frozenset({"1", "2"})
_OF_VARIABLES = ("/etc/default/", "/etc/sysconfig/")
"""Where administrators alone write: what a script runs before changes nothing there."""

_EXTENDED = re.compile(r"[?*+@!]\(")


@dataclass(frozen=True, slots=True)
class _Texts:
    """Words as ``[[ ]]`` and ``case`` take them: not split."""

    shell: Shell

    def text(self, word: Word) -> str:
        return opened(Expansion(self.shell.copy()).text(word)) if _is_pure_word(word) else UNKNOWN

    def pattern(self, word: Word) -> Pattern:
        made = Expansion(self.shell).pattern(word)  # which sets nothing
        if not _is_pure_word(word) or any(active and _EXTENDED.search(text) for text, active in made.runs):
            return patterns.pattern_of([(UNKNOWN, False)])
        return patterns.pattern_of((opened(text), active) for text, active in made.runs)

    def found(self, text: str, word: Word) -> bool | None:
        """Of no regular expression is it asked whether it is found."""
        del text, word
        return None


def holds(condition: Sequence | Statement, shell: Shell) -> bool | None:
    """Whether a condition is met, ``None`` where only the running host knows.

    That is decided of tests alone, which neither open files nor change anything, over what the script itself surely set
    and is surely given.
    """
    return None if shell.is_odd else _holds(condition, shell.by_itself(), 0)


def _holds(condition: Sequence | Statement, shell: Shell, deep: int) -> bool | None:
    match condition:
        case Sequence(items=(Item(statement=only, background=False),)):
            return _holds(only, shell, deep)
        case Group(body=body) if deep < MAX_GROUPS:
            return _holds(body, shell, deep + 1)
        case Pipeline(parts=(only,), negated=negated):
            found = _holds(only, shell, deep)
            return opposite(found) if negated else found
        case AndOr(first=first, rest=rest):
            found, is_pure = _holds(first, shell, deep), _is_pure(first, shell)
            for sign, one in rest:
                found = (both if sign == "&&" else either)(found, _holds(one, shell, deep) if is_pure else None)
                is_pure = is_pure and _is_pure(one, shell)
            return found
        case Arithmetic(text=text) if shell.is_bash:
            number = script_numbers.calculated(shell.copy(), text)
            return number != "0" if is_known(number) else None
        case Conditional(tokens=tokens) if shell.is_bash and _is_pure(condition, shell):
            return _answered(lambda tests: tests.by_tokens(tokens, _Texts(shell)), shell)
        case Simple(words=(), redirects=(), assignments=assignments):
            return True if all(map(_is_plain, assignments)) else None
        case Simple(redirects=redirects) if all(_is_quiet(one) for one in redirects):
            words = _words(condition, shell)
            return _answered(lambda tests: _by_words(tests, words, shell), shell) if words else None
    return None


def _is_quiet(one: Redirect) -> bool:
    """Whether a redirection surely succeeds."""
    target = one.target.literal if one.target else None
    goes_nowhere = one.operator in {">", ">>", "<"} and target == "/dev/null"
    return one.fd.isdigit() | (not one.fd) and (goes_nowhere or (one.operator == ">&" and target in _STANDARD))


def _is_pure(statement: Sequence | Statement, shell: Shell, deep: int = 0) -> bool:
    """Whether it is no more than tests: what stands behind it finds all as it was."""
    match statement:
        case Sequence(items=items):
            return all(not item.background and _is_pure(item.statement, shell, deep) for item in items)
        case Group(body=body) if deep < MAX_GROUPS:
            return _is_pure(body, shell, deep + 1)
        case Pipeline(parts=(only,)):
            return _is_pure(only, shell, deep)
        case AndOr(first=first, rest=rest):
            return all(_is_pure(one, shell, deep) for one in (first, *(one for _, one in rest)))
        case Arithmetic(text=text):
            return shell.is_bash and not arithmetic.assigns(text)
        case Conditional(tokens=tokens):
            return all(_is_pure_word(token) for token in tokens if not isinstance(token, str))
        case Simple(assignments=(), words=(first, *_) as words, redirects=()):
            name = first.literal
            return name in _TESTS and name not in shell.functions and all(map(_is_pure_word, words))
    return False


def _is_pure_word(word: Word) -> bool:
    """Whether a word sets nothing by being put together."""
    return not any(
        (isinstance(part, ArithmeticPart) and arithmetic.assigns(part.text))
        or isinstance(part, Opaque)
        or (isinstance(part, Parameter) and not _is_pure_parameter(part))
        for part in word.parts
    )


def _is_pure_parameter(part: Parameter) -> bool:
    inner = [word for word in (part.word, part.replacement) if word is not None]
    subscript = part.subscript or "@"
    return (
        part.operator not in {"=", ":=", "?", ":?"}
        and (subscript in {"@", "*"} or subscript.isalnum())
        and not (part.operator == ":" and any(arithmetic.assigns(word.literal or "=") for word in inner))
        and all(isinstance(one, Literal | Glob) or _is_name(one) for word in inner for one in word.parts)
    )


def _is_name(part: Part) -> bool:
    return isinstance(part, Parameter) and not part.operator and part.subscript is None and not part.indirect


def _answered(ask: Callable[[Conditions], bool | None], shell: Shell) -> bool | None:
    try:
        return ask(
            Conditions(
                lambda letter, operand: _of_files(letter, operand, shell),
                patterns.equal if shell.is_bash else _equal_twice,
            )
        )
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
    return one.subscript is None and all(
        isinstance(part, Literal) or (isinstance(part, Parameter) and _is_pure_parameter(part))
        for word in words
        for part in word.parts
    )


def _of_files(letter: str, operand: str, shell: Shell) -> bool | None:
    """Only the host knows its files, but for those of variables that lie beside the script; one without a name is nowhere."""
    if letter in "efrs" and operand.startswith(_OF_VARIABLES) and is_known(operand):
        try:
            return True if shell.read(operand) else None
        except UnclearError:
            return None
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
    texts = _Texts(shell.by_itself())
    subject = UNKNOWN if shell.is_odd else texts.text(case.subject)
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


def patterns_with_commands(case: Case) -> list[Word]:
    """The patterns of a ``case`` for which a shell runs commands."""
    return [
        word
        for item in case.items
        for word in item.patterns
        if any(isinstance(part, Substitution | ArithmeticPart) for part in word.parts)
    ]


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
