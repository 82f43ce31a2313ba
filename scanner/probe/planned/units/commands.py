"""The command lines of a service, put together as systemd puts them together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats import systemd_unit
from scanner.formats.systemd_words import EXEC, WHITESPACE, WordsError, first_word
from scanner.probe.planned.units.unit_environment import all_expanded
from scanner.probe.planned.unknown_text import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scanner.formats.systemd_unit import Setting
    from scanner.probe.planned.units.specifiers import Specifiers
    from scanner.probe.planned.units.unit_environment import UnitEnvironment

KEYS = (
    "ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost",
)  # fmt: skip
"""In the order in which they run; whatever a unit runs may start a container."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Words of one command, its program first; ``why`` tells, in place of words, why systemd does not take it.

    ``is_privileged``: whom the unit names as its user does not count for it (``+``, ``!``).
    """

    words: tuple[str, ...]
    setting: Setting
    why: str = ""
    is_privileged: bool = False


def command_lines(
    settings: Sequence[Setting], specifiers: Specifiers, env: UnitEnvironment | None
) -> Iterator[CommandLine]:
    """Every command of a unit; of each key an empty value takes back those before it.

    Without ``env`` variables stay as they are written, as systemd itself keeps them until it execs.
    """
    found = systemd_unit.values(settings, "Service", *KEYS)
    for key in KEYS:
        for setting in found:
            if setting.key == key:
                yield from _commands(setting, specifiers, env)


def _commands(setting: Setting, specifiers: Specifiers, env: UnitEnvironment | None) -> Iterator[CommandLine]:
    """The commands of one setting, which ``;`` may separate."""
    at, text = 0, setting.value
    try:
        while True:
            program, at = first_word(text, at)
            if program is None:
                return
            if program == ";":
                continue  # before the first command it separates nothing
            prefixes = _prefixes(program)
            bare = program[len(prefixes) :]
            words, at = _arguments(text, at)
            if not bare:
                continue
            if why := _refused(specifiers, prefixes, bare, words):
                if "-" not in prefixes:
                    yield CommandLine((), setting, why)
                return  # systemd reads no further
            put = [specifiers.put(word) for word in words]
            if "@" in prefixes:
                put = put[1:]  # what the program is told that its name is
            if ":" not in prefixes and env is not None:
                put = all_expanded(put, env)
            is_privileged = "+" in prefixes or prefixes.count("!") == 1  # two are one only where the kernel is old
            yield CommandLine((specifiers.put(bare), *put), setting, is_privileged=is_privileged)
    except WordsError as error:
        yield CommandLine((), setting, str(error))


def _refused(specifiers: Specifiers, prefixes: str, program: str, words: list[str]) -> str:
    """Why systemd does not take a command; empty where it does."""
    if odd := next(filter(None, map(specifiers.refused, (program, *words))), ""):
        return f"{odd} is no specifier"
    return "its program has no name" if "@" in prefixes and not words else _no_program(specifiers.put(program))


def _prefixes(program: str) -> str:
    """The signs in front of a program that say how it is run: each once, ``!`` twice, but not beside ``+``."""
    found = ""
    for sign in program:
        most = {"!": 2 * ("+" not in found), "+": int("!" not in found)}.get(sign, int(sign in "-@:|"))
        if found.count(sign) >= most:
            break
        found += sign
    return found


def _no_program(path: str) -> str:
    """Why systemd takes a program's path for none; empty where it takes it, or where nobody can tell."""
    if not is_known(path):
        return ""
    if "/" in path and not path.startswith("/"):
        return "its program is neither a name nor a path from the root"
    return "its program is a directory" if path.endswith("/") else ""


def _arguments(text: str, at: int) -> tuple[list[str], int]:
    """The words up to a semicolon that stands alone, with where the next command begins."""
    words: list[str] = []
    while at < len(text):
        if text[at] == ";" and (at + 1 >= len(text) or text[at + 1] in WHITESPACE):
            return words, at + 1
        if text.startswith("\\;", at) and (at + 2 >= len(text) or text[at + 2] in WHITESPACE):
            words.append(";")
            at += 2
            while at < len(text) and text[at] in WHITESPACE:
                at += 1
            continue
        word, at = first_word(text, at, EXEC)
        if word is None:
            break
        words.append(word)
    return words, at
