"""Tells what cp, mv, ln, install, chmod surely put at a path: a file of the image, the right to execute it."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.binary.program.launch.getopt import OptionError, Parsed, grammar
from scanner.binary.program.shell.state import PathKind, is_known
from scanner.binary.program.shell.writes import Write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.binary.program.shell.state import Files, State

_CP = grammar("afLpRrTv", "archive>a force>f dereference>L recursive>r no-target-directory>T verbose>v", permutes=True)
_MV = grammar("fTv", "force>f no-target-directory>T verbose>v", permutes=True)
_LN = grammar("fnsTv", "force>f no-dereference>n symbolic>s no-target-directory>T verbose>v", permutes=True)
_INSTALL = grammar("Dm:pv", "mode:>m preserve-timestamps>p verbose>v", permutes=True)
_CHMOD = grammar("cfv", "changes>c quiet>f silent>f verbose>v")
_GRAMMARS = {"cp": _CP, "mv": _MV, "ln": _LN, "install": _INSTALL}

_GIVES_ALL = re.compile(r"a?\+[rwst]*x[rwstx]*|a?=[rwst]*x[rwstx]*|u\+x,g\+x,o\+x|0?[0-7]*[1357][1357][1357]", re.ASCII)
"""Modes behind which everybody may execute a file, with the usual mask of a container."""


_TAKES_ALL = re.compile(r"a?-[rwst]*x[rwstx]*|0?[0-7]?[0246]{3}", re.ASCII)
"""Modes behind which nobody may."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What scripts have surely put in place: where a path leads now, what may be executed; ``writes`` say just that."""

    links: tuple[tuple[str, str], ...] = ()
    executable: frozenset[str] = frozenset()
    writes: frozenset[Write] = frozenset()

    @classmethod
    def by(cls, written: Sequence[Write]) -> Placement:
        """What writes tell, those left out over which another one goes."""
        sure = [each for each in written if each.source and _is_alone(each, written)]
        runs = [each for each in written if each.runs and not any(_goes_over(other, each.path) for other in written)]
        away = [each for each in written if each.below and any(each.path == one.source for one in sure if one.moves)]
        links = {each.path: each.source for each in sure}
        return cls(
            tuple(links.items()),
            frozenset(links.get(each.path, each.path) for each in (*runs, *(one for one in sure if one.runs))),
            frozenset([*sure, *runs, *away]),
        )


def _is_alone(write: Write, written: Sequence[Write]) -> bool:
    return not any(other is not write and other.changes(write.path) for other in written)


def _goes_over(write: Write, path: str) -> bool:
    return write.changes(path) and not write.source


def sure(files: Files, state: State, words: tuple[str, ...], made: tuple[Write, ...]) -> tuple[Write, ...]:
    """What a program changes, with what it surely puts there where its words tell that."""
    name = words[0].rpartition("/")[2]
    if words[0] not in {name, f"/bin/{name}", f"/usr/bin/{name}"} or not all(map(is_known, (*words, state.cwd))):
        return made
    if name == "chmod":
        return _chmod(files, state, words, made)
    options = _GRAMMARS[name].parse(words[1:]) if name in _GRAMMARS else None
    if not isinstance(options, Parsed) or len(options.rest) != 2:  # noqa: PLR2004 - from, to
        return made
    found = _placed(files, state, name, options)
    if found is None:
        return made
    away = tuple(each for each in made if name == "mv" and each.below and each.path == found.source)
    return (*away, found)


def _placed(files: Files, state: State, name: str, options: Parsed) -> Write | None:
    source, target = options.rest
    if posixpath.basename(source.rstrip("/")) in {"", ".", ".."}:
        return None  # what a directory holds, not it itself
    at = posixpath.normpath(state.absolute(target))
    is_inside = files.stands(at).kind is PathKind.DIRECTORY and not options.has("T")
    if name == "ln" and options.has("n"):
        is_inside = is_inside and files.is_link(at) is False
    if is_inside or target.endswith("/"):
        at = posixpath.normpath(f"{at}/{posixpath.basename(source.rstrip('/'))}")
    is_soft = name == "ln" and options.has("s")
    start = posixpath.normpath(
        f"{posixpath.dirname(at)}/{source}" if is_soft and source[:1] != "/" else state.absolute(source)
    )
    kind = files.stands(start).kind
    is_tree = kind is PathKind.DIRECTORY and (is_soft or name == "mv" or options.has("r", "R", "a"))
    if (kind is not PathKind.FILE and not is_tree) or state.touched(start) or state.touched(at):
        return None
    if files.stands(posixpath.dirname(at)).kind is not PathKind.DIRECTORY and not options.has("D"):
        return None
    runs = name == "install" and _GIVES_ALL.fullmatch(options.value("m") or "755") is not None
    if name == "install" and not runs:
        return None
    return Write(at, below=True, source=start, runs=runs, moves=name == "mv")


def _chmod(files: Files, state: State, words: tuple[str, ...], made: tuple[Write, ...]) -> tuple[Write, ...]:
    options = _CHMOD.parse(words[1:])
    if isinstance(options, OptionError) or not options.rest:
        return made
    if _TAKES_ALL.fullmatch(options.rest[0]):
        return tuple(replace(each, stops=True) for each in made)
    if not _GIVES_ALL.fullmatch(options.rest[0]):
        return made
    paths = [posixpath.normpath(state.absolute(each)) for each in options.rest[1:]]
    placed = {each.path for each in state.written if each.source}
    runs = {each for each in paths if each in placed or files.stands(each).kind is PathKind.FILE}
    return tuple(replace(each, runs=each.path in runs) for each in made)
