"""Files of make, just, task, npm with their like, in which stands what these are told to do."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_TASKFILES = tuple(
    f"{name}{end}" for name in ("Taskfile", "taskfile") for end in (".yml", ".yaml", ".dist.yml", ".dist.yaml")
)
_JUSTFILES = ("justfile", "Justfile", "JUSTFILE", ".justfile", ".Justfile")

_TASK_FILES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("make", "gmake"), ("GNUmakefile", "makefile", "Makefile")),
    "just": _JUSTFILES,
    **dict.fromkeys(("task", "go-task"), _TASKFILES),
    **dict.fromkeys(("npm", "yarn", "pnpm"), ("package.json",)),
}
"""Runners of tasks, with the files that hold them."""

MAX_FILES = 50
"""Files of tasks that include each other, and patterns for their names."""

MAX_NAMED = 2000
"""Files that all of them name."""

_PLACES = frozenset({"-C", "--directory", "-d", "--dir", "--prefix", "--cwd", "--working-directory"})
_NAMED = frozenset({"-f", "--file", "--makefile", "-t", "--taskfile", "--justfile"})

_OF_MAKE = re.compile(r"^ *[-s]?include[ \t]+([^#\n]+)", re.ASCII | re.MULTILINE)
_OF_JUST = re.compile(
    r"^import\??[ \t]+(?P<file>[^#\n]+)|^mod\??[ \t]+(?P<name>[\w-]+)[ \t]*(?P<path>['\"][^'\"\n]+['\"])?",
    re.ASCII | re.MULTILINE,
)
_OF_TASK = re.compile(r"^includes:[ \t]*\n((?:[ \t]+[^\n]*\n|[ \t]*(?:#[^\n]*)?\n)*)", re.ASCII | re.MULTILINE)
_IN_TASK = re.compile(r"(?:^[ \t]+[\w.-]+:|\btaskfile:)[ \t]*[\"']?([\w./{}-][^\s\"',#}]*)", re.ASCII | re.MULTILINE)


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
    first = _named(program, words, place)
    if not first:
        return None
    found = TaskFiles()
    waiting = [first]
    patterns = 0
    for alternatives in waiting:  # the list grows by what they include
        if len(found.texts) >= MAX_FILES or patterns > MAX_FILES or len(waiting) > MAX_NAMED:
            found.is_whole, found.is_cut = False, True
            break
        if any(sign in alternatives[0] for sign in "*?["):
            patterns += 1
            waiting += _fitting(alternatives[0], listed)
            continue
        there = [path for path in alternatives if path in found.texts]
        for path in alternatives:
            raw = read(path) if path not in there else None
            if raw is not None:
                there.append(path)
                found.texts[path] = raw.decode("utf-8", "replace")
                waiting += _included(program, path, found.texts[path])
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


def _named(program: str, words: tuple[str, ...], place: str) -> tuple[str, ...]:
    """Files in which a runner would look for what it is told to do."""
    names = _TASK_FILES.get(program)
    if names is None:
        return ()
    named: list[str] = []
    for word, value in options(words):
        if word in _PLACES and not (word == "-d" and program in {"make", "gmake"}):
            place = posixpath.join(place, value)
        elif word in _NAMED:
            named.append(value)
    return tuple(posixpath.normpath(posixpath.join(place, name)) for name in named or names)


def _included(program: str, path: str, text: str) -> Iterator[tuple[str, ...]]:
    """Further files, each with what may stand for it."""
    place = posixpath.dirname(path)
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
        for block in _OF_TASK.findall(text):
            yield from (_of_folder(name, _TASKFILES) for name in _IN_TASK.findall(block))
    elif program in {"make", "gmake"}:
        for line in _OF_MAKE.findall(text.replace("\\\n", " ")):
            yield from ((name,) for name in line.split())


def _of_folder(name: str, files: tuple[str, ...]) -> tuple[str, ...]:
    """A file, or those of a folder of its name."""
    return (name, *(posixpath.join(name, file) for file in files))
