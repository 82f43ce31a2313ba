"""Files of make, just, task, npm with their like, in which stands what these are told to do."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_TASKFILES = tuple(
    f"{name}{end}" for name in ("Taskfile", "taskfile") for end in (".yml", ".yaml", ".dist.yml", ".dist.yaml")
)
_MAKES = frozenset({"make", "gmake"})
_JUSTFILES = ("justfile", "Justfile", "JUSTFILE", ".justfile", ".Justfile")

_TASK_FILES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_MAKES, ("GNUmakefile", "makefile", "Makefile")),
    "just": _JUSTFILES,
    **dict.fromkeys(("task", "go-task"), _TASKFILES),
    **dict.fromkeys(("npm", "yarn", "pnpm"), ("package.json",)),
}
"""Runners of tasks, with the files that hold them."""

MAX_FILES = 50
"""Files of tasks that include each other, and patterns for their names."""

_SIGNS = frozenset("*?[")
"""Any of them makes a name a pattern; one of a directory's name is not followed."""

MAX_NAMED = 2000
"""Files that all of them name."""

_PLACES = frozenset({"-C", "--directory", "-d", "--dir", "--prefix", "--cwd", "--working-directory"})
_NAMED = frozenset({"-f", "--file", "--makefile", "-t", "--taskfile", "--justfile"})

_OF_MAKE = re.compile(r"^ *[-s]?include[ \t]+([^#\n]+)", re.ASCII | re.MULTILINE)
_OF_JUST = re.compile(
    r"^import\??[ \t]+(?P<file>[^#\n]+)|^mod\??[ \t]+(?P<name>[\w-]+)[ \t]*(?P<path>['\"][^'\"\n]+['\"])?",
    re.ASCII | re.MULTILINE,
)
_OF_TASK = re.compile(r"^([\"']?)includes\1[ \t]*:([^\n]*(?:\n(?:[ \t\r#][^\n]*)?(?=\n|\Z))*)", re.ASCII | re.MULTILINE)
_IN_TASK = re.compile(
    r"(?:^[ \t]+[\w.:\"'-]+:|[{,][ \t]*[\w.\"'-]+:|\btaskfile:)[ \t]*[\"']?((?:\{\{|[\w./-])[^\s\"',#}]*)",
    re.ASCII | re.MULTILINE,
)


@dataclass(slots=True)
class TaskFiles:
    """What a runner of tasks reads, by path; it is whole where all of that is there to be read, cut where it is too much."""

    texts: dict[str, str] = field(default_factory=dict)
    is_whole: bool = True
    is_cut: bool = False


def of(
    program: str,
    words: tuple[str, ...],
    place: str,
    read: Callable[[str], bytes | None],
    listed: Callable[[str], Iterable[str]],
) -> TaskFiles | None:
    """The files of ``program words…`` in the directory ``place``; none where it is no runner of tasks."""
    if program not in _TASK_FILES:
        return None
    place, first = _named(program, words, place)
    found = TaskFiles()
    waiting = [first]
    patterns = 0
    for alternatives in waiting:  # the list grows by what they include
        if len(found.texts) >= MAX_FILES or patterns > MAX_FILES or len(waiting) > MAX_NAMED:
            found.is_whole, found.is_cut = False, True
            break
        if not _SIGNS.isdisjoint(alternatives[0]):
            patterns += 1
            found.is_whole = found.is_whole and _SIGNS.isdisjoint(posixpath.dirname(alternatives[0]))
            waiting += _fitting(alternatives[0], listed)
            continue
        there = [path for path in alternatives if path in found.texts]
        for path in alternatives:
            raw = read(path) if path not in there else None
            if raw is not None:
                there.append(path)
                found.texts[path] = raw.decode("utf-8", "replace")
                folder = place if program in _MAKES else posixpath.dirname(path)  # make finds all from where it is run
                waiting += islice(_included(program, folder, found.texts[path]), MAX_NAMED)
        found.is_whole = found.is_whole and bool(there)
    return found


def options(words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Each option with what may be its value: behind ``=``, stuck to its letter, or the next word."""
    found = []
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if word[:1] == "-" and word[:2] != "--" and len(word) > len("-C"):
            found.append((word[:2], word[2:]))
        elif word.startswith("-"):
            found.append((name, value if equals else "".join(words[at + 1 : at + 2])))
    return found


def _named(program: str, words: tuple[str, ...], place: str) -> tuple[str, tuple[str, ...]]:
    """Where a runner is run, with the files in which it would look for what it is told to do."""
    named: list[str] = []
    for word, value in options(words):
        if word in _PLACES and not (word == "-d" and program in _MAKES):
            place = posixpath.join(place, value)
        elif word in _NAMED:
            named.append(value)
    names = named or _TASK_FILES[program]
    return place, tuple(posixpath.normpath(posixpath.join(place, name)) for name in names)


def _included(program: str, place: str, text: str) -> Iterator[tuple[str, ...]]:
    """Further files, from a directory on, each with what may stand for it."""
    for names in _names(program, text):
        yield tuple(posixpath.normpath(posixpath.join(place, name)) for name in names)


def _fitting(pattern: str, listed: Callable[[str], Iterable[str]]) -> Iterator[tuple[str, ...]]:
    """The files of a directory whose names fit."""
    folder, _, name = pattern.rpartition("/")
    return ((posixpath.join(folder, one),) for one in listed(folder) if fnmatch.fnmatchcase(one, name))


def _names(program: str, text: str) -> Iterator[tuple[str, ...]]:
    if _TASK_FILES[program] is _JUSTFILES:
        for one in _OF_JUST.finditer(text):
            if one["file"]:
                yield (one["file"].strip().strip("'\""),)
            elif one["path"]:
                yield _of_folder(one["path"].strip("'\""), _JUSTFILES)
            else:
                yield (f"{one['name']}.just", *_of_folder(one["name"], ("mod.just", *_JUSTFILES))[1:])
    elif _TASK_FILES[program] is _TASKFILES:
        for block in _OF_TASK.finditer(text):
            yield from (_of_folder(one[1], _TASKFILES) for one in _IN_TASK.finditer(block[2]))
    elif program in _MAKES:
        for line in _OF_MAKE.findall(text.replace("\\\n", " ")):
            yield from ((name,) for name in line.split())


def _of_folder(name: str, files: tuple[str, ...]) -> tuple[str, ...]:
    """A file, or those of a folder of its name."""
    return (name, *(posixpath.join(name, file) for file in files))
