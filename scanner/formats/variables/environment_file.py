"""Files of variables as systemd's ``EnvironmentFile=`` reads them (systemd.exec(5), ``env-file.c``)."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING

from scanner.formats.variables.env_file import MAX_BYTES, EnvFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NEWLINES = "\n\r"
_BLANKS = " \t\n\r"
_COMMENTS = "#;"
_NEED_ESCAPE = '"\\`$'
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class _State(Enum):
    BEFORE_NAME = auto()
    NAME = auto()
    BEFORE_VALUE = auto()
    VALUE = auto()
    VALUE_ESCAPE = auto()
    SINGLE_QUOTE = auto()
    DOUBLE_QUOTE = auto()
    DOUBLE_QUOTE_ESCAPE = auto()
    COMMENT = auto()
    COMMENT_ESCAPE = auto()


_WITHOUT_VALUE = frozenset({_State.BEFORE_NAME, _State.NAME, _State.COMMENT, _State.COMMENT_ESCAPE})


def systemd(raw: bytes) -> dict[str, str | None]:
    """The variables of a file; those with a name that is none are passed over, as systemd does with a warning.

    ``None`` stands for the value of a variable whose line follows a comment that ends with a backslash: before
    version 254 such a line was part of the comment.

    Raises:
        EnvFileError: systemd refuses the file.
    """
    if len(raw) > MAX_BYTES:
        raise EnvFileError(f"longer than {MAX_BYTES} bytes")
    if b"\0" in raw:
        raise EnvFileError("has a NUL")
    return _Reading().found(raw.decode("utf-8", "surrogateescape"))


class _Reading:
    """One pass over the characters of a text."""

    def __init__(self) -> None:
        self._found: dict[str, str | None] = {}
        self._name: list[str] = []
        self._value: list[str] = []
        self._value_chars = 0  # up to the last character that is no blank at the end of an unquoted value
        self._line = 1
        self._is_in_doubt = False

    def found(self, text: str) -> dict[str, str | None]:
        state = _State.BEFORE_NAME
        for letter in text:
            state = _STEPS[state](self, letter)
            self._line += letter == "\n"
        if state not in _WITHOUT_VALUE:
            if state is _State.VALUE:
                del self._value[self._value_chars :]
            self._push()
        return self._found

    def _push(self) -> _State:
        name, value = "".join(self._name).rstrip(_BLANKS), "".join(self._value)
        for text in (name, value):
            if any("\udc80" <= letter <= "\udcff" for letter in text):
                raise EnvFileError("not UTF-8", self._line)
        if _NAME.fullmatch(name):
            self._found[name] = None if self._is_in_doubt else value
        self._is_in_doubt = self._is_in_doubt and "\n" in value  # what follows is in doubt, too
        self._name, self._value, self._value_chars = [], [], 0
        return _State.BEFORE_NAME

    def _put(self, letters: str) -> None:
        self._value.extend(letters)
        self._value_chars = len(self._value)

    def before_name(self, letter: str) -> _State:
        if letter in _COMMENTS:
            return _State.COMMENT
        if letter in _BLANKS:
            self._is_in_doubt = self._is_in_doubt and letter not in _NEWLINES
            return _State.BEFORE_NAME
        self._name = [letter]
        return _State.NAME

    def name(self, letter: str) -> _State:
        if letter in _NEWLINES:
            self._is_in_doubt = False
            return _State.BEFORE_NAME
        if letter == "=":
            return _State.BEFORE_VALUE
        self._name.append(letter)
        return _State.NAME

    def before_value(self, letter: str) -> _State:
        if letter in _NEWLINES:
            return self._push()
        if letter in _BLANKS:
            return _State.BEFORE_VALUE
        if letter in _OPENING:
            return _OPENING[letter]
        self._put(letter)
        return _State.VALUE

    def value(self, letter: str) -> _State:
        if letter in _NEWLINES:
            del self._value[self._value_chars :]
            return self._push()
        if letter == "\\":
            self._value_chars = len(self._value)
            return _State.VALUE_ESCAPE
        if letter in _BLANKS:
            self._value.append(letter)
        else:
            self._put(letter)
        return _State.VALUE

    def value_escape(self, letter: str) -> _State:
        if letter not in _NEWLINES:
            self._put(letter)
        return _State.VALUE

    def single_quote(self, letter: str) -> _State:
        if letter == "'":
            return _State.BEFORE_VALUE
        self._put(letter)
        return _State.SINGLE_QUOTE

    def double_quote(self, letter: str) -> _State:
        if letter == '"':
            return _State.BEFORE_VALUE
        if letter == "\\":
            return _State.DOUBLE_QUOTE_ESCAPE
        self._put(letter)
        return _State.DOUBLE_QUOTE

    def double_quote_escape(self, letter: str) -> _State:
        if letter in _NEED_ESCAPE:
            self._put(letter)
        elif letter != "\n":
            self._put(f"\\{letter}")
        return _State.DOUBLE_QUOTE

    def comment(self, letter: str) -> _State:
        if letter == "\\":
            return _State.COMMENT_ESCAPE
        if letter in _NEWLINES:
            self._is_in_doubt = False
            return _State.BEFORE_NAME
        return _State.COMMENT

    def comment_escape(self, letter: str) -> _State:
        if letter not in _NEWLINES:
            return _State.COMMENT
        self._is_in_doubt = True
        return _State.BEFORE_NAME


_OPENING = {"'": _State.SINGLE_QUOTE, '"': _State.DOUBLE_QUOTE, "\\": _State.VALUE_ESCAPE}
_STEPS: Mapping[_State, Callable[[_Reading, str], _State]] = {
    _State.BEFORE_NAME: _Reading.before_name,
    _State.NAME: _Reading.name,
    _State.BEFORE_VALUE: _Reading.before_value,
    _State.VALUE: _Reading.value,
    _State.VALUE_ESCAPE: _Reading.value_escape,
    _State.SINGLE_QUOTE: _Reading.single_quote,
    _State.DOUBLE_QUOTE: _Reading.double_quote,
    _State.DOUBLE_QUOTE_ESCAPE: _Reading.double_quote_escape,
    _State.COMMENT: _Reading.comment,
    _State.COMMENT_ESCAPE: _Reading.comment_escape,
}
