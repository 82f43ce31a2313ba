"""Aliases: names that stand for the first words of a command."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.shell.state import AtRunTimeError, ShellKind, is_known
from scanner.formats.shell import grammar
from scanner.formats.shell.syntax import Literal, Sequence, Simple

if TYPE_CHECKING:
    from scanner.binary.program.shell.machine import Machine
    from scanner.binary.program.shell.state import State
    from scanner.formats.shell.syntax import Function

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_ALIAS = re.compile(r"([\w.@%+,-]+)=(.*)", re.ASCII | re.DOTALL)


def alias_words(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    """``alias``; it holds for lines that are read later, which is known of the script's own lines alone."""
    given = [_ALIAS.fullmatch(word) for word in words[1:]]
    if not all(given) or not all(map(is_known, words)):
        if any("=" in word or UNKNOWN in word for word in words[1:]) and _expands(machine, state):
            raise AtRunTimeError(f"line {node.line}: an alias that is not followed")
        return machine.done(state.printed(UNKNOWN).with_status(None))
    if state.stack.height != 1 and _expands(machine, state):
        raise AtRunTimeError(f"line {node.line}: an alias within a command, which may have been read before")
    made = {found[1]: (found[2], node.line) for found in given if found is not None}
    return machine.done(replace(state, aliases={**state.aliases, **made}, status=0, asks=None))


def unalias_words(machine: Machine, state: State, words: tuple[str, ...], _node: Simple) -> list[State]:
    """``unalias``."""
    left = {} if "-a" in words else {name: each for name, each in state.aliases.items() if name not in words}
    return machine.done(replace(state, aliases=left, status=None, asks=None))


def _expands(machine: Machine, state: State) -> bool:
    """No script of bash's expands an alias unless it asks for that (``shopt -s expand_aliases``), or is POSIX'."""
    if machine.kind is not ShellKind.BASH or state.is_posix(machine.kind):
        return True
    return "expand_aliases" in state.options or state.value("POSIXLY_CORRECT") is not None


def named(machine: Machine, state: State, node: Function) -> str:
    """What a function is called, whose name shells read as the first word of a command, which may be an alias."""
    is_read_apart = node.bash and machine.kind is ShellKind.BASH  # behind the word ``function``
    if node.name not in state.aliases or is_read_apart or not _expands(machine, state):
        return node.name
    value, line = state.aliases[node.name]
    if node.line <= line:
        raise AtRunTimeError(f"line {node.line}: {node.name}, whose alias may have been read later")
    name = value.strip(" \t")
    if not _NAME.fullmatch(name) or name in state.aliases.keys() - {node.name}:
        raise AtRunTimeError(f"line {node.line}: {node.name}, an alias that is no function's name", is_faulty=True)
    return name


def expanded(machine: Machine, state: State, node: Simple) -> Simple:
    """A command with what its first word stands for."""
    parts = node.words[0].parts if state.aliases and node.words else ()
    name = "".join(part.text for part in parts if isinstance(part, Literal) and not part.quoted)
    if name not in state.aliases or node.words[0].literal != name or not _expands(machine, state):
        return node
    value, line = state.aliases[name]
    if node.line <= line:
        raise AtRunTimeError(f"line {node.line}: {name}, whose alias may have been read later")
    read = grammar.parse(value.encode("utf-8", "surrogateescape"))
    body = read.items[0] if isinstance(read, Sequence) and len(read.items) == 1 else None
    inner = body.statement if body is not None and not body.background else None
    if not isinstance(inner, Simple) or not inner.words or inner.redirects or value[-1:].isspace():
        raise AtRunTimeError(f"line {node.line}: {name}, an alias that is not followed")
    if inner.words[0].literal in {*state.aliases} - {name}:
        raise AtRunTimeError(f"line {node.line}: {name}, an alias of an alias")
    assignments = (*node.assignments, *inner.assignments)
    return replace(node, assignments=assignments, words=(*inner.words, *node.words[1:]))
