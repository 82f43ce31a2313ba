"""Evaluates the tests of shells, in words or in double brackets, where not all is known."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from scanner.formats.shell import patterns
from scanner.formats.shell.syntax import Word
from scanner.formats.shell.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.formats.shell.patterns import Pattern

MAX_WORDS = 256
"""Of one test; longer ones are not hand-written."""

MAX_PARENTHESES = 16
"""Inside each other in one test; each is a call of ours."""

_BETWEEN = frozenset({"&&", "||", "(", ")"})
_UNARY = re.compile(r"-[a-zA-Z]")
_STRING = frozenset({"=", "==", "!=", "<", ">"})
_NUMBER = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
_FILES = frozenset({"-nt", "-ot", "-ef"})
_BINARY = _STRING | _NUMBER | _FILES
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9]\d{0,17})", re.ASCII)
_INTEGER = re.compile(r"\s*[-+]?\d{1,18}\s*", re.ASCII)


class BadTestError(Exception):
    """The test is refused with status 2."""


class OddTestError(Exception):
    """A ``[[ ]]`` that is not understood."""


class Texts(Protocol):
    """Whoever knows what words stand for."""

    def text(self, word: Word) -> str:
        """One word without splitting."""

    def pattern(self, word: Word) -> Pattern:
        """One word as a pattern."""

    def found(self, text: str, word: Word) -> bool | None:
        """Whether one word, as a regular expression, is found in a text."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Answers tests; three answers: yes, no, ``None``.

    ``file`` answers ``-f operand`` with its like, all but ``-n`` and ``-z``. ``twice`` answers ``one == other`` between
    single brackets, which not every shell knows. ``older`` answers ``one -nt other`` with its like. ``folds`` tells that
    case means nothing to the patterns of double brackets.
    """

    file: Callable[[str, str], bool | None]
    twice: Callable[[str, str], bool | None]
    older: Callable[[str, str, str], bool | None] = lambda *_: None
    folds: bool = False

    def by_words(self, words: tuple[str, ...]) -> bool | None:
        """``[ words ]`` as POSIX orders it.

        Raises:
            BadTestError: the test is refused.
        """
        if len(words) > MAX_WORDS:
            return None
        found, left = self._or(words)
        if left:
            raise BadTestError
        return found

    def _or(self, words: tuple[str, ...], deep: int = 0) -> tuple[bool | None, tuple[str, ...]]:
        if not deep and len(words) <= 4:  # noqa: PLR2004 - POSIX decides tests of up to four words by their number
            return self._few(words), ()
        found, words = self._and(words, deep)
        while words and words[0] == "-o":
            other, words = self._and(words[1:], deep)
            found = either(found, other)
        return found, words

    def _inside(self, words: tuple[str, ...], deep: int) -> tuple[bool | None, tuple[str, ...]]:
        """What stands between ``(`` and ``)``."""
        if deep > MAX_PARENTHESES or any(UNKNOWN in word for word in words):
            return None, ()
        found, words = self._or(words, deep)
        if words[:1] != (")",):
            raise BadTestError
        return found, words[1:]

    def _and(self, words: tuple[str, ...], deep: int) -> tuple[bool | None, tuple[str, ...]]:
        found, words = self._not(words, deep)
        while words and words[0] == "-a":
            other, words = self._not(words[1:], deep)
            found = both(found, other)
        return found, words

    def _not(self, words: tuple[str, ...], deep: int) -> tuple[bool | None, tuple[str, ...]]:
        negated = False
        while words and words[0] == "!":
            negated, words = not negated, words[1:]
        found, words = self._primary(words, deep)
        return (opposite(found) if negated else found), words

    def _primary(self, words: tuple[str, ...], deep: int) -> tuple[bool | None, tuple[str, ...]]:
        if not words:
            raise BadTestError
        if words[0] == "(" and not (len(words) > 2 and words[1] in _BINARY):  # noqa: PLR2004 - a binary primary
            return self._inside(words[1:], deep + 1)
        if len(words) > 2 and words[1] in _BINARY:  # noqa: PLR2004 - a binary primary
            return self._binary(words[0], words[1], words[2]), words[3:]
        if len(words) > 1 and _UNARY.fullmatch(words[0]) and words[1] not in {"-a", "-o"}:
            return self.unary(words[0][1], words[1]), words[2:]
        return filled(words[0]), words[1:]

    def _few(self, words: tuple[str, ...]) -> bool | None:  # noqa: C901 - the table of POSIX
        match words:
            case ():
                return False
            case (one,):
                return filled(one)
            case ("!", one):
                return opposite(filled(one))
            case (operator, one) if _UNARY.fullmatch(operator):
                return self.unary(operator[1], one)
            case (one, operator, other) if operator in _BINARY:
                return self._binary(one, operator, other)
            case (one, "-a", other):
                return both(filled(one), filled(other))
            case (one, "-o", other):
                return either(filled(one), filled(other))
            case ("!", *rest):
                return opposite(self._few(tuple(rest)))
            case ("(", one, ")"):
                return filled(one)
            case ("(", operator, one, ")") if _UNARY.fullmatch(operator):
                return self.unary(operator[1], one)
            case _ if any(UNKNOWN in word for word in words):
                return None
        raise BadTestError

    # ------------------------------------------------------------ primaries

    def unary(self, letter: str, operand: str) -> bool | None:
        """``-f operand`` and its like."""
        if letter in "nz":
            return filled(operand) if letter == "n" else opposite(filled(operand))
        return self.file(letter, operand)

    def _binary(self, one: str, operator: str, other: str) -> bool | None:
        """``one = other`` and its like; raises ``BadTestError``."""
        if operator == "==":
            return self.twice(one, other)
        if operator == "=":
            return patterns.equal(one, other)
        if operator == "!=":
            return opposite(patterns.equal(one, other))
        if operator in _NUMBER:
            return _compared(one, operator, other)
        return self.older(one, operator, other) if operator in _FILES else None

    # ------------------------------------------------------------ double brackets

    def by_tokens(self, tokens: tuple[Word | str, ...], words: Texts) -> bool | None:
        """``[[ tokens ]]``.

        Raises:
            BadTestError: the test is refused.
            OddTestError: it is not understood.
        """
        if len(tokens) > MAX_WORDS:
            return None
        left = deque(tokens)
        found = self._any_of(left, words, asked=True)
        if left:
            raise OddTestError
        return found

    def _any_of(self, left: deque[Word | str], words: Texts, *, asked: bool, deep: int = 0) -> bool | None:
        """Choices between ``||``; what is not ``asked`` is passed over."""
        found: bool | None = False
        while True:
            one = self._all_of(left, words, asked=asked and found is not True, deep=deep)
            found = either(found, one)
            if not left or left[0] != "||":
                return found
            left.popleft()

    def _all_of(self, left: deque[Word | str], words: Texts, *, asked: bool, deep: int) -> bool | None:
        every: bool | None = True
        while True:
            every = both(every, self._double(left, words, asked=asked and every is not False, deep=deep))
            if not left or left[0] != "&&":
                return every
            left.popleft()

    def _double(self, left: deque[Word | str], words: Texts, *, asked: bool, deep: int) -> bool | None:
        negated = False
        while left and isinstance(left[0], Word) and left[0].literal == "!":
            negated = not negated
            left.popleft()
        if left and left[0] == "(":
            if deep >= MAX_PARENTHESES:
                raise OddTestError
            left.popleft()
            found = self._any_of(left, words, asked=asked, deep=deep + 1)
            if not left or left.popleft() != ")":
                raise OddTestError
        else:
            tokens: list[Word | str] = []
            while left and left[0] not in _BETWEEN:
                tokens.append(left.popleft())
            found = self._double_primary(tokens, words) if asked else False
        return opposite(found) if negated else found

    def _double_primary(self, tokens: list[Word | str], words: Texts) -> bool | None:
        match tokens:
            case [Word() as one]:
                return filled(words.text(one))
            case [Word() as operator, Word() as one] if _UNARY.fullmatch(operator.literal or ""):
                return self.unary((operator.literal or "")[1], words.text(one))
            case [Word() as one, Word() as operator, Word() as other]:
                return self._double_binary(words.text(one), operator.literal or "", other, words)
            case [Word(), "<" | ">", Word()]:
                return None
        raise OddTestError

    def _double_binary(self, one: str, operator: str, other: Word, words: Texts) -> bool | None:
        if operator in {"=", "=="}:
            return patterns.matches(one, words.pattern(other), folds=self.folds)
        if operator == "!=":
            return opposite(patterns.matches(one, words.pattern(other), folds=self.folds))
        if operator == "=~":
            return words.found(one, other)
        if operator in _NUMBER:  # of any other text bash makes an expression first
            numbers = one, words.text(other)
            return _compared(one, operator, numbers[1]) if all(map(_DECIMAL.fullmatch, numbers)) else None
        return self.older(one, operator, words.text(other)) if operator in _FILES else None


def filled(text: str) -> bool | None:
    """Whether a text is not empty."""
    return True if text.replace(UNKNOWN, "") else (None if text else False)


def opposite(found: bool | None) -> bool | None:  # noqa: FBT001 - the value itself
    """Not."""
    return None if found is None else not found


def both(one: bool | None, other: bool | None) -> bool | None:  # noqa: FBT001 - the values themselves
    """And."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def either(one: bool | None, other: bool | None) -> bool | None:  # noqa: FBT001 - the values themselves
    """Or."""
    if one is True or other is True:
        return True
    return None if one is None or other is None else False


def _compared(one: str, operator: str, other: str) -> bool | None:
    if UNKNOWN in one or UNKNOWN in other:
        return None
    if not _INTEGER.fullmatch(one) or not _INTEGER.fullmatch(other):
        raise BadTestError
    a, b = int(one), int(other)
    match operator:
        case "-eq":
            return a == b
        case "-ne":
            return a != b
        case "-lt":
            return a < b
        case "-le":
            return a <= b
        case "-gt":
            return a > b
    return a >= b
