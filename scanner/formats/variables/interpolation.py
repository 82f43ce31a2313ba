"""Variables in text, put in place as Compose puts them.

The grammar is compose-go's ``template``: ``$X``, ``${X}``, ``${X:-y}``, ``${X-y}``, ``${X:?y}``, ``${X?y}``,
``${X:+y}``, ``${X+y}``, ``$$`` for a dollar. A dollar before anything else stands for itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_DEPTH = 20
"""A default within a default is seen; twenty of them are not."""

MAX_CHARS = 1 << 20
"""What one text may become: variables that hold variables multiply, and no setting of a container is longer."""

_FORM = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|(\{))", re.ASCII)
_BRACED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(:?[-+?]|\})", re.ASCII)
_BRACE = re.compile(r"\{.?|\}", re.DOTALL)


SET_BY_LOGINS = ("HOME", "HOSTNAME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "TERM", "USER")
"""Variables that whoever starts Compose or ``docker stack`` has by a login, a shell or systemd: files do not tell them."""


class InterpolationError(ValueError):
    """A text that Compose refuses; the text says why, never a variable's value."""


class RequiredError(InterpolationError):
    """A variable that must be set is not."""


@dataclass(frozen=True, slots=True)
class Value:
    """A text with its variables put in place; ``unset`` are those among them that nothing sets, which were taken for empty."""

    text: str
    unset: tuple[str, ...] = ()


def substitute(text: str, variables: Mapping[str, Value], missing: str = "") -> Value:
    """The text with its variables put in place; ``missing`` stands for what rests on those that nothing sets.

    Raises:
        InterpolationError: a form that Compose refuses, a variable that must be set, a bound is reached.
    """
    return _Placing(variables, missing).text(text, 0) if "$" in text else Value(text)


class _Placing:
    """What variables stand for."""

    def __init__(self, variables: Mapping[str, Value], missing: str) -> None:
        self._variables = variables
        self._missing = missing

    def text(self, text: str, depth: int) -> Value:
        """A text, or a word within the braces of one, with its variables put in place."""
        if depth > MAX_DEPTH:
            raise InterpolationError(f"variables nested deeper than {MAX_DEPTH} levels")
        parts: list[str] = []
        unset: dict[str, None] = {}
        length = 0
        for part in self._parts(text, depth):
            length += len(part.text)
            if length > MAX_CHARS:
                raise InterpolationError(f"variables that stand for more than {MAX_CHARS} characters")
            parts.append(part.text)
            unset.update(dict.fromkeys(part.unset))
        return Value("".join(parts), tuple(unset))

    def _parts(self, text: str, depth: int) -> Iterator[Value]:
        at, line_end, last_brace = 0, -1, -1
        while form := _FORM.search(text, at):
            yield Value(text[at : form.start()])
            escaped, name, _ = form.groups()
            at = form.end()
            if escaped:
                yield Value("$")
                continue
            if name:
                yield self._known(name)
                continue
            if at > line_end:  # what is in braces ends in its line
                newline = text.find("\n", at)
                line_end = len(text) if newline < 0 else newline
                last_brace = text.rfind("}", at, line_end)
            end = _closing(text, at, last_brace)
            yield self._braced(text[at:end], depth)
            at = end
        yield Value(text[at:])

    def _braced(self, form: str, depth: int) -> Value:
        """What a form stands for, from behind its opening brace to its closing one."""
        named = _BRACED.match(form)
        assert named is not None  # noqa: S101 -- whoever found its end has seen it
        name, operator = named.groups()
        if operator == "}":
            return self._known(name)
        value = self._variables.get(name)
        is_set = value is not None and (value.text != "" or not operator.startswith(":"))
        other = self.text(form[named.end() : -1], depth + 1)  # refused even where it is not taken
        match operator[-1]:
            case "-":
                found = value if value is not None and is_set else other
            case "+":
                found = other if is_set else value or Value("")
            case _ if value is not None and is_set:
                found = value
            case _ if self._missing:
                found = Value("", (name,))
            case _:
                raise RequiredError(f"the variable {name} must be set: {form[named.end() : -1][:100]}")
        return self._told(Value(found.text, tuple(dict.fromkeys((*(value.unset if value else ()), *found.unset)))))

    def _known(self, name: str) -> Value:
        return self._told(self._variables.get(name) or Value("", (name,)))

    def _told(self, value: Value) -> Value:
        return Value(self._missing, value.unset) if value.unset and self._missing else value


def _closing(text: str, at: int, last_brace: int) -> int:
    """Where what began with a brace before ``at`` ends: its own closing brace, else the last one of the line."""
    named = _BRACED.match(text, at)
    if named is None or last_brace < at:
        raise InterpolationError(f"a variable in braces that Compose does not take: {text[at - 2 : at + 30]!r}")
    if named[2] == "}":
        return named.end()
    opened = 1
    for brace in _BRACE.finditer(text, at + 1, last_brace + 1):
        opened += 1 if brace[0] != "}" else -1
        if opened == 0:
            return brace.end()
    return last_brace + 1
