"""The builtins of shells that take their input or their options apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS
from scanner.binary.program.launch.getopt import OptionError, Parsed, grammar
from scanner.binary.program.shell.frames import AfterLoopCondition, Run
from scanner.binary.program.shell.state import INSIDE, SHARED, ZERO, AtRunTimeError, ShellKind
from scanner.formats.shell.syntax import Simple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.binary.program.shell.frames import Stack
    from scanner.binary.program.shell.machine import Machine
    from scanner.binary.program.shell.state import State
    from scanner.formats.shell.syntax import Loop

MAX_LINES = 1024
"""Elements of an array that a file is read into; a list of programs has a dozen."""

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,9}")
_INDEX = re.compile(r"[1-9][0-9]{0,8}")


_READ = grammar("a:d:ei:n:N:p:rst:u:")
_MAPFILE = grammar("d:n:O:s:tu:C:c:")


def read_words(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    """``read``: the next line of an input that is known, of any other nobody knows what it holds.

    A loop that reads all lines goes on, or has ended, where a program may have read what was left.
    """
    parsed = _READ.parse(words[1:])
    if isinstance(parsed, Parsed) and parsed.has("u") and machine.kind is ShellKind.BASH:
        number = parsed.value("u") or ""
        options = (f"-{name}{value or ''}" for name, value in parsed.options if name != "u")
        ways = _read(machine, replace(state, input=state.opened.get(number)), (words[0], *options, *parsed.rest))
        return [replace(each, input=state.input, opened={**each.opened, number: each.input}) for each in ways]
    if state.input is not None and state.input.startswith(SHARED) and _is_asked_by_loop(state, node):
        left = state.input.removeprefix(SHARED)
        ends = _read(machine, replace(state, input="", early=state.early or bool(left)), words)
        return [*_read(machine, replace(state, input=left), words), *(ends if left else ())]
    return _read(machine, state, words)


def _is_asked_by_loop(state: State, node: Simple) -> bool:
    """Whether this command alone is the condition of the loop that one is in."""
    stack: Stack | None = state.stack
    if stack is not None and isinstance(stack.frame, Run) and stack.frame.at >= len(stack.frame.items):
        stack = stack.below
    return stack is not None and isinstance(stack.frame, AfterLoopCondition) and lines_of(stack.frame.node) is node


def lines_of(loop: Loop) -> Simple | None:
    """The ``read`` by which a loop goes through all lines that it is given."""
    first = loop.condition.items[0].statement if len(loop.condition.items) == 1 else None
    is_read = isinstance(first, Simple) and bool(first.words) and first.words[0].literal == "read"
    return first if isinstance(first, Simple) and is_read and not first.redirects and loop.kind == "while" else None


def _read(machine: Machine, state: State, words: tuple[str, ...]) -> list[State]:
    parsed = _READ.parse(words[1:])
    if any("[" in word for word in words[1:]):
        raise AtRunTimeError("read into an element of an array")
    if isinstance(parsed, OptionError) or any(not _NAME.fullmatch(name) for name in parsed.rest):
        names = [word for word in words[1:] if _NAME.fullmatch(word)] or ["REPLY"]
        return _not_known(machine, state, names, ())
    names = list(parsed.rest) or ["REPLY"]
    array = parsed.value("a")
    separators = state.value("IFS") if "IFS" in state.variables else " \t\n"
    is_plain = not parsed.has("d", "n", "N", "u", "i") and (machine.kind is ShellKind.BASH or not parsed.options[1:])
    if array is not None and machine.kind is not ShellKind.BASH:
        raise AtRunTimeError("read -a, which only bash knows", is_faulty=machine.kind is ShellKind.DASH)
    if not is_plain or state.input is None or separators is None or {UNKNOWN, ZERO} & set(separators + state.input):
        return _not_known(machine, state, [] if array else names, (array,) if array else ())
    line, newline, left = state.input.partition("\n")
    if "\\" in line and not parsed.has("r"):
        raise AtRunTimeError("read of a line with backslashes")
    behind = replace(state, input=left)
    if array:
        behind = with_array(behind, array, _fields(line, separators))
    else:
        for name, value in zip(names, _parted(line, len(names), separators), strict=True):
            behind = behind.assigned(name, value)
    return machine.done(behind.with_status(0 if newline else 1))


def _not_known(machine: Machine, state: State, names: Iterable[str], arrays: Iterable[str]) -> list[State]:
    """Behind a reading of which nobody knows what it finds."""
    for name in names:
        state = state.assigned(name, UNKNOWN)
    for name in arrays:
        state = with_array(state, name, (UNKNOWN_WORDS,))
    return machine.done(replace(state.waited().drained(), status=None, asks=None))


def map_lines(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    """``mapfile``, ``readarray``: the lines of an input."""
    if machine.kind is not ShellKind.BASH:
        raise AtRunTimeError(f"line {node.line}: {words[0]}, which only bash knows")
    parsed = _MAPFILE.parse(words[1:])
    if isinstance(parsed, OptionError) or parsed.has("C") or len(parsed.rest) > 1:
        raise AtRunTimeError(f"line {node.line}: {words[0]} in a way that is not followed")
    name = parsed.rest[0] if parsed.rest else "MAPFILE"
    if not _NAME.fullmatch(name):
        raise AtRunTimeError(f"line {node.line}: the array that {words[0]} sets is known at run time only")
    is_plain = not parsed.has("d", "n", "O", "s", "u")
    if not is_plain or state.input is None or UNKNOWN in state.input:
        return _not_known(machine, state, (), (name,))
    *lines, last = state.input.split("\n")
    if len(lines) > MAX_LINES:
        return _not_known(machine, state, (), (name,))
    kept = (*(line if parsed.has("t") else f"{line}\n" for line in lines), *((last,) if last else ()))
    return machine.done(with_array(replace(state, input=""), name, kept).with_status(0))


def with_array(state: State, name: str, elements: tuple[str, ...]) -> State:
    """The state with one array in the place of whatever is called so."""
    if name in state.readonly:
        raise AtRunTimeError(f"the array {name} is changed, which is read-only", is_faulty=True)
    variables = {key: value for key, value in state.variables.items() if key != name}
    return replace(state, arrays={**state.arrays, name: elements}, variables=variables)


def _fields(line: str, separators: str) -> tuple[str, ...]:
    """All fields of a line."""
    if any(char not in " \t\n" for char in separators):
        blanks = "".join(char for char in separators if char in " \t\n")
        others = "".join(char for char in separators if char not in " \t\n")
        bare = line.strip(blanks)
        if not bare or blanks:
            return () if not bare else (UNKNOWN_WORDS,)
        return tuple(re.split(f"[{re.escape(others)}]", bare[:-1] if bare[-1] in others else bare))
    if not separators:
        return (line,) if line else ()
    return tuple(field for field in re.split(f"[{re.escape(separators)}]", line) if field)


def _parted(line: str, count: int, separators: str) -> list[str]:
    """The fields of a line as ``read`` gives them to so many names: the last one gets the rest."""
    blanks = "".join(char for char in separators if char in " \t\n")
    others = "".join(char for char in separators if char not in " \t\n")
    rest, found = line.strip(blanks), []
    for _ in range(count - 1):
        ends = next((at for at, char in enumerate(rest) if char in separators), len(rest))
        found.append(rest[:ends])
        rest = rest[ends:].lstrip(blanks)
        rest = rest[1:].lstrip(blanks) if others and rest[:1] and rest[0] in others else rest
    if others and rest and rest[-1] in others:
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
