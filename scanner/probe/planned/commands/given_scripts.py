"""Which text a shell is given as its script: by ``-c``, by a file, by what it reads."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from scanner.probe.planned.commands import run_as
from scanner.probe.planned.commands.other_starters import mentions_engine
from scanner.probe.planned.commands.script_texts import STDIN, Script, is_one_word
from scanner.probe.planned.plans import UnclearError
from scanner.probe.planned.units import command_places
from scanner.probe.planned.unknown_text import UNKNOWN, is_known, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox"})

LOGINS = frozenset({"su", "runuser", "sg", "newgrp"})
"""They start a shell of another user or group: with ``-c``, with the words behind that name, else with what it reads."""

_INTERPRETER = re.compile(rb"#![ \t]*([^\n]*)")
_MAX_LINE = 256
"""Of a script's first line, as much as Linux looks at."""

_GLOB = re.compile(r"""(?<![\w.~}/-])["']?((?:/?[\w.-]+)(?:/[\w.-]+)*)["']?/[\w.-]*\*""", re.ASCII)
"""A directory of which a script takes each file."""

MAX_GLOBS = 64
"""Directories that are looked into for one program: a script loops over one, and cleans some up."""

_PART = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_OPEN_FILES = ("/dev/fd/", "/proc/self/fd/")
_SCRIPTS = (".py", ".pl", ".rb", ".js")
_WITH_A_FILE = frozenset({"--rcfile", "--init-file"})


@dataclass(frozen=True, slots=True)
class Files:
    """Scripts that commands name.

    ``read`` gives the bytes of a file by its path, none where it is not there to be read; ``listed`` the names of those
    that lie in a directory; ``alike`` the paths that one with parts which are not known may stand for. Which file names an
    engine is looked for once in each directory, and for each such path.
    """

    read: Callable[[str], bytes | None]
    listed: Callable[[str], Iterable[str]] = lambda _: ()
    alike: Callable[[str], Iterable[str]] = lambda _: ()
    _naming: dict[str, str] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)

    def script(self, path: str, *, is_a_shell_s: bool = False) -> str | None:
        """The text of a file that a shell would run; none for any other, or one that is not there to be read."""
        raw = self.read(path) if is_known(path) else None
        if raw is None or b"\0" in raw:
            return None
        begins = _INTERPRETER.match(raw)
        if not is_a_shell_s and (begins is None or not _is_shell(begins[1])):
            return None
        return raw.decode("utf-8", "surrogateescape")

    def refuse_foreign(self, path: str) -> None:
        """Say that a script of another language may start containers; a table of commands is read by itself.

        Raises:
            UnclearError: an engine is named in it.
        """
        raw = self.read(path) if is_known(path) else None
        if raw is not None and b"\0" not in raw and not command_places.is_whole(path) and _names_one(raw):
            raise UnclearError(f"it runs {shown(path)}, in which an engine is named, and which no shell reads")

    def refuse_any_of(self, word: str, place: str, script: str) -> None:
        """Say that a program whose name only the host knows may start containers: by ``word``, or a glob of its ``script``.

        Raises:
            UnclearError: an engine is named in a script that lies where it does; or there are too many such places.
        """
        if is_known(word) and "*" not in word:
            return
        directories = _globbed(script) if word == UNKNOWN else (word.rpartition("/")[0],) if "/" in word else ()
        if len(directories) > MAX_GLOBS:
            raise UnclearError(f"it runs whatever lies in one of more than {MAX_GLOBS} directories")
        for directory in directories:
            home = posixpath.normpath(posixpath.join(place, directory))
            self._open.update(() if is_known(home) else (word,))
            if len(self._open) > MAX_GLOBS:
                raise UnclearError(f"it runs programs of more than {MAX_GLOBS} names that only the running host knows")
            paths = self._in(home) if is_known(home) else self.alike(posixpath.normpath(posixpath.join(place, word)))
            if path := self._naming_engine(home if is_known(home) else word, paths):
                raise UnclearError(
                    f"it runs whatever lies in {shown(home)}, such as {shown(path)}, which names an engine"
                )

    def _in(self, directory: str) -> Iterator[str]:
        return (posixpath.join(directory, name) for name in self.listed(directory))

    def _naming_engine(self, directory: str, paths: Iterable[str]) -> str:
        """A script among those of a directory in which an engine is named; empty where there is none."""
        if directory not in self._naming:
            naming = (path for path in paths if (raw := self.read(path)) and b"\0" not in raw and _names_one(raw))
            self._naming[directory] = next(naming, "")
        return self._naming[directory]

    def is_script(self, path: str) -> bool:
        """Whether a file looks like a program of some interpreter, by its name or by its first line."""
        raw = self.read(path) if is_known(path) else None
        return raw is not None and (path.endswith(_SCRIPTS) or _INTERPRETER.match(raw) is not None)

    def parts(self, directory: str) -> list[str]:
        """What ``run-parts`` runs of a directory, in its order: names of letters, digits, hyphens, underscores."""
        names = sorted(name for name in self.listed(directory) if _PART.fullmatch(name))
        return [posixpath.join(directory, name) for name in names]

    def left_out(self, directory: str) -> list[str]:
        """Programs of interpreters in which an engine is named, and which only some systems' ``run-parts`` runs."""
        paths = [
            posixpath.join(directory, name) for name in sorted(self.listed(directory)) if not _PART.fullmatch(name)
        ]
        return [path for path in paths if (raw := self.read(path)) and _INTERPRETER.match(raw) and _names_one(raw)]

    def sourced(self, path: str) -> str | None:
        """The text of a file that a script takes its own commands from."""
        return self.script(path, is_a_shell_s=True)


