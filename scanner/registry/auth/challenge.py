"""Reads a registry's WWW-Authenticate headers: text becomes challenges in one pure, linear pass.

The grammar is RFC 9110 section 11.6.1, read as widely as registries in the field write it: unquoted values that are no
tokens (``realm=/``), several blanks, any case. What is broken is a ``Failure``; half a header is never used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_CHALLENGE_CHARS = 16 * 1024
"""All headers of one answer together; a real one has some 200 characters."""

MAX_CHALLENGES = 16
"""Challenges of one answer; a registry offers one or two, a server that offers a thousand only wants our time."""

MAX_PARAMETERS = 32
"""Parameters of one challenge; Digest, the longest scheme registered, has nine."""

_SEPARATORS = re.compile(r"[ \t,]*")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_TOKEN68 = re.compile(r"[ \t]+[A-Za-z0-9\-._~+/]+=*[ \t]*(?=,|\Z)")
_QUOTED = re.compile(r'"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*)"')
_BARE = re.compile(r'[^\x00-\x20\x7f,"]+')
_VALUE_END = re.compile(r"[ \t,]|\Z")
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate that a server offers; ``scheme`` and the names of ``params`` are in lower case."""

    scheme: str
    params: Mapping[str, str] = field(default_factory=dict)

    def param(self, name: str) -> str:
        """The value of a parameter, empty where it is absent."""
        return self.params.get(name, "")


def parse(headers: Sequence[str]) -> tuple[Challenge, ...] | Failure:
    """Read every WWW-Authenticate header of one answer, in order.

    No header, or empty ones, give no challenge; a broken one, or too many, give ``image_denied``.
    """
    if sum(map(len, headers)) > MAX_CHALLENGE_CHARS:
        return _denied(f"WWW-Authenticate is longer than {MAX_CHALLENGE_CHARS} characters")
    found: list[Challenge] = []
    for header in headers:
        scanner = _Scanner(header, MAX_CHALLENGES - len(found))
        try:
            found += scanner.challenges()
        except _BrokenHeaderError as broken:
            return _denied(f"WWW-Authenticate {broken}")
    return tuple(found)


def _denied(detail: str) -> Failure:
    return Failure(Reason.IMAGE_DENIED, detail)


class _BrokenHeaderError(Exception):
    """The header is not one; the text ends a sentence that begins with its name."""


class _Scanner:
    """One pass over one header; each character is looked at a fixed number of times."""

    def __init__(self, text: str, room: int) -> None:
        self._text = text
        self._room = room
        self._at = 0
        self._found: list[tuple[str, dict[str, str]]] = []

    def challenges(self) -> list[Challenge]:
        """Every challenge of the header, in order."""
        self._skip_separators()
        separated = True
        while self._at < len(self._text):
            word = self._word()
            equals = _EQUALS.match(self._text, self._at)
            if equals and self._found:
                self._at = equals.end()
                self._add_parameter(word)
            elif separated and not equals:
                self._add_scheme(word)
            else:
                raise _BrokenHeaderError(f"has a stray word at character {self._at}")
            separated = self._skip_separators()
        return [Challenge(scheme, MappingProxyType(params)) for scheme, params in self._found]

    def _skip_separators(self) -> bool:
        """Go to the next word; True where a comma stood before it."""
        start = self._at
        self._at = self._end_of(_SEPARATORS)
        return "," in self._text[start : self._at]

    def _word(self) -> str:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise _BrokenHeaderError(f"has no word at character {self._at}")
        self._at = match.end()
        return match.group().lower()

    def _add_scheme(self, scheme: str) -> None:
        if len(self._found) >= self._room:
            raise _BrokenHeaderError(f"holds more than {MAX_CHALLENGES} challenges")
        if not _VALUE_END.match(self._text, self._at):
            raise _BrokenHeaderError(f"has a broken scheme at character {self._at}")
        self._found.append((scheme, {}))
        if credentials := _TOKEN68.match(self._text, self._at):
            self._at = credentials.end()

    def _add_parameter(self, name: str) -> None:
        params = self._found[-1][1]
        if name in params:
            raise _BrokenHeaderError(f"repeats a parameter before character {self._at}")
        if len(params) >= MAX_PARAMETERS:
            raise _BrokenHeaderError(f"holds more than {MAX_PARAMETERS} parameters in one challenge")
        params[name] = self._value()
        if not _VALUE_END.match(self._text, self._at):
            raise _BrokenHeaderError(f"has a broken value at character {self._at}")

    def _value(self) -> str:
        quoted = _QUOTED.match(self._text, self._at)
        if quoted:
            self._at = quoted.end()
            return _ESCAPE.sub(r"\1", quoted.group(1))
        bare = _BARE.match(self._text, self._at)
        if bare is None:
            raise _BrokenHeaderError(f"has no value, or one without its closing quote, at character {self._at}")
        self._at = bare.end()
        return bare.group()

    def _end_of(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, self._at)
        return match.end() if match else self._at
