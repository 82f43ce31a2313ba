"""Reads a shell's own command line: the script, or the file of one, that it is given."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS, unsplit
from scanner.binary.program.shell import homes, uncomputed
from scanner.binary.program.shell.following import Script
from scanner.binary.program.shell.image_paths import PathKind, Standing
from scanner.binary.program.shell.state import ShellKind
from scanner.binary.program.shell.variables import HARMLESS, is_followed, switch
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.program.argv import Command
    from scanner.binary.program.shell.image_paths import Files

MAX_COMMAND_BYTES = 64 * 1024
"""Of a ``sh -c`` text; Dockerfiles' are one line."""

_NAMES = {
    "dash": ShellKind.DASH, "bash": ShellKind.BASH, "rbash": ShellKind.BASH, "ash": ShellKind.ASH,
    "busybox": ShellKind.ASH, "ksh": ShellKind.KSH, "mksh": ShellKind.KSH, "ksh93": ShellKind.KSH,
    "zsh": ShellKind.ZSH, "sh": ShellKind.POSIX,
}  # fmt: skip
_CALLED = frozenset({"sh", "ash", "dash", "bash", "rbash", "ksh", "mksh", "zsh"})
_OWN = frozenset("cils")
"""Letters that are told apart here."""

_STRICT = frozenset({ShellKind.DASH, ShellKind.BASH, ShellKind.ASH})
"""Shells that take no letter but their options', no blank between them either: two words behind #! are one."""

