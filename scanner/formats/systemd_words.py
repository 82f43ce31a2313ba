"""Words of systemd's settings, split by its own rules for quotes with escapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WHITESPACE = " \t\n\r"

_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"', "'": "'", "s": " ",
}  # fmt: skip
_CODES = {"x": (2, 16), "u": (4, 16), "U": (8, 16)}
_HEX = frozenset("0123456789abcdefABCDEF")
_OCTAL = frozenset("01234567")
_LAST_CODE = 0x10FFFF
_BYTE = 0xFF


class WordsError(ValueError):
    """A setting that cannot be split, for which systemd would warn or refuse the line."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How strictly a setting is split.

    ``escapes`` tells of a backslash: ``c`` replaces C's escapes, ``plain`` takes the next character as it is, with
    ``none`` it is a character like any other. ``keep_unknown`` leaves an escape that nobody knows as it stands (systemd
    does, with a warning), else it is an error (Podman). ``relax`` takes a quote that nothing closes for closed at the end.
    """

    escapes: Literal["c", "plain", "none"] = "c"
    keep_unknown: bool = False
    relax: bool = False


EXEC = Rules(keep_unknown=True)
"""Of ``ExecStart=`` with its kin, and of ``Environment=`` (systemd's config_parse_exec, config_parse_environ)."""

QUADLET_ARGS = Rules(relax=True)
"""Of the settings that Podman's quadlets split into words."""

QUADLET_LIST = Rules("none")
"""Of the settings that are lists of plain words."""

VARIABLE = Rules("plain", relax=True)
"""Of a variable that stands alone in a command (systemd's replace_env_argv)."""


def split(text: str, rules: Rules = EXEC) -> list[str]:
    """All words of a text.

    Raises:
        WordsError: a quote is not closed, or an escape is none.
    """
    words: list[str] = []
    at = 0
    while True:
        word, at = first_word(text, at, rules)
        if word is None:
            return words
        words.append(word)


def first_word(text: str, at: int, rules: Rules = EXEC) -> tuple[str | None, int]:
    """The word that begins behind the blanks at ``at``, none at the end, with where the next one may begin.

    Raises:
        WordsError: as for ``split``.
    """
    at = _behind_blanks(text, at)
    if at >= len(text):
        return None, at
    made: list[str] = []
    quote = ""
    while at < len(text):
        char = text[at]
        if char == "\\" and rules.escapes != "none":
            put, at = _unescaped(text, at, rules)
            made.append(put)
            continue
        at += 1
        if quote:
            if char == quote:
                quote = ""
            else:
                made.append(char)
        elif char in "\"'":
            quote = char
        elif char in WHITESPACE:
            break
        else:
            made.append(char)
    if quote and not rules.relax:
        raise WordsError("a quote that nothing closes")
    return _text("".join(made)), _behind_blanks(text, at)


def _behind_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in WHITESPACE:
        at += 1
    return at


def _unescaped(text: str, at: int, rules: Rules) -> tuple[str, int]:
    """What the escape at ``at`` stands for, with where it ends."""
    letter = text[at + 1 : at + 2]
    if not letter:
        if rules.relax or rules.keep_unknown:
            return "\\" if rules.keep_unknown else "", at + 1
        raise WordsError("a backslash at the end")
    if rules.escapes == "plain":
        return letter, at + 2
    if letter in _ESCAPES:
        return _ESCAPES[letter], at + 2
    if letter in _CODES:
        length, _ = _CODES[letter]
        digits = text[at + 2 : at + 2 + length]
        if len(digits) == length and _HEX.issuperset(digits) and 0 < int(digits, 16) <= _LAST_CODE:
            return _coded(int(digits, 16), is_byte=letter == "x"), at + 2 + length
    digits = text[at + 1 : at + 4]
    if len(digits) == 3 and _OCTAL.issuperset(digits) and 0 < int(digits, 8) <= _BYTE:  # noqa: PLR2004 - of \nnn
        return _coded(int(digits, 8), is_byte=True), at + 4
    if rules.keep_unknown:
        return text[at : at + 2], at + 2
    raise WordsError(f"an escape that nobody knows: {text[at : at + 2]}")


def _coded(code: int, *, is_byte: bool) -> str:
    """A character by its number; a byte above ASCII may be a part of one."""
    return bytes([code]).decode("ascii", "surrogateescape") if is_byte else chr(code)


def _text(word: str) -> str:
    """Bytes that were escaped one by one as the characters that they make together."""
    if word.isascii():
        return word
    return word.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if _has_lone(word) else word


def _has_lone(word: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in word)
