"""What ``eval`` does with a text of which only parts are known, which are taken to end neither a quote nor a command."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS
from scanner.binary.program.shell import builtins, lookups, starts
from scanner.binary.program.shell.state import AtRunTimeError

if TYPE_CHECKING:
    from scanner.binary.program.shell.machine import Machine
    from scanner.binary.program.shell.state import State
    from scanner.formats.shell.syntax import Simple

_ASSIGNED = re.compile(
    rf"\s*(?:(?P<by>export|local|declare|readonly)\s+)?(?P<name>[A-Za-z_]\w*)=(?P<quote>[\"']?)(?P<value>[\w./:@%+,={UNKNOWN}-]*)(?P=quote)\s*",
    re.ASCII,
)
_COMMAND = re.compile(
    r"\s*(?P<exec>exec[ \t]+)?(?P<quote>[\"']?)(?P<name>[\w./+@][\w./+@-]*)(?P=quote)"
    r"(?P<words>(?:[ \t]+[\w./:@%+,=-]+)*)(?=[ \t]|\Z)(?P<rest>.*)",
    re.ASCII | re.DOTALL,
)
_WORD = re.compile(rf"\s*(?:exec[ \t]+)?(?P<word>/[\w./+@{UNKNOWN}-]+)(?=\s|\Z)", re.ASCII)
_MORE_WORDS = re.compile(rf"(?:[\w./:@%+,= \t\"'{UNKNOWN}-]|\$[@*A-Za-z_]|\$\{{[A-Za-z_]\w*\}})*(?:\n\s*)?", re.ASCII)
"""Words, among them such as a variable or ``"$@"`` becomes, which is read no second time."""

_KNOWN_WORD = re.compile(r"[\w./:@%+,=-]+", re.ASCII)
_OWN = frozenset({"!", "[[", "case", "for", "function", "if", "select", "time", "until", "while", "{", "do", "then"})


@dataclass(frozen=True, slots=True)
class _Begun:
    """A command, the words of which are known but for ``UNKNOWN_WORDS``; ``is_all`` where nothing stands behind it."""

    words: tuple[str, ...]
    by_exec: bool
    is_all: bool


def partly_known(machine: Machine, state: State, text: str, node: Simple) -> list[State]:
    """Behind ``eval`` of a text with unknown parts."""
    if (assigned := _ASSIGNED.fullmatch(text)) is not None:
        if assigned["by"]:
            words = (assigned["by"], f"{assigned['name']}={assigned['value']}")
            return builtins.BUILTINS[words[0]](machine, state, words, node)
        return machine.done(replace(state.assigned(assigned["name"], assigned["value"]), status=0))
    why = f"line {node.line}: what eval runs is known at run time only"
    begun = _begun(text)
    name = begun.words[0] if begun is not None else ""
    if begun is None or name in _OWN or name in state.aliases:
        word = _WORD.match(text)
        raise AtRunTimeError(why, word=word["word"] if word is not None and begun is None else "")
    if begun.is_all and not begun.by_exec and begun.words[:2] == ("set", "--"):
        return machine.done(replace(state, positional=begun.words[2:], status=0))
    if not begun.by_exec and (name in state.functions or builtins.is_known_to(machine.kind, name)):
        raise AtRunTimeError(why)
    if not begun.is_all:
        lacks = lookups.is_absent(machine.files, replace(state, functions={}), name, machine.kind)
        raise AtRunTimeError(f"{why}; it starts {name}, which is not in the image" if lacks else why, is_faulty=lacks)
    if begun.by_exec:
        return starts.execd(machine, state, begun.words, state)
    return starts.external(machine, state, state, begun.words, node)


def _begun(text: str) -> _Begun | None:
    """``None`` for a text whose first word is not known, or is no plain one."""
    found = _COMMAND.fullmatch(text)
    if found is None:
        return None
    words, by_exec = (found["name"], *found["words"].split()), found["exec"] is not None
    if words[0] == "exec":
        return None
    rest = found["rest"].split()
    if any(quote in found["rest"] for quote in "\"'"):
        rest = [UNKNOWN_WORDS]  # blanks within quotes part no words
    told = (word if _KNOWN_WORD.fullmatch(word) else UNKNOWN_WORDS for word in rest)
    return _Begun((*words, *told), by_exec, _MORE_WORDS.fullmatch(found["rest"]) is not None)
