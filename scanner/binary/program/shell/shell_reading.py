"""The builtins of shells that take their input or their options apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.shell.state import INSIDE, AtRunTimeError

if TYPE_CHECKING:
    from scanner.binary.program.shell.machine import Machine
    from scanner.binary.program.shell.state import State
    from scanner.formats.shell.syntax import Simple

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,9}")
_INDEX = re.compile(r"[1-9][0-9]{0,8}")


def read_words(machine: Machine, state: State, words: tuple[str, ...], _node: Simple) -> list[State]:
    """``read``: the next line of an input that is known, of any other nobody knows what it holds."""
    flags = [word for word in words[1:] if word.startswith("-")]
    names = [word for word in words[1:] if _NAME.fullmatch(word)] or ["REPLY"]
    plain = all(re.fullmatch(r"-r|--", flag) for flag in flags) and len(names) + len(flags) == len(words) - 1
    separators = state.value("IFS") if "IFS" in state.variables else " \t\n"
    if not plain or state.input is None or separators is None or UNKNOWN in separators + state.input:
        for name in names:
            state = state.assigned(name, UNKNOWN)
        return machine.done(replace(state.waited().drained(), status=None, asks=None))
    line, newline, left = state.input.partition("\n")
    if "\\" in line and "-r" not in flags:
        raise AtRunTimeError("read of a line with backslashes")
    for name, value in zip(names, _parted(line, len(names), separators), strict=True):
        state = state.assigned(name, value)
    return machine.done(replace(state, status=0 if newline else 1, input=left))


def _parted(line: str, count: int, separators: str) -> list[str]:
    """The fields of a line as ``read`` gives them to so many names: the last one gets the rest."""
    blanks = "".join(char for char in separators if char in " \t\n")
    if any(char not in " \t\n" for char in separators) and count > 1:
        return [UNKNOWN] * count
    rest, found = line.strip(blanks), []
    for _ in range(count - 1):
        ends = next((at for at, char in enumerate(rest) if char in blanks), len(rest))
        found.append(rest[:ends])
        rest = rest[ends:].lstrip(blanks)
    if any(char not in " \t\n" for char in separators) and rest[-1:] in separators:
        return [*found, UNKNOWN]
    return [*found, rest]


@dataclass(frozen=True, slots=True)
class Option:
    """What ``getopts`` finds: ``at`` is the next word, ``inside`` the next letter in it, 0 for none begun."""

    name: str
    argument: str | None
    at: int
    inside: int
    ended: bool = False


def next_option(letters: str, words: tuple[str, ...], at: int, inside: int) -> Option:
    """POSIX' getopts."""
    word = words[at - 1] if at <= len(words) else ""
    if not inside and (not word.startswith("-") or word in {"-", "--"}):
        return Option("?", None, at + (word == "--"), 0, ended=True)
    inside = inside or 1
    letter = word[inside : inside + 1]
    where = letters.lstrip(":").find(letter) if letter not in {"", ":"} else -1
    more = inside + 1 < len(word)
    if where < 0 or (letters.lstrip(":")[where + 1 : where + 2] == ":" and not more and at >= len(words)):
        return _mistaken(letters, letter, Option("?", None, at if more else at + 1, inside + 1 if more else 0), where)
    if letters.lstrip(":")[where + 1 : where + 2] != ":":
        return Option(letter, None, at if more else at + 1, inside + 1 if more else 0)
    if more:
        return Option(letter, word[inside + 1 :], at + 1, 0)
    return Option(letter, words[at], at + 2, 0)


def _mistaken(letters: str, letter: str, behind: Option, where: int) -> Option:
    """An option that is none, or lacks its argument; with a colon in front nothing is complained of."""
    if not letters.startswith(":"):
        return behind
    return replace(behind, name="?" if where < 0 else ":", argument=letter)


def getopts_words(machine: Machine, state: State, words: tuple[str, ...], _node: Simple) -> list[State]:
    """``getopts``: the next option of arguments that are known."""
    if len(words) < 3 or not _NAME.fullmatch(words[2]):  # noqa: PLR2004 - the options and a name
        return machine.done(state.with_status(2))
    given = words[3:] or state.positional
    at = state.value("OPTIND") if "OPTIND" in state.variables else "1"
    found = None
    if at is not None and UNKNOWN not in at and not _NUMBER.fullmatch(at):
        raise AtRunTimeError("getopts with an OPTIND that only some shells take")
    inside = state.variables.get(INSIDE) or "0"
    if at is not None and _INDEX.fullmatch(at) and not any(UNKNOWN in word for word in (*given, words[1], inside)):
        found = next_option(words[1], given, int(at), int(inside))
    if found is None:
        for name in (words[2], "OPTIND", "OPTARG"):
            state = state.assigned(name, UNKNOWN)
        return machine.done(state.with_status(None))
    changed = {words[2]: found.name, "OPTIND": str(found.at), "OPTARG": found.argument, INSIDE: str(found.inside)}
    for name, value in changed.items():
        state = state.assigned(name, value)
    return machine.done(state.with_status(int(found.ended)))
