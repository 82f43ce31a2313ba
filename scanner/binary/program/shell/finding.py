"""Tells what find prints of a directory that stands as the image has it."""

from __future__ import annotations

import fnmatch
import itertools
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.binary.program.shell import redirect_files
from scanner.binary.program.shell.frames import LeaveSubshell, NextPart
from scanner.binary.program.shell.image_paths import PathKind
from scanner.binary.program.shell.state import is_known
from scanner.formats.parsing.patience import spend
from scanner.formats.shell.syntax import Simple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.binary.program.shell.image_paths import Files
    from scanner.binary.program.shell.state import State

MAX_LOOKED_AT = 512
"""Paths of one search; a folder of scripts for an entrypoint holds a dozen."""

LOOK_WEIGHT = 20
"""Microseconds of one path."""

_NAME = re.compile(r"[\w.*+-]+", re.ASCII)
"""A pattern that means the same to every find."""

_RUN = re.compile(r"\d+|[a-z]")
"""What two names are told apart by: letters, or numbers of one length."""

_KINDS = {"f": PathKind.FILE, "d": PathKind.DIRECTORY}


@dataclass(frozen=True, slots=True)
class _Search:
    """A search by its words: where, how deep, for what.

    It ``follows`` where links are taken for what they lead to, ``quits`` behind the first that it prints.
    """

    place: str
    follows: bool = False
    shallowest: int = 0
    deepest: int = MAX_LOOKED_AT
    kind: PathKind | None = None
    name: str = "*"
    quits: bool = False

    @property
    def is_by_name(self) -> bool:
        """Whether all that is called so is asked for, however deep: a tree of thousands of paths may be searched so."""
        plain = not self.follows and not self.shallowest and self.deepest == MAX_LOOKED_AT
        return plain and self.kind is None and "*" not in self.name


def printed(files: Files, state: State, words: tuple[str, ...]) -> str | None:
    """The lines that ``find`` prints, several only where ``sort`` reads them: nobody knows how a directory is read."""
    search = _search(words[1:]) if all(map(is_known, words)) else None
    if search is None or redirect_files.untouched(files, state, search.place) is None:
        return None
    try:
        found = list(_called(files, state, search) if search.is_by_name else _found(files, state, search))
    except _OpenError:
        return None
    if any(not each.isascii() or not each.isprintable() for each in found):
        return None
    if len(found) > 1 and (search.quits or not (_is_sorted(state) and is_plainly_ordered(found))):
        return None
    return "".join(f"{each}\n" for each in sorted(found))


def _search(words: tuple[str, ...]) -> _Search | None:
    """``None`` for whatever is not of the common ways to ask for the names of files."""
    follows = words[:1] == ("-L",)
    left = list(words[1:] if follows else words)
    quits = left[-2:] == ["-print", "-quit"]
    if quits:
        left.pop()
    if left and left[-1] == "-print":
        left.pop()
    if not left or left[0][:1] in {"", "-", "(", "!"}:
        return None
    place, shallowest, deepest, kind, name = left.pop(0), 0, MAX_LOOKED_AT, None, "*"
    while left:
        match left:
            case ["-follow", *rest]:
                follows = True
            case ["-type", ("f" | "d") as letter, *rest] if kind is None:
                kind = _KINDS[letter]
            case ["-mindepth", number, *rest] if number.isdecimal():
                shallowest = int(number[:4])
            case ["-maxdepth", number, *rest] if number.isdecimal():
                deepest = int(number[:4])
            case ["-name", pattern, *rest] if name == "*" and _NAME.fullmatch(pattern):
                name = pattern
            case _:
                return None
        left = rest
    return _Search(place, follows, shallowest, deepest, kind, name, quits)


class _OpenError(Exception):
    """Nobody can tell what stands there."""


def _called(files: Files, state: State, search: _Search) -> Iterator[str]:
    """What has one name below a directory that nothing has touched, nor anything below it."""
    absolute = posixpath.normpath(state.absolute(search.place))
    paths = None if state.written else files.called_below(absolute, search.name)
    if paths is None or absolute == "/" or posixpath.basename(absolute) == search.name:
        yield from _found(files, state, search)
        return
    spend(LOOK_WEIGHT * len(paths))
    for path in paths:
        yield search.place.rstrip("/") + path.removeprefix(absolute)


def _found(files: Files, state: State, search: _Search) -> Iterator[str]:
    todo = [(search.place, 0)]
    seen = 0
    while todo:
        path, depth = todo.pop()
        absolute = state.absolute(path)
        seen += 1
        spend(LOOK_WEIGHT)
        link = files.is_link(absolute)
        kind = files.stands(absolute).kind
        if seen > MAX_LOOKED_AT or link is None or kind not in {PathKind.FILE, PathKind.DIRECTORY}:
            raise _OpenError
        if link and (kind is PathKind.DIRECTORY or not depth):
            raise _OpenError
        name = path.rstrip("/").rpartition("/")[2]
        is_meant = search.kind is None or (search.kind is kind and (search.follows or not link))
        if depth >= search.shallowest and is_meant and fnmatch.fnmatchcase(name, search.name):
            yield path
        if kind is PathKind.DIRECTORY and depth < search.deepest:
            names = files.names(absolute)
            if names is None or state.touched(absolute) or redirect_files.is_made(state, absolute):
                raise _OpenError
            todo += [(f"{path.rstrip('/')}/{each}", depth + 1) for each in names]


def _is_sorted(state: State) -> bool:
    """Whether what this part of a pipeline prints is read by a plain ``sort``."""
    stack = state.stack
    if not isinstance(stack.frame, LeaveSubshell) or not stack.frame.piped or stack.below is None:
        return False
    frame = stack.below.frame
    part = frame.parts[frame.at] if isinstance(frame, NextPart) else None
    words = tuple(word.literal for word in part.words) if isinstance(part, Simple) and not part.redirects else ()
    return words in {("sort",), ("sort", "-V")}


def is_plainly_ordered(lines: list[str]) -> bool:
    """Whether every ``sort``, by versions or not, in every locale, puts these lines in the order of their bytes."""
    ordered = sorted(set(lines))
    return all(_differ_plainly(one, other) for one, other in itertools.pairwise(ordered))


def _differ_plainly(one: str, other: str) -> bool:
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if at is None:
        return False
    while at and one[at - 1].isdigit():
        at -= 1
    mine, theirs = _RUN.match(one, at), _RUN.match(other, at)
    if mine is None or theirs is None or mine[0].isdigit() != theirs[0].isdigit():
        return False
    return len(mine[0]) == len(theirs[0])
