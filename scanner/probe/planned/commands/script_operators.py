"""What a shell's script makes of a variable's text by ``${name#pattern}`` with its like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from scanner.formats.shell import patterns
from scanner.probe.planned.unknown_text import UNKNOWN, is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.formats.shell.patterns import Pattern
    from scanner.formats.shell.syntax import Parameter, Word

_BOUNDS = re.compile(r"\s*(\d{1,4})\s*(?::\s*(\d{1,4})\s*)?", re.ASCII)


class Words(Protocol):
    """Whoever knows what the words of an operator stand for."""

    def operand(self, word: Word | None) -> str:
        """A word as a text."""

    def pattern(self, word: Word) -> Pattern:
        """A word as a pattern."""


_LETTERS: Mapping[str, Callable[[str], str]] = {
    "U": str.upper,
    "L": str.lower,
    "u": lambda text: text[:1].upper() + text[1:],
    "Q": lambda text: f"'{text}'",
}
"""Of ``${name@U}`` with its like."""


def is_understood(part: Parameter, words: Words) -> bool:
    """Whether what an operator makes of a text that is known is known, too, shells and languages aside."""
    match part.operator:
        case "@":
            return words.operand(part.word) in _LETTERS
        case "^" | "^^" | "," | ",,":
            return part.word is None or not part.word.parts
    return True


def changed(part: Parameter, text: str, words: Words) -> str:
    """The text behind the operator; not known where shells, or their languages, differ."""
    if not is_known(text) or not text.isascii() or part.name in {"@", "*"}:
        return UNKNOWN
    match part.operator:
        case "length":
            return str(len(text))
        case "^^" | ",," if is_understood(part, words):
            return text.upper() if part.operator == "^^" else text.lower()
        case "^" | "," if is_understood(part, words):
            return (text[:1].upper() if part.operator == "^" else text[:1].lower()) + text[1:]
        case "@" if is_understood(part, words) and text.isprintable() and "'" not in text:
            return _LETTERS[words.operand(part.word)](text)
        case ":":
            return _substring(words.operand(part.word), text)
    return _by_pattern(part, text, words)


def _by_pattern(part: Parameter, text: str, words: Words) -> str:
    made: str | None = None
    pattern = words.pattern(part.word) if part.word is not None else None
    if pattern is None:
        return UNKNOWN
    match part.operator:
        case "#" | "##":
            made = patterns.cut_prefix(text, pattern, longest=part.operator == "##")
        case "%" | "%%":
            made = patterns.cut_suffix(text, pattern, longest=part.operator == "%%")
        case "/" | "//":
            by = words.operand(part.replacement)
            if is_known(by) and "&" not in by and "\\" not in by:
                made = patterns.replaced(text, pattern, by, everywhere=part.operator == "//")
    return UNKNOWN if made is None else made


def _substring(bounds: str, text: str) -> str:
    found = _BOUNDS.fullmatch(bounds)
    if found is None:
        return UNKNOWN
    start = int(found[1])
    return text[start:] if found[2] is None else text[start : start + int(found[2])]
