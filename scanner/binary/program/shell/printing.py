"""What echo, printf of shells print."""

from __future__ import annotations

import re

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS
from scanner.binary.program.shell.state import ZERO, ShellKind, is_known

_CONVERSION = re.compile(r"%(?:%|(-?\d*)(?:\.(\d+))?([a-zA-Z])|(.))")
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "'": "'", "r": "\r", "0": ZERO}


def echoed(words: tuple[str, ...], kind: ShellKind) -> str:
    """What ``echo`` prints."""
    newline, escapes = "\n", kind is ShellKind.DASH
    while words and re.fullmatch(r"-[neE]+", words[0]) and not (kind is ShellKind.DASH and words[0] != "-n"):
        newline = "" if "n" in words[0] else newline
        escapes = escapes or "e" in words[0]
        words = words[1:]
    text = " ".join(words)
    if "\\" in text and (escapes or kind is not ShellKind.BASH):
        return UNKNOWN
    return text + newline


_NEEDS_QUOTES = re.compile(r"([^\w./:=@%+-])", re.ASCII)


def quoted(word: str) -> str:
    """A word as bash's ``%q`` writes it, so that a shell reads it as the same."""
    if UNKNOWN in word or not word.isascii() or not word.isprintable():
        return UNKNOWN
    return _NEEDS_QUOTES.sub(r"\\\1", word) or "''"


def formatted(words: tuple[str, ...], *, quotes: bool = False) -> str:
    """What ``printf`` prints; ``quotes`` where it knows ``%q``."""
    if words[:1] == ("--",):
        words = words[1:]
    if not words or any(word == UNKNOWN_WORDS for word in words):
        return UNKNOWN
    pattern, arguments = words[0], list(words[1:])
    if re.search(r"\\(?!0(?![0-7])|[nt\\\"'r])", pattern) or ZERO in "".join(words):
        return UNKNOWN
    pattern = re.sub(r"\\(.)", lambda found: _ESCAPES[found[1]], pattern)
    conversions = [c for c in _CONVERSION.finditer(pattern) if c[0] != "%%"]
    if any(c[4] or c[1] or c[2] or c[3] not in {"s", "d", *("q" * quotes)} for c in conversions):
        return UNKNOWN

    def converted(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        word = arguments.pop(0) if arguments else ""
        return quoted(word) if found[3] == "q" else word

    made = ""
    while True:
        made += _CONVERSION.sub(converted, pattern)
        if not arguments or not conversions:
            return made


def is_no_number(words: tuple[str, ...]) -> bool:
    """Whether ``printf`` surely is to print a word as a number that is none."""
    words = words[1:] if words[:1] == ("--",) else words
    if not words or not all(map(is_known, words)):
        return False
    conversions = [c[3] for c in _CONVERSION.finditer(words[0]) if c[0] != "%%"]
    pairs = zip(conversions, words[1:], strict=False)
    return any(kind in {"d", "i"} and re.match(r"[A-Za-z_]", word) is not None for kind, word in pairs)
