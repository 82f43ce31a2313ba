"""Files of variables as Compose reads them: ``.env``, ``env_file``, ``--env-file``.

The grammar is compose-go's ``dotenv``. Docker's and Podman's own ``--env-file`` are in ``env_file``, systemd's
``EnvironmentFile=`` is in ``environment_file``: four grammars, and one text means four things in them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import ChainMap
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.formats.variables.env_file import MAX_BYTES, SPACES, EnvFileError, decoded
from scanner.formats.variables.interpolation import InterpolationError, Value, substitute

if TYPE_CHECKING:
    from collections.abc import Mapping

_INLINE_SPACES = "\t\v\f\r \x85\xa0"
_EXPORT = re.compile(r"export[\t\n\f\r ]+", re.ASCII)
_ESCAPE = re.compile(r"\\(?:[abcfnrtv$\"\\]|0[0-9]{0,3})", re.ASCII)
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"', "\\": "\\", "$": "$$"}
_OCTAL = re.compile(r"[0-3][0-7]{2}", re.ASCII)
_IN_QUOTES = {quote: re.compile(rf"[^\\{quote}]*(?:\\.[^\\{quote}]*)*", re.DOTALL) for quote in "\"'"}
_KEPT = {quote: re.compile(rf"\\{quote}") for quote in "\"'"}


def variables(
    raw: bytes, outside: Mapping[str, Value], before: Mapping[str, Value] = MappingProxyType({})
) -> dict[str, Value]:
    """The variables of a file; ``outside`` are those that go before its own, those ``before`` it come behind them.

    A line without ``=`` takes the variable from outside, or sets nothing.

    Raises:
        EnvFileError: Compose refuses the file, or it is longer than anybody writes one.
    """
    return _Reading(decoded(raw), outside, before).found()


class _Reading:
    """One pass over a text."""

    def __init__(self, text: str, outside: Mapping[str, Value], before: Mapping[str, Value]) -> None:
        self._text = text
        self._outside = outside
        self._own: dict[str, Value] = {}
        self._known = ChainMap(dict(outside), self._own, dict(before))
        self._chars = 0
        self._at = 0

    def found(self) -> dict[str, Value]:
        while self._skip_to_statement():
            name, is_assigned = self._name()
            if is_assigned:
                self._put(name, self._value())
            elif name in self._outside:
                self._put(name, self._outside[name])
        return self._own

    def _put(self, name: str, value: Value) -> None:
        self._chars += len(value.text)
        if self._chars > MAX_BYTES:
            raise self._refused(f"its variables stand for more than {MAX_BYTES} characters")
        self._own[name] = value

    def _refused(self, problem: str) -> EnvFileError:
        return EnvFileError(problem, self._text.count("\n", 0, self._at) + 1)

    def _skip_to_statement(self) -> bool:
        text = self._text
        while self._at < len(text):
            if text[self._at] == "#":
                newline = text.find("\n", self._at)
                self._at = len(text) if newline < 0 else newline
            elif text[self._at] not in SPACES:
                return True
            else:
                self._at += 1
        return False

    def _skip(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in _INLINE_SPACES:
            self._at += 1

    def _name(self) -> tuple[str, bool]:
        """A variable's name, and whether a value follows; the last word of a file names nothing and is a value."""
        if _EXPORT.match(self._text, self._at):
            self._at += len("export")
            self._skip()
        start = self._at
        for at in range(start, len(self._text)):
            letter = self._text[at]
            if letter in "=:\n":
                name = self._text[start:at].rstrip(SPACES)
                if " " in name:
                    raise self._refused("a variable's name cannot have a space in it")
                self._at = at + 1
                self._skip()
                return name, letter != "\n"
            if letter not in _INLINE_SPACES and letter not in "_.-[]" and unicodedata.category(letter)[0] not in "LN":
                raise self._refused("a variable's name has a character that Compose does not take")
        if start == len(self._text):
            raise self._refused("an export of nothing")
        return "", True

    def _value(self) -> Value:
        quote = self._text[self._at : self._at + 1]
        if quote in _IN_QUOTES:
            return self._quoted(quote)
        newline = self._text.find("\n", self._at)
        end = len(self._text) if newline < 0 else newline
        text = self._text[self._at : end].split(" #", 1)[0].rstrip(SPACES)
        value = self._expanded(text)
        self._at = end + 1
        return value

    def _quoted(self, quote: str) -> Value:
        inside = _IN_QUOTES[quote].match(self._text, self._at + 1)
        if inside is None or not self._text.startswith(quote, inside.end()):
            raise self._refused("a quote that nothing closes")
        text = _KEPT[quote].sub(quote, inside[0]) if "\\" in inside[0] else inside[0]
        value = self._expanded(_ESCAPE.sub(_unescaped, text)) if quote == '"' else Value(text)
        self._at = inside.end() + 1
        return value

    def _expanded(self, text: str) -> Value:
        try:
            return substitute(text, self._known) if "$" in text else Value(text)
        except InterpolationError as error:
            raise self._refused(str(error)) from error


def _unescaped(escape: re.Match[str]) -> str:
    """What an escape stands for; one that Go does not know stays as it is, without the nought of an octal one."""
    letters = escape[0][1:]
    if letters[0] != "0":
        return _PLAIN.get(letters, escape[0])
    digits = letters[1:]
    return chr(int(digits, 8)) if _OCTAL.fullmatch(digits) else f"\\{digits}"
