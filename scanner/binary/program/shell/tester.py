"""Evaluates the tests of a shell by the files of an image."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.shell import uncomputed
from scanner.binary.program.shell.image_paths import PathKind
from scanner.binary.program.shell.state import AtRunTimeError, ShellKind, counted, is_known
from scanner.formats.shell import patterns
from scanner.formats.shell.conditions import BadTestError, Conditions, OddTestError
from scanner.formats.shell.syntax import Glob, Literal, Word

if TYPE_CHECKING:
    from scanner.binary.program.shell.expand import Expander
    from scanner.binary.program.shell.image_paths import Files
    from scanner.binary.program.shell.state import State

_FILE_TESTS = frozenset("abcdefghkprstuwxGLNOS")


@dataclass(frozen=True, slots=True)
class Tester:
    """Answers tests by the image's files and what a state knows; three answers: yes, no, ``None``."""

    files: Files
    state: State
    kind: ShellKind

    def by_words(self, words: tuple[str, ...]) -> bool | None:
        """``[ words ]`` as POSIX orders it; raises ``BadTestError``."""
        return self._conditions.by_words(words) if counted(words) else None

    def by_tokens(self, tokens: tuple[Word | str, ...], words: Expander) -> bool | None:
        """``[[ tokens ]]``; raises ``BadTestError``."""
        try:
            return self._conditions.by_tokens(tokens, words)
        except OddTestError:
            raise AtRunTimeError("a [[ ]] that is not understood") from None

    @property
    def _conditions(self) -> Conditions:
        return Conditions(self._unary, self._twice, self._older, self.state.folds)

    def _twice(self, one: str, other: str) -> bool | None:
        if self.kind is ShellKind.POSIX:
            return None
        if self.kind is ShellKind.DASH:
            raise BadTestError
        return patterns.equal(one, other)

    def _older(self, one: str, operator: str, other: str) -> bool | None:
        """``-nt``, ``-ot``, ``-ef`` where a file is missing: bash alone takes what is there for newer."""
        there, beside = self._file("e", one), self._file("e", other)
        if there is None or beside is None or (there and beside):
            return None
        if operator == "-ef" or there is beside:
            return False
        if not (there if operator == "-nt" else beside) or self.kind in {ShellKind.DASH, ShellKind.ASH}:
            return False
        return True if self.kind is ShellKind.BASH else None

    def _unary(self, letter: str, operand: str) -> bool | None:
        """``-f operand`` and its like."""
        if letter == "v":
            known = is_known(operand) and operand.isidentifier()
            value = self.state.value(operand) if known else UNKNOWN
            return None if value is not None and UNKNOWN in value else value is not None
        if letter == "t" or letter not in _FILE_TESTS:
            if letter in {"t", "o"}:
                return None
            raise BadTestError
        return self._file(letter, operand)

    def _file(self, letter: str, operand: str) -> bool | None:  # noqa: C901, PLR0912 - one row for each letter
        if not operand:
            return False
        if not is_known(operand):
            is_certain = self.state.is_sure_of_files and not self.state.written and letter not in {"h", "L"}
            return False if is_certain and uncomputed.is_missing(self.files, operand) else None
        path = self.state.absolute(operand)
        if self.state.touched(path):
            return None
        if letter in {"h", "L"}:
            return self.files.is_link(path)
        standing = self.files.stands(path)
        if standing.kind is PathKind.UNKNOWN:
            return None
        if standing.kind is PathKind.MISSING:
            return None if self.state.has_started else False
        match letter:
            case "e" | "a":
                return True
            case "f":
                return standing.kind is PathKind.FILE
            case "d":
                return standing.kind is PathKind.DIRECTORY
            case "x":
                return standing.executable or standing.kind is PathKind.DIRECTORY
            case "s":
                return standing.size > 0 if standing.kind is PathKind.FILE else True
            case "b" | "c" | "p" | "S":
                return None if standing.kind is PathKind.OTHER else False
            case "r":
                return True if self.state.user in {"", "0", "root"} and not standing.guarded else None
        return None


def are_words(tokens: tuple[Word | str, ...]) -> bool:
    """Whether a shell that knows no ``[[`` takes what stands within for words of a command."""
    words = [token for token in tokens if isinstance(token, Word)]
    written = "".join(
        part.text for word in words for part in word.parts if isinstance(part, Literal) and not part.quoted
    )
    return len(words) == len(tokens) and not set("()|&;<>") & set(written)


def is_plain_double(tokens: tuple[Word | str, ...], words: Expander) -> bool:
    """Whether every busybox reads ``[[ tokens ]]`` as bash does.

    Older ones take it for ``[``: they split its words and know no patterns. Newer ones know them, even in quotes.
    """
    return all(isinstance(token, Word) and _is_plain(token, words.text(token)) for token in tokens)


def _is_plain(word: Word, text: str) -> bool:
    if UNKNOWN in text or text in {"=~", "-v"} or any(isinstance(part, Glob) for part in word.parts):
        return False
    if re.search(r"[*?\[\\]", text):
        return text == "["
    return all(getattr(part, "quoted", False) for part in word.parts) or (bool(text) and not re.search(r"\s", text))
