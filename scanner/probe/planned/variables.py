"""Variables in Compose files, put in place as Compose does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.probe.planned.plans import UnclearError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DEPTH = 10
"""A default within a default is seen; ten of them are not."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_ENV_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*[=:]\s*(.*?)\s*", re.ASCII)


def dotenv(text: str) -> dict[str, str]:
    """The variables of an ``.env`` file; lines that are none are passed over, as Compose would refuse the whole file."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        assigned = _ENV_LINE.fullmatch(line)
        if assigned and not line.lstrip().startswith("#"):
            found[assigned[1]] = _value(assigned[2], found)
    return found


def _value(text: str, known: Mapping[str, str]) -> str:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
    text = text[1:-1] if is_quoted else re.split(r"\s+#", text, maxsplit=1)[0]
    try:
        return substituted(text, known)
    except UnclearError:
        return text


def substituted(text: str, variables: Mapping[str, str], depth: int = 0) -> str:
    """The text with ``$X``, ``${X}``, ``${X:-y}``, ``${X-y}``, ``${X:?y}``, ``${X?y}``, ``${X:+y}``, ``${X+y}`` replaced.

    Raises:
        UnclearError: a variable that nothing sets. Compose would take it for empty; whether the shell that runs
            Compose sets it is not known here.
    """
    if depth > MAX_DEPTH:
        raise UnclearError("variables nested too deep")
    done, at = [], 0
    while (dollar := text.find("$", at)) >= 0:
        done.append(text[at:dollar])
        put, at = _one(text, dollar + 1, variables, depth)
        done.append(put)
    return "".join(done) + text[at:]


def _one(text: str, at: int, variables: Mapping[str, str], depth: int) -> tuple[str, int]:
    if text.startswith("$", at):
        return "$", at + 1
    if text.startswith("{", at):
        end = _closing(text, at)
        return _braced(text[at + 1 : end], variables, depth), end + 1
    name = _NAME.match(text, at)
    if name is None:
        raise UnclearError(f"a lone $ in {text!r}")
    return _known(name[0], variables), name.end()


def _closing(text: str, at: int) -> int:
    depth = 0
    for position in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return position
    raise UnclearError(f"a brace that nothing closes in {text!r}")


def _braced(inside: str, variables: Mapping[str, str], depth: int) -> str:
    name = _NAME.match(inside)
    if name is None:
        raise UnclearError(f"${{{inside}}} names no variable")
    rest = inside[name.end() :]
    if not rest:
        return _known(name[0], variables)
    colon, operator, word = rest[0] == ":", rest.lstrip(":")[:1], rest[2:] if rest[0] == ":" else rest[1:]
    value = variables.get(name[0])
    is_set = value is not None and (value != "" or not colon)
    match operator:
        case "-":
            return value if is_set and value is not None else substituted(word, variables, depth + 1)
        case "+":
            return substituted(word, variables, depth + 1) if is_set else ""
        case "?":
            if is_set and value is not None:
                return value
            raise UnclearError(f"the variable {name[0]} must be set: {word}")
    raise UnclearError(f"${{{inside}}} is no form that Compose knows")


def _known(name: str, variables: Mapping[str, str]) -> str:
    if name not in variables:
        raise UnclearError(f"nothing sets the variable {name}")
    return variables[name]
