"""Tells what cp, mv, ln, install, chmod surely put at a path: a file of the image, the right to execute it."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from scanner.binary.program.launch.getopt import OptionError, Parsed, grammar
from scanner.binary.program.shell import redirect_files
from scanner.binary.program.shell.image_paths import PathKind
from scanner.binary.program.shell.state import is_known
from scanner.binary.program.shell.writes import Write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.binary.layers.view import View
    from scanner.binary.program.shell.image_paths import Files
    from scanner.binary.program.shell.state import State

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
    """What scripts have surely put in place: ``writes`` say just that.

    ``links`` say where a path leads now, ``copies`` what stands at it, ``gone`` what is there no more, ``executable`` what
    everybody may execute, ``texts`` what a file holds, ``folders`` are directories, ``plain``
    copies without the right to execute them.
    """

    links: tuple[tuple[str, str], ...] = ()
    copies: tuple[tuple[str, str], ...] = ()
    gone: frozenset[str] = frozenset()
    executable: frozenset[str] = frozenset()
    texts: tuple[tuple[str, str], ...] = ()
    folders: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()
    writes: frozenset[Write] = frozenset()

    @classmethod
    def by(cls, written: Sequence[Write]) -> Placement:
        """What writes tell, those left out over which another one goes."""
        return _placement(tuple(written))

    def on(self, view: View) -> View:
        """The image with it."""
        placed = view.placing(self.links, self.copies, self.gone, self.executable)
        return (
            placed.making(self.texts, self.folders, self.plain) if self.texts or self.folders or self.plain else placed
        )


@lru_cache(maxsize=64)
def _placement(written: tuple[Write, ...]) -> Placement:
    sure = [each for at, each in enumerate(written) if each.is_sure and _is_alone(each, at, written)]
    runs = [each for each in written if each.runs and not any(_goes_over(other, each.path) for other in written)]
    texts = {each.path: each.text for each in sure if each.text is not None}
    folders = frozenset(each.path for each in sure if each.folder)
    return Placement(
        tuple((each.path, each.source) for each in sure if each.links),
        tuple((each.path, each.source) for each in sure if each.source and not each.links),
        frozenset(each.path for each in sure if each.moves and not each.source),
        frozenset(each.path for each in runs if not (each.source or each.text) or each in sure),
        tuple(texts.items()),
        folders,
        frozenset(each.path for each in sure if each.plain),
        frozenset((*sure, *runs)),
    )


def _is_alone(write: Write, at: int, written: tuple[Write, ...]) -> bool:
    """Whether nothing else was at the place, nor was at the source before."""
    if write.source and any(other.touches(write.source) for other in written[:at]):
        return False
    return not any(other is not write and other.changes(write.path) for other in written)


def _goes_over(write: Write, path: str) -> bool:
    return write.changes(path) and not write.source and write.text is None


def sure(files: Files, state: State, words: tuple[str, ...], made: tuple[Write, ...]) -> tuple[Write, ...]:
    """What a program changes, with what it surely puts there where its words tell that and its user may do anything."""
    name = words[0].rpartition("/")[2]
    if words[0] not in {name, f"/bin/{name}", f"/usr/bin/{name}"} or not all(map(is_known, (*words, state.cwd))):
        return made
    if (state.user or "").partition(":")[0] not in {"", "0", "root"}:
        return made
    if name == "chmod":
        return _chmod(files, state, words, made)
    options = _GRAMMARS[name].parse(words[1:]) if name in _GRAMMARS else None
    if not isinstance(options, Parsed) or len(options.rest) < 2:  # noqa: PLR2004 - from, to
        return made
    found: list[Write] = []
    pairs = _pairs(files, state, name, options)
    for pair in pairs:
        placed = _placed(files, state, name, options, pair)
        if placed is None and len(pairs) == 1:
            return made
        target = state.absolute(f"{pair[1]}/{posixpath.basename(pair[0].rstrip('/'))}")
        unsure = (Write(posixpath.normpath(target), below=True),)
        found += unsure if placed is None else _written(placed, name)
    return tuple(dict.fromkeys(found)) or made


MAX_PUT = 24
"""Files that one command puts into a directory, each told by itself."""


def _pairs(files: Files, state: State, name: str, options: Parsed) -> list[tuple[str, str]]:
    """Each source with the target; what ``cp -r X/. D`` copies by its names. Empty where that is not known."""
    *sources, target = options.rest
    is_inside = kind_at(files, state, state.absolute(target)) is PathKind.DIRECTORY and not options.has("T")
    given: list[str] = []
    for source in sources:
        if len(given) > MAX_PUT:
            return []
        whole = source.rstrip("/").removesuffix("/.") if source.rstrip("/").endswith("/.") else ""
        if name != "cp" or not whole or not options.has("r", "R", "a"):
            given.append(source)
        elif is_inside:
            given += [f"{whole}/{each}" for each in files.names(state.absolute(whole)) or ()]
        else:
            given.append(whole)
    ends = {posixpath.basename(each.rstrip("/")) for each in given}
    is_plain = len(given) == 1 or (is_inside and name in {"cp", "mv"} and len(ends) == len(given) <= MAX_PUT)
    return [(each, target) for each in given] if is_plain else []


@dataclass(frozen=True, slots=True)
class _Place:
    """Where something is put, as its words say it and with the links on the way followed, and from where, in the same two ways."""

    at: str
    named: str
    source: str
    named_source: str
    runs: bool = False
    links: bool = False


def _written(placed: _Place, name: str) -> tuple[Write, ...]:
    """The changes that say so, under each name that a path has."""
    found = Write(placed.at, below=True, source=placed.source, runs=placed.runs, moves=name == "mv", links=placed.links)
    writes = [found, replace(found, path=placed.named)]
    if name == "mv":
        writes += [Write(each, below=True, moves=True) for each in (placed.source, placed.named_source)]
    return tuple(dict.fromkeys(writes))


def _placed(files: Files, state: State, name: str, options: Parsed, pair: tuple[str, str]) -> _Place | None:
    source, target = pair
    last = posixpath.basename(source.rstrip("/"))
    if last in {"", ".", ".."}:
        return None  # what a directory holds, not it itself
    is_inside = kind_at(files, state, state.absolute(target)) is PathKind.DIRECTORY and not options.has("T")
    if name == "ln" and options.has("n"):
        is_inside = is_inside and files.is_link(state.absolute(target).rstrip("/")) is False
    if is_inside or target.endswith("/"):
        target = f"{target.rstrip('/')}/{last}"
    at = reached(files, state, state.absolute(target))
    is_soft = name == "ln" and options.has("s")
    if at is None:
        return None
    start = f"{posixpath.dirname(at)}/{source}" if is_soft and source[:1] != "/" else state.absolute(source)
    from_where = _source(files, state, start, name, options, is_soft=is_soft)
    if from_where is None or state.touched(from_where) or state.touched(posixpath.normpath(start)):
        return None
    if state.touched(at) or state.touched(posixpath.normpath(state.absolute(target))):
        return None
    if not _takes(files, state, at, from_where, name, options):
        return None
    runs = name == "install" and _GIVES_ALL.fullmatch(options.value("m") or "755") is not None
    if name == "install" and not runs:
        return None
    named = (posixpath.normpath(state.absolute(target)), posixpath.normpath(start))
    return _Place(at, named[0], start if is_soft else from_where, named[1], runs, links=is_soft)


def kind_at(files: Files, state: State, path: str) -> PathKind:
    """What stands at an absolute path, the directories that a script has surely made among it."""
    made = Placement.by(state.written)
    return PathKind.DIRECTORY if posixpath.normpath(path) in made.folders else files.stands(path).kind


def reached(files: Files, state: State, path: str) -> str | None:
    """A path with the links in front of its last name followed, ``None`` where its directory is none, or not known."""
    head, _, name = path.rstrip("/").rpartition("/")
    if posixpath.normpath(head) in Placement.by(state.written).folders and name not in {"", ".", ".."}:
        return f"{posixpath.normpath(head)}/{name}"
    above = files.stands(head or "/")
    if name in {"", ".", ".."} or above.kind is not PathKind.DIRECTORY:
        return None
    return f"{(above.path or head).rstrip('/')}/{name}"


def _source(  # noqa: PLR0913 - what is put where, by whom
    files: Files, state: State, path: str, name: str, options: Parsed, *, is_soft: bool
) -> str | None:
    """From where surely all is taken that is put in place; a link itself leads elsewhere in another place."""
    found = files.stands(path)
    is_deep = options.has("r", "R", "a")
    is_tree = found.kind is PathKind.DIRECTORY and (is_soft or name == "mv" or is_deep)
    if found.kind is not PathKind.FILE and not is_tree:
        return None
    at = reached(files, state, path)
    is_followed = is_soft or name == "install" or (name == "cp" and not is_deep)
    if at is None or (not is_followed and files.is_link(at) is not False):
        return None
    return found.path or at if is_followed else at


def _takes(  # noqa: PLR0913, PLR0917 - what is put where, by whom
    files: Files, state: State, at: str, source: str, name: str, options: Parsed
) -> bool:
    """Whether what stands at a path surely gives way to a file that is put there."""
    there, given = files.stands(at), files.stands(source)
    if files.is_link(at) is not False:
        return name in {"mv", "install"} or (name == "ln" and options.has("f"))
    is_empty_at_first = there.kind is PathKind.UNKNOWN and not redirect_files.is_volume(state, at)
    if there.kind is PathKind.MISSING or is_empty_at_first:  # of a container, such as /run
        return True
    if there.kind is not PathKind.FILE or (given.kind is PathKind.DIRECTORY and name != "ln"):
        return False
    if name == "cp":  # it keeps the rights of what it writes over
        return there.executable and given.executable
    return name != "ln" or options.has("f")


def _chmod(files: Files, state: State, words: tuple[str, ...], made: tuple[Write, ...]) -> tuple[Write, ...]:
    options = _CHMOD.parse(words[1:])
    if isinstance(options, OptionError) or not options.rest:
        return made
    mode, *operands = options.rest
    stops = _TAKES_ALL.fullmatch(mode) is not None
    if not stops and not _GIVES_ALL.fullmatch(mode):
        return made
    placed = {each.path for each in state.written if (each.source or each.text is not None) and not each.links}
    led = [Write(path, below=True, makes=not stops) for each in operands if (path := _led(files, state, each, placed))]
    if stops:
        return tuple(replace(each, stops=True) for each in dict.fromkeys((*made, *led)))
    runs = {each.path for each in led if each.path in placed or files.stands(each.path).kind is PathKind.FILE}
    return tuple(replace(each, runs=each.path in runs) for each in dict.fromkeys((*made, *led)))


def _led(files: Files, state: State, word: str, placed: set[str]) -> str | None:
    """The file of which ``chmod`` changes the mode, links followed; ``None`` where that is not known."""
    at = reached(files, state, state.absolute(word))
    if at is None or at in placed:
        return at
    found = files.stands(at)
    return found.path or at if found.kind in {PathKind.FILE, PathKind.DIRECTORY} else None