@lru_cache(maxsize=4)
def _globbed(script: str) -> tuple[str, ...]:
    """The directories of which a script takes each file: looked for once, however many of its programs nobody can name."""
    return tuple(dict.fromkeys(found[1] for found in _GLOB.finditer(script)))


def _names_one(raw: bytes) -> bool:
    return mentions_engine(raw.decode("utf-8", "replace"))


def is_for_bash(text: str) -> bool:
    """Whether a script that is run as a program is run by bash."""
    begins = _INTERPRETER.match(text[:_MAX_LINE].encode("utf-8", "surrogateescape"))
    return begins is not None and b"bash" in begins[1].replace(b"/", b" ").split()


def _is_shell(interpreter: bytes) -> bool:
    words = interpreter.decode("utf-8", "replace").split()
    names = [word.rpartition("/")[2] for word in words if not word.startswith("-")]
    return names[:1] != [] and (names[0] in SHELLS or (names[0] == "env" and names[1:2] != [] and names[1] in SHELLS))


@dataclass(slots=True)
class _Words:
    """A shell's words behind its options: ``is_asked`` by ``-c``, ``reads`` by ``-s``."""

    rest: tuple[str, ...] = ()
    is_asked: bool = False
    reads: bool = False


def script_of(program: str, words: tuple[str, ...], stdin: str | None, files: Files, place: str) -> Script | None:
    """The script with its parameters from ``$0`` on, none where there is none, or where nobody can tell.

    Args:
        program: a shell, or a program that hands the word behind ``-c`` to one.
        words: those behind it.
        stdin: what it is given to read, as far as that is known.
        files: the scripts that may be named.
        place: the directory that it is started in.
    """
    if program in LOGINS:
        given = run_as.given_to_shell(program, words)
        if given is None:
            return None
        text, rest = given
        return script_of("sh", rest, stdin, files, place) if text is None else Script(text, rest or (program,))
    said, is_bash = _behind_options(program, words), program == "bash"
    if said.is_asked:
        return Script(said.rest[0], said.rest[1:] or (program,), is_bash=is_bash) if said.rest else None
    if program not in SHELLS:
        return None
    if said.rest and not said.reads and said.rest[0] not in STDIN:
        if not is_one_word(said.rest[0]) or said.rest[0] == "{}" or said.rest[0].startswith(_OPEN_FILES):
            raise UnclearError(f"{program} runs a script of which only the running host knows the name")
        path = posixpath.normpath(posixpath.join(place, said.rest[0]))
        if not is_known(path):
            raise UnclearError(f"{program} runs a script of which only the running host knows the place")
        text = files.sourced(path)
        return None if text is None else Script(text, said.rest, said.rest[0], is_bash)
    parameters = said.rest if said.rest[:1] and not said.reads else (program, *said.rest)
    return None if stdin is None else Script(stdin, parameters, is_bash=is_bash)


def _behind_options(program: str, words: tuple[str, ...]) -> _Words:
    found = _Words()
    at = 0
    while at < len(words):
        word = words[at]
        is_short = word[:1] in {"-", "+"} and word[1:2] != "-"
        at += 1
        if word in {"--command", "-c"} or (word[:1] == "-" and is_short and "c" in word[1:]):
            found.is_asked = True
            if program not in SHELLS:
                break
        elif word == "--":
            break
        elif word[:1] not in {"-", "+"} and program in SHELLS and not (program == "busybox" and word in SHELLS):
            at -= 1
            break
        found.reads = found.reads or (is_short and word[:1] == "-" and "s" in word[1:])
        at += (is_short and not {"o", "O"}.isdisjoint(word[1:]) and program in SHELLS) or word in _WITH_A_FILE
    found.rest = words[at:]
    return found