_OPTIONS = re.compile(r"[-+][a-zA-Z]+")
_STDIN = frozenset({"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})
_LONG_OF_ASH = frozenset({"--login"})
_LONG = frozenset({"--login", "--norc", "--noprofile", "--posix", "--noediting", "--verbose"})


def kind_of(called: str, path: str) -> ShellKind | None:
    """Which shell a program is, by the name that it is called by with the file that it is; ``None`` for no shell."""
    name, file = called.rpartition("/")[2].removeprefix("-"), path.rpartition("/")[2]
    if re.fullmatch(r"bash-?[\d.]+", file):
        file = "bash"
    if name not in _CALLED and file not in _CALLED:
        return None
    if file == "busybox" or file in _CALLED:
        return _NAMES[file]
    return ShellKind.POSIX if name == "sh" else _NAMES.get(name)


def read(  # noqa: C901, PLR0912 - each kind of option ends in its own way
    command: Command, kind: ShellKind, files: Files
) -> Script | str | Failure | None:
    """The script that a shell reads; ``None`` for one that has none to read, a sentence where nobody can tell."""
    words, at, text, reads, options = command.argv[1:], 0, False, False, set[str]()
    login, profiles, asked = command.argv[0].startswith("-"), True, False
    called = command.argv[0].rpartition("/")[2].removeprefix("-")
    is_sh = called == "sh"
    if called == "rbash":
        return Failure(Reason.BINARY_UNKNOWN, f"{command.argv[0]} is a restricted shell, which refuses much")
    while at < len(words) and words[at][:1] in {"-", "+"} and words[at] not in {"-", "--"}:
        word = words[at]
        if word.startswith("--"):
            if word in {"--init-file", "--rcfile"}:
                return f"{command.argv[0]} {word} reads files of its own before"
            if word in {"--help", "--version"}:
                return None
            if word not in (_LONG if kind is ShellKind.BASH else _LONG_OF_ASH if kind is ShellKind.ASH else ()):
                return _refused(command, word)
            login, profiles = login or word == "--login", profiles and word != "--noprofile"
            options |= {"posix"} & {word[2:]}
            at += 1
            continue
        if not _OPTIONS.fullmatch(word):
            if kind in _STRICT and UNKNOWN not in word:
                return _refused(command, word)
            return f"what {command.argv[0]} makes of {word.replace(UNKNOWN, '…')}"
        text = text or ("c" in word and word[0] == "-")
        login = login or ("l" in word and word[0] == "-")
        asked, reads = asked or ("i" in word and word[0] == "-"), reads or ("s" in word and word[0] == "-")
        for letter in filter(lambda each: each not in _OWN, word[1:]):
            at += letter in {"o", "O"} and at + 1 < len(words)
            name = words[at] if letter in {"o", "O"} else ""
            wrong = _wrong(command, kind, word, letter, name)
            if wrong is not None:
                return wrong
            if letter != "O":
                switch(options, name or letter, on=word[0] == "-")
        if "n" in options:
            return f"{command.argv[0]} {word} runs nothing"
        at += 1
    at += at < len(words) and words[at] in {"-", "--"}
    rest = words[at:]
    if asked:
        why = f"{command.argv[0]} is interactive, which reads files of its own before"
        return why if rest or command.input != "" else None
    if text and not rest:
        return Failure(Reason.BINARY_UNKNOWN, f"{command.argv[0]} -c ends with a usage error: its text is missing")
    found: Script | str | Failure | None
    is_posix = kind is ShellKind.BASH and ("posix" in options or bool(_POSIX & command.env.keys()))
    options |= {"posix"} if kind is ShellKind.BASH and (is_sh or is_posix) else set()
    if not text and (reads or not rest or rest[0] in _STDIN):
        found = _of_input(command, kind, rest if rest and not reads else (command.argv[0], *rest), frozenset(options))
    elif UNKNOWN in rest[0] or (not text and UNKNOWN in command.absolute(rest[0])):
        return _of_unknown(command, rest[0], files, is_text=bool(text))
    elif text:
        found = _of_text(command, kind, rest, frozenset(options))
    else:
        found = _of_file(command, kind, rest, frozenset(options), files)
    if not isinstance(found, Script):
        return found
    found = _of_home(found, files)
    found = replace(found, first=_first(command, files, is_posix=is_posix or is_sh) if kind is ShellKind.BASH else b"")
    if not login or not profiles:
        return found
    if kind not in _PROFILES or is_posix:
        return f"{command.argv[0]} is a login shell, which reads files of its own before"
    profile = _PROFILES[ShellKind.DASH if is_sh else kind]
    return replace(found, profile=profile, command=_at_home(found.command, files))


def _of_home(script: Script, files: Files) -> Script:
    """The script with its user's HOME, if it asks for that."""
    return replace(script, command=_at_home(script.command, files)) if homes.asks(script.text) else script


_NAMES_FILE = re.compile(r"(\$HOME|\$\{HOME\}|~(?=/))?([\w./+@%-]*)", re.ASCII)
_GIVEN = re.compile(rb"\$\{?[@*#0-9]|\bset\b|\bshift\b")


def _first(command: Command, files: Files, *, is_posix: bool) -> bytes | None:
    """What bash does first for the file that ``BASH_ENV`` names; ``None`` where that is not known.

    It does so before it has its script's arguments. Called ``sh`` it reads no such file.
    """
    value = command.env.get("BASH_ENV", "")
    if is_posix or value == "":
        return b""
    named = _NAMES_FILE.fullmatch(value or "")
    home = _at_home(command, files).env.get("HOME") if named is not None and named[1] else None
    if value is None or named is None or (named[1] and home is None) or value.startswith("~"):
        return None
    path = posixpath.normpath(command.absolute(f"{home}{named[2]}" if named[1] else named[2]))
    standing = files.stands(path)
    if standing.kind is PathKind.MISSING:
        return b""
    text = files.text(path) if standing.kind is PathKind.FILE else None
    return None if text is None or _GIVEN.search(text) or not path.isascii() else f". '{path}'\n".encode()


def _wrong(command: Command, kind: ShellKind, word: str, letter: str, name: str) -> str | Failure | None:
    """What is wrong with an option's letter, or the ``name`` behind ``-o`` and ``-O``; ``None`` where nothing is."""
    said = f"{word} {name}".rstrip().replace(UNKNOWN, "…")
    if UNKNOWN in name or kind in {ShellKind.KSH, ShellKind.ZSH}:
        return f"what {command.argv[0]} makes of {said}"
    if letter == "O" and kind is ShellKind.BASH:
        return None if name in HARMLESS else f"{command.argv[0]} {said} changes what words mean"
    if is_followed(kind, name or letter) or (kind is ShellKind.BASH and name == "posix"):
        return None
    return _refused(command, said)


def _refused(command: Command, said: str) -> Failure:
    return Failure(
        Reason.BINARY_UNKNOWN,
        f"{command.argv[0]} {said}: an option that not every shell knows, or that is not followed",
    )


def _at_home(command: Command, files: Files) -> Command:
    """The command with the HOME that an engine sets."""
    if "HOME" in command.env or command.user is None:
        return command
    return command.with_variable("HOME", homes.home_of(command.user, files))


_POSIX = frozenset({"POSIXLY_CORRECT", "SHELLOPTS"})
"""Variables that may tell bash to be POSIX', in which it reads none of these files, unless it is called ``sh``."""

_PROFILE = b"if [ -f /etc/profile ]; then . /etc/profile; fi\n"
_FIRST_OF_BASH = b"""if [ -f ~/.bash_profile ]; then . ~/.bash_profile
elif [ -f ~/.bash_login ]; then . ~/.bash_login
elif [ -f ~/.profile ]; then . ~/.profile; fi
"""
_PROFILES = {
    ShellKind.BASH: _PROFILE + _FIRST_OF_BASH,
    **dict.fromkeys((ShellKind.DASH, ShellKind.ASH), _PROFILE + b"if [ -f ~/.profile ]; then . ~/.profile; fi\n"),
}
"""What login shells do before their script, in words of their own."""


def _of_text(command: Command, kind: ShellKind, rest: tuple[str, ...], options: frozenset[str]) -> Script | str:
    raw = rest[0].encode("utf-8", "surrogateescape")
    if len(raw) > MAX_COMMAND_BYTES:
        return f"the text of {command.argv[0]} -c is longer than {MAX_COMMAND_BYTES} bytes"
    name = rest[1] if len(rest) > 1 else command.argv[0]
    if UNKNOWN_WORDS in rest[1:2]:
        return f"the name of {command.argv[0]} -c is known at run time only"
    return Script(raw, kind, name, rest[2:], command, options)


def _of_input(
    command: Command, kind: ShellKind, words: tuple[str, ...], options: frozenset[str]
) -> Script | str | Failure | None:
    """What a shell is given to read, with its name and arguments."""
    if command.input is None or UNKNOWN in command.input:
        why = f"{command.argv[0]} reads what another program prints, or a file, that is known at run time only"
        return Failure(Reason.BINARY_UNKNOWN, why)
    raw = command.input.encode("utf-8", "surrogateescape")
    return Script(raw, kind, words[0], words[1:], command, options, is_input=True) if raw else None


def _in_path(command: Command, files: Files, path: str) -> tuple[str, Standing]:
    """Where bash finds a script that is not in the working directory."""
    for directory in command.path:
        candidate = command.absolute(f"{directory or '.'}/{posixpath.basename(path)}")
        standing = files.stands(candidate)
        if standing.kind in {PathKind.FILE, PathKind.UNKNOWN}:
            return candidate, standing
    return path, Standing(PathKind.MISSING)


_FIRST_WORD = re.compile(rf"(?:exec )?(/[\w./@+:{UNKNOWN}-]+)(?: [^;&|\n]*)?", re.ASCII)
"""The program that a text of ``sh -c`` names which is one command, so that nothing follows where that fails."""


def _of_unknown(command: Command, word: str, files: Files, *, is_text: bool) -> str | Failure:
    """A file, or the program of a text, of whose path only parts are known; nothing is said of what is no path."""
    named = _FIRST_WORD.fullmatch(word) if is_text else None
    word = word if UNKNOWN in word else command.absolute(word)
    path = named[1] if named else "" if is_text else unsplit(word)
    why = f"what {command.argv[0]} reads is known at run time only"
    lacks = uncomputed.lacking(files, path, command.cwd, ()) if "/" in path else ""
    return Failure(Reason.BINARY_UNKNOWN, f"{why}; {lacks}", path=path) if lacks else why


def _of_file(
    command: Command, kind: ShellKind, rest: tuple[str, ...], options: frozenset[str], files: Files
) -> Script | str | Failure:
    path, file = f"/{command.absolute(rest[0]).lstrip('/')}", rest[0]
    standing = files.stands(path)
    if standing.kind is PathKind.UNKNOWN:
        return f"{path}, which {command.argv[0]} reads, is not the image's"
    if standing.kind is PathKind.MISSING and "/" not in rest[0] and kind is not ShellKind.DASH:
        if kind is not ShellKind.BASH:
            return f"{command.argv[0]} looks for {rest[0]} in PATH"
        path, standing = _in_path(command, files, path)
        file = path
    if standing.kind is PathKind.UNKNOWN:
        return f"{path}, which {command.argv[0]} reads, is not the image's"
    if standing.kind is PathKind.MISSING:
        why = f"{path}, which {command.argv[0]} is to read: no such file or directory"
        return Failure(Reason.ENTRYPOINT_MISSING, why, path=path)
    if standing.kind is PathKind.FILE and not standing.size:
        return Failure(Reason.ENTRYPOINT_EMPTY, f"{path}, which {command.argv[0]} is to read, is empty", path=path)
    raw = files.text(path) if standing.kind is PathKind.FILE else None
    if raw is None and not files.architecture(path):
        return f"{path}, which {command.argv[0]} reads, was not kept"
    if raw is None or raw.startswith(b"\x7fELF"):
        return Failure(Reason.NOT_A_PROGRAM, f"{path} is a binary, which {command.argv[0]} is to read as a script")
    return Script(raw, kind, rest[0], rest[1:], command, options, is_file=True, file=file)
