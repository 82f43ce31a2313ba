"""Paths that a shell's script makes of others: the folder, the name, what ``cd … && pwd`` tells."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scanner.formats.shell.syntax import AndOr, Simple
from scanner.probe.planned.unknown_text import is_known

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.formats.shell.syntax import Sequence

_ENDS = frozenset({"dirname", "basename"})
_PWD = frozenset({("pwd",), ("pwd", "-L")})


def told(body: Sequence, words_of: Callable[[Simple], tuple[str, ...]], place: str) -> str | None:
    """What the commands of a substitution write, where they only take a path apart; none for any others."""
    steps = [item.statement for item in body.items]
    if len(steps) == 1 and isinstance(only := steps[0], AndOr) and [sign for sign, _ in only.rest] == ["&&"]:
        steps = [only.first, only.rest[0][1]]
    if not all(isinstance(step, Simple) and step.words and not step.assignments for step in steps):
        return None
    lines = [
        words_of(step) for step in steps if isinstance(step, Simple) and step.words[0].literal in {*_ENDS, "cd", "pwd"}
    ]
    if len(lines) != len(steps) or not all(is_known(word) for line in lines for word in line):
        return None
    match [[word for word in line if word != "--"] for line in lines]:
        case [["dirname", path]]:
            return posixpath.dirname(path.rstrip("/")) or ("/" if path.startswith("/") else ".")
        case [["basename", path]]:
            return path.rstrip("/").rpartition("/")[2] or path[:1]
        case [["cd", path], pwd] if tuple(pwd) in _PWD and path not in {"", "-"}:
            found = posixpath.normpath(posixpath.join(place, path))
            return found if found.startswith("/") else None
    return None
