"""The words in the text of a script that no shell reads, Perl's or Python's among them, that may be programs' names."""

from __future__ import annotations

import posixpath
import re
from itertools import pairwise
from typing import TYPE_CHECKING

from scanner.binary.layers.view import Found
from scanner.binary.program.argv import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.binary.layers.view import View
    from scanner.binary.program.argv import Command
    from scanner.binary.program.execve import Run

MAX_TEXT = 64 * 1024
"""Of a script; of a longer one nothing is looked up."""

MAX_FILES = 32
"""Paths that one command line is taken to name as files of scripts."""

_INTERPRETERS = re.compile(
    r"(?:perl|python|pypy|ruby|node|nodejs|bun|deno|php|lua|luajit|tclsh|[gmn]?awk)[\d.]*", re.ASCII
)

_BEFORE = r"(?:exec|sudo|nohup|env|command|eval)\b"
_NAMES = re.compile(
    rf"(?:[\"'`]|(?:[;&|]|\b{_BEFORE}|\bqw[(/{{]|--|\w=\w*+)[ \t]*)"
    rf"(?!{_BEFORE})([A-Za-z_][\w.+-]{{0,63}})(?=[\s\"'`;&|,)\\]|$)",
    re.ASCII,
)
"""A word behind a quotation mark, or where a shell's command begins: whether it stands within a text is not asked."""

_OF_TAR = re.compile(
    r"(?:(?:--checkpoint-action=)?exec|--(?:to-command|use-compress-program|rsh-command|info-script|new-volume-script))="
    r"([\w.+-]+)",
    re.ASCII,
)


def is_interpreter(name: str) -> bool:
    """Whether a program of this name reads scripts of a language of its own."""
    return _INTERPRETERS.fullmatch(name) is not None


def files_of(command: Command) -> tuple[str, ...]:
    """The paths of what may be a script among the words of a command, whatever reads it."""
    found: list[str] = []
    for before, word in pairwise(command.argv):
        if UNKNOWN in word or not word or word[0] == "-":
            continue
        if before == "-m":
            module = word.replace(".", "/")
            places = ("", *_directories(command, "PYTHONPATH"))
            found += [f"{place}{module}{end}" for place in places for end in (".py", "/__main__.py")]
        elif "/" in word or "." in word:
            stem = word.rstrip("/")
            found += [word, *(f"{stem}/{name}" for name in _BY_DIRECTORY), f"{stem}.js"]
    return tuple(dict.fromkeys(posixpath.normpath(command.absolute(each)) for each in found[:MAX_FILES]))


_BY_DIRECTORY = ("__main__.py", "index.js")
"""What Python and Node read of a directory that they are given."""


def _directories(command: Command, name: str) -> Iterator[str]:
    value = command.env.get(name) or ""
    return (f"{each.rstrip('/')}/" for each in value.split(":")[:MAX_FILES] if each and UNKNOWN not in each)


def texts(view: View, command: Command, run: Run) -> Iterator[str]:
    """The texts at hand that the program of a command carries out: its own, its words, the files that they name."""
    first = run.first
    if first is not None and first.shebang is not None:
        yield from _decoded(first.text)
        yield from _words(command)
        return
    if not is_interpreter(command.argv[0].rpartition("/")[2]):
        return
    yield from _words(command)
    for path in files_of(command):
        found = view.lookup(path)
        if isinstance(found, Found) and found.node.content is not None:
            yield from _decoded(found.node.content.text)


def _words(command: Command) -> Iterator[str]:
    """Each word as a text, at whose beginning a name may stand: the script may start what it is given."""
    return (f'"{word}"' for word in command.argv[1:] if UNKNOWN not in word and len(word) <= MAX_TEXT)


def _decoded(text: bytes | None) -> Iterator[str]:
    if text and len(text) <= MAX_TEXT:
        head, _, rest = text.decode("utf-8", "replace").partition("\n")
        yield rest if head.startswith("#!") else f"{head}\n{rest}"


def names(text: str) -> Iterator[str]:
    """The bare names in a text."""
    for match in _NAMES.finditer(text):
        yield match[1]


_EXECS = re.compile(r"\bexec(?:[lv]p?e?)?\b[ \t]*+(?:[({\[]++[ \t]*+)?[\"'](/[\w./+@-]+)[\"']", re.ASCII)


def execs(text: str) -> Iterator[str]:
    """The paths that a text names to be exec'd in the place of who reads it."""
    for match in _EXECS.finditer(text):
        yield match[1]


def of_tar(word: str) -> Iterator[str]:
    """The names of programs that an option of tar's starts."""
    if match := _OF_TAR.match(word):
        yield match[1]
