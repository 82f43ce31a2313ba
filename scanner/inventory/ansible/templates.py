"""Templates of Ansible that say what they stand for by the inventory alone.

``{{ NAME }}``, ``{{ hostvars['HOST'].NAME }}``, ``{{ inventory_hostname }}`` with ``inventory_hostname_short``, a text in
quotes, a number, each with the filters ``default`` (``d``), ``int``, ``lower``, ``string``, ``trim``, ``upper``. Whatever
else stands between the braces is left to Ansible.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_NAMES = 5_000
"""Names in the templates of one inventory, whose values are kept for them."""

MAX_DEPTH = 10
"""A template that names a variable that is one; deeper is a circle."""

MAX_STEPS = 200
"""Expressions that one text leads to."""

MAX_CHARS = 10_000
"""What a template may stand for: no option of ssh is longer."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|'(?P<single>[^'\\]*)'|\"(?P<double>[^\"\\]*)\"|(?P<number>[0-9]+)|(?P<sign>[|().,\[\]]))",
    re.ASCII,
)
_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,18}\s*", re.ASCII)
_TRUE = frozenset({"true", "True"})
_UNFIT = ("{%", "{#", "#}", "%}")


class TemplateError(ValueError):
    """A template that only Ansible can evaluate."""


class Names(NamedTuple):
    """Where names get their values.

    ``variable`` gives that of a host (its name empty for the host itself), none where the inventory sets none; it raises
    ``ValueError`` where the value is there, but is none of text and number.
    """

    host: str
    variable: Callable[[str, str], str | None]


def names_in(texts: Iterable[str]) -> frozenset[str]:
    """The names that the templates of some texts could need; none of them where they are more than ``MAX_NAMES``."""
    found: set[str] = set()
    for text in texts:
        if "{{" not in text:
            continue
        for piece in text.split("{{")[1:]:
            found.update(_IDENTIFIER.findall(piece.partition("}}")[0]))
        if len(found) > MAX_NAMES:
            return frozenset()
    return frozenset(found)


def is_template(text: str) -> bool:
    """Whether Ansible would evaluate a text."""
    return "{{" in text or any(sign in text for sign in _UNFIT)


def filled(text: str, names: Names) -> str:
    """The text with its templates put in place.

    Raises:
        TemplateError: what it stands for is not certain by the inventory alone.
    """
    return _Filling(names).text(text, "", 0) if is_template(text) else text


class _Filling:
    """One text with all that it leads to: ``steps`` counts the expressions, however little they stand for."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._steps = 0

    def text(self, text: str, host: str, depth: int) -> str:
        """A text whose names are those of ``host``, of the host itself where that is empty."""
        if not is_template(text):
            return text
        if depth > MAX_DEPTH or any(sign in text for sign in _UNFIT):
            raise TemplateError
        head, *pieces = text.split("{{")
        parts = [head]
        for piece in pieces:
            self._steps += 1
            expression, closed, rest = piece.partition("}}")
            value = _Expression(expression, self, host, depth).value() if closed and self._steps <= MAX_STEPS else None
            if value is None:
                raise TemplateError
            parts += (value, rest)
        made = "".join(parts)
        if len(made) > MAX_CHARS:
            raise TemplateError
        return made


class _Expression:
    """One expression, read from left to right; what is undefined is ``None``."""

    def __init__(self, text: str, filling: _Filling, host: str, depth: int) -> None:
        self._filling, self._names, self._host, self._depth = filling, filling.names, host, depth
        self._tokens = _tokens(text)
        self._at = 0

    def value(self) -> str | None:
        found = self._primary()
        while self._next_is("|"):
            found = self._filtered(found)
        if self._at < len(self._tokens):
            raise TemplateError
        return found

    def _take(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise TemplateError
        self._at += 1
        return self._tokens[self._at - 1]

    def _next_is(self, sign: str) -> bool:
        is_next = self._tokens[self._at : self._at + 1] == [("sign", sign)]
        self._at += is_next
        return is_next

    def _expect(self, sign: str) -> None:
        if not self._next_is(sign):
            raise TemplateError

    def _primary(self) -> str | None:
        kind, text = self._take()
        if kind in {"single", "double", "number"}:
            return text
        if kind != "name" or self._tokens[self._at : self._at + 1] == [("sign", "(")]:
            raise TemplateError
        if text == "hostvars":
            return self._of_other_host()
        return self._variable(text, self._host)

    def _of_other_host(self) -> str | None:
        """``hostvars['web-1'].NAME``, its parts with brackets or dots alike; ``inventory_hostname`` may stand in the first ones."""
        if self._tokens[self._at : self._at + 2] == [("sign", "["), ("name", "inventory_hostname")]:
            self._at += 2
            self._expect("]")
            return self._variable(self._key(), self._host)
        host = self._key()
        return self._variable(self._key(), host)

    def _key(self) -> str:
        """``.NAME`` or ``['NAME']``."""
        is_dotted = self._next_is(".")
        if not is_dotted:
            self._expect("[")
        kind, text = self._take()
        if not text or kind not in ({"name"} if is_dotted else {"single", "double"}):
            raise TemplateError
        if not is_dotted:
            self._expect("]")
        return text

    def _variable(self, name: str, host: str) -> str | None:
        if name in {"inventory_hostname", "inventory_hostname_short"}:
            whole = host or self._names.host
            return whole if name == "inventory_hostname" else whole.partition(".")[0]
        try:
            found = self._names.variable(host, name)
        except ValueError:
            raise TemplateError from None
        return None if found is None else self._filling.text(found, host, self._depth + 1)

    def _filtered(self, value: str | None) -> str | None:
        kind, name = self._take()
        if kind != "name":
            raise TemplateError
        if name in {"default", "d"}:
            return self._default(value)
        if value is None or self._tokens[self._at : self._at + 1] == [("sign", "(")]:
            raise TemplateError
        match name:
            case "string":
                return value
            case "trim":
                return value.strip()
            case "lower":
                return value.lower()
            case "upper":
                return value.upper()
            case "int" if _NUMBER.fullmatch(value):
                return str(int(value))
            case _:
                raise TemplateError

    def _default(self, value: str | None) -> str | None:
        """``default(X)`` is for what is undefined, ``default(X, true)`` for what is empty, too."""
        self._expect("(")
        other = self._primary()
        is_also_for_empty = False
        if self._next_is(","):
            is_also_for_empty = self._take() in {("name", word) for word in _TRUE}
            if not is_also_for_empty:
                raise TemplateError
        self._expect(")")
        if is_also_for_empty and value in {
            "",
            "0",
        }:  # a number 0 is empty, a text "0" is not: which it was is not known
            if value == "0":
                raise TemplateError
            return other
        return other if value is None else value


def _tokens(text: str) -> list[tuple[str, str]]:
    found = []
    at = 0
    text = text.strip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise TemplateError
        kind = token.lastgroup or ""
        found.append((kind, token[kind]))
        at = token.end()
    return found
