"""Reads a shell's own command line: the script, or the file of one, that it is given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS
from scanner.binary.program.shell.following import Script
from scanner.binary.program.shell.state import PathKind, ShellKind
from scanner.domain.facts import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.program.argv import Command
    from scanner.binary.program.shell.state import Files

MAX_COMMAND_BYTES = 64 * 1024
"""Of a ``sh -c`` text; Dockerfiles' are one line."""

_NAMES = {
    "dash": ShellKind.DASH, "bash": ShellKind.BASH, "rbash": ShellKind.BASH, "ash": ShellKind.ASH,
    "busybox": ShellKind.ASH, "ksh": ShellKind.KSH, "mksh": ShellKind.KSH, "ksh93": ShellKind.KSH,
    "zsh": ShellKind.ZSH, "sh": ShellKind.POSIX,
}  # fmt: skip
_CALLED = frozenset({"sh", "ash", "dash", "bash", "rbash", "ksh", "mksh", "zsh"})
_OPTIONS = re.compile(r"[-+][a-zA-Z]+")
_LONG = frozenset({"--norc", "--noprofile", "--posix", "--noediting", "--verbose"})
_SET = {"errexit": "e", "nounset": "u", "noglob": "f", "allexport": "a"}


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


def read(  # noqa: C901 - each kind of option ends in its own way
    command: Command, kind: ShellKind, files: Files
) -> Script | str | Failure | None:
    """The script that a shell reads; ``None`` for one that reads its input, a sentence where nobody can tell."""
    words, at, text, options = command.argv[1:], 0, False, set[str]()
    while at < len(words) and words[at][:1] in {"-", "+"} and words[at] not in {"-", "--"}:
        word = words[at]
        if word.startswith("--"):
            if word in {"--login", "--init-file", "--rcfile"}:
                return f"{command.argv[0]} {word} reads files of its own before"
            if word not in _LONG:
                return None
            at += 1
            continue
        if not _OPTIONS.fullmatch(word):
            return f"what {command.argv[0]} makes of {word.replace(UNKNOWN, '…')}"
        text = text or ("c" in word and word[0] == "-")
        if "l" in word and word[0] == "-":
            return f"{command.argv[0]} {word} is a login shell, which reads files of its own before"
        if "i" in word or "s" in word or "n" in word:
            return None if "n" not in word else f"{command.argv[0]} {word} runs nothing"
        options |= set(word[1:]) - {"c", "o", "O"} if word[0] == "-" else set()
        if word[-1] in {"o", "O"} and at + 1 < len(words):
            at += 1
            options.add(_SET.get(words[at], words[at]))
        at += 1
    at += at < len(words) and words[at] in {"-", "--"}
    rest = words[at:]
    if not rest:
        return None
    if UNKNOWN in rest[0]:
        return f"what {command.argv[0]} reads is known at run time only"
    if text:
        return _of_text(command, kind, rest, frozenset(options))
    return _of_file(command, kind, rest, frozenset(options), files)


def _of_text(command: Command, kind: ShellKind, rest: tuple[str, ...], options: frozenset[str]) -> Script | str:
    raw = rest[0].encode("utf-8", "surrogateescape")
    if len(raw) > MAX_COMMAND_BYTES:
        return f"the text of {command.argv[0]} -c is longer than {MAX_COMMAND_BYTES} bytes"
    name = rest[1] if len(rest) > 1 else command.argv[0]
    if UNKNOWN_WORDS in rest[1:2]:
        return f"the name of {command.argv[0]} -c is known at run time only"
    return Script(raw, kind, name, rest[2:], command, options)


def _of_file(
    command: Command, kind: ShellKind, rest: tuple[str, ...], options: frozenset[str], files: Files
) -> Script | str | Failure:
    path = command.absolute(rest[0])
    standing = files.stands(path)
    if standing.kind is PathKind.UNKNOWN:
        return f"{path}, which {command.argv[0]} reads, is not the image's"
    if standing.kind is PathKind.MISSING and "/" not in rest[0]:
        return f"{command.argv[0]} looks for {rest[0]} in PATH"
    if standing.kind is PathKind.MISSING:
        why = f"{path}, which {command.argv[0]} is to read: no such file or directory"
        return Failure(Reason.ENTRYPOINT_MISSING, why, path=path)
    if standing.kind is PathKind.FILE and not standing.size:
        return Failure(Reason.ENTRYPOINT_EMPTY, f"{path}, which {command.argv[0]} is to read, is empty", path=path)
    raw = files.text(path) if standing.kind is PathKind.FILE else None
    if raw is None:
        return f"{path}, which {command.argv[0]} reads, was not kept"
    if raw.startswith(b"\x7fELF"):
        return Failure(Reason.NOT_A_PROGRAM, f"{path} is a binary, which {command.argv[0]} is to read as a script")
    return Script(raw, kind, rest[0], rest[1:], command, options, is_file=True)
