"""The builtins of shells that change variables, options, arguments."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS
from scanner.binary.program.shell import simple
from scanner.binary.program.shell.associative import Table
from scanner.binary.program.shell.expand import Expander
from scanner.binary.program.shell.frames import (
    LeaveFunction,
)
from scanner.binary.program.shell.references import Reference
from scanner.binary.program.shell.state import AtRunTimeError, ShellEndsError, ShellKind, counted

if TYPE_CHECKING:
    from scanner.binary.program.shell.frames import Stack
    from scanner.binary.program.shell.machine import Machine
    from scanner.binary.program.shell.state import State
    from scanner.formats.shell.syntax import Simple

_COUNT = re.compile(r"[0-9]{1,9}")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SET_LETTERS = frozenset("abefmnuvxCE")
_LETTERS_OF_BASH = _SET_LETTERS | frozenset("hpBHPT")
"""Without ``-k`` and ``-t``, which change what commands are."""

_LONG = {"errexit": "e", "nounset": "u", "noglob": "f", "allexport": "a", "noexec": "n"}
_LETTERS = {**_LONG, "braceexpand": "B"}
_NAMES = frozenset(_LONG) | {"xtrace", "verbose", "monitor", "notify", "ignoreeof", "noclobber", "vi", "emacs", "nolog"}
_NAMES_OF_BASH = _NAMES | {
    "braceexpand", "errtrace", "functrace", "hashall", "histexpand", "history", "interactive-comments", "physical", "pipefail",
    "privileged",
}  # fmt: skip
HARMLESS = frozenset({
    "autocd", "cdspell", "checkhash", "checkjobs", "checkwinsize", "cmdhist", "dirspell", "dotglob", "extglob", "extquote", "gnu_errfmt",
    "histappend", "histreedit", "histverify", "hostcomplete", "huponexit", "inherit_errexit", "interactive_comments",
    "lithist", "login_shell", "mailwarn", "no_empty_cmd_completion", "nullglob", "progcomp", "promptvars",
})  # fmt: skip
"""Options of shopt that change nothing of what words mean, or that are followed."""

_FOLLOWED = frozenset({"expand_aliases", "nullglob", "dotglob", "inherit_errexit", "nocasematch"})


def export_words(machine: Machine, state: State, words: tuple[str, ...], _node: Simple) -> list[State]:
    """``export``."""
    unexports = of_functions = False
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if word.startswith("-"):
            if machine.kind is ShellKind.DASH and word not in {"-p", "--"}:
                raise ShellEndsError(f"{words[0]} {word}, an option that it does not know")
            unexports, of_functions = unexports or "n" in word, of_functions or "f" in word
            continue
        if of_functions and machine.kind is ShellKind.BASH:
            state = state.handing_on(name, on=not unexports)
            continue
        if UNKNOWN in name and word != UNKNOWN_WORDS:
            state = replace(state, env_known=False)
            continue
        if not _NAME.fullmatch(name):
            raise AtRunTimeError(f"the variables that {words[0]} sets are known at run time only")
        if equals:
            state = state.assigned(name, value)
        elif not state.env_known and name not in state.variables:
            continue
        exported = state.exported - {name} if unexports else state.exported | {name}
        state = replace(state, exported=exported)
    return machine.done(state.with_status(0))


def declare_words(  # noqa: C901, PLR0912 - each kind of declaration has its own rule
    machine: Machine, state: State, words: tuple[str, ...], node: Simple
) -> list[State]:
    """``readonly``, ``local``, ``declare``, ``typeset``."""
    if words[0] in {"declare", "typeset"} and machine.kind in {ShellKind.DASH, ShellKind.ASH, ShellKind.POSIX}:
        why = f"line {node.line}: {words[0]}, which this shell does not know"
        is_faulty = machine.kind is ShellKind.DASH or ("e" in state.options and not state.quiet)
        raise AtRunTimeError(why, is_faulty=is_faulty)
    is_local = words[0] != "readonly" and _in_function(state.stack)
    if words[0] == "local" and not is_local:
        why = f"line {node.line}: local outside of any function"
        raise AtRunTimeError(why, is_faulty=machine.kind is ShellKind.DASH)
    flags = "".join(word[1:] for word in words[1:] if word.startswith("-"))
    if "n" in flags:
        return _references(machine, state, words, node, is_local=is_local and "g" not in flags)
    if {"u", "l", "c"} & set(flags) or ("i" in flags and {"a", "A"} & set(flags)):
        raise AtRunTimeError(f"line {node.line}: a variable that changes whatever it is given")
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if word.startswith(("-", "+")):
            if {"f", "x"} <= set(flags):
                for each in words[1:]:
                    state = state if each.startswith(("-", "+")) else state.handing_on(each)
                return machine.done(state.with_status(None))
            if word.startswith(("-f", "-F", "-p")):
                return machine.done(state.with_status(None).printed(UNKNOWN))
            continue
        name = name.removesuffix("+") if equals else name
        if not _NAME.fullmatch(name):
            raise AtRunTimeError(f"line {node.line}: the variables that {words[0]} sets are known at run time only")
        if is_local and "g" not in flags:
            state = state.hidden(name)
        if {"a", "A"} & set(flags):
            if equals:
                raise AtRunTimeError(f"line {node.line}: an array with its value")
            elements: tuple[str, ...] = Table({}) if "A" in flags else ()
            kept = elements if is_local and "g" not in flags else state.arrays.get(name, elements)
            state = replace(state, arrays={**state.arrays, name: kept})
        elif equals:
            state = state.assigned(name, UNKNOWN if "i" in flags else value)
        elif is_local and machine.kind is not ShellKind.DASH and words[0] != "readonly":
            others = {key: each for key, each in state.arrays.items() if key != name}
            without = {key: each for key, each in state.variables.items() if key != name}
            state = replace(state, variables=without, arrays=others)
            state = state if state.env_known else state.assigned(name, "")
        if "x" in flags:
            state = replace(state, exported=state.exported | {name})
        if words[0] == "readonly" or ("r" in flags and not is_local):
            state = replace(state, readonly=state.readonly | {name})
    return machine.done(_with_arrays(machine, state, node, flags, is_local=is_local).with_status(0))


def _references(machine: Machine, state: State, words: tuple[str, ...], node: Simple, *, is_local: bool) -> list[State]:
    """``declare -n name=other``."""
    for word in words[1:]:
        if word == "-n":
            continue
        name, _, other = word.partition("=")
        if (
            machine.kind is not ShellKind.BASH
            or not _NAME.fullmatch(name)
            or not _NAME.fullmatch(other)
            or name == other
        ):
            raise AtRunTimeError(f"line {node.line}: a variable that names another", is_faulty=name == other)
        state = state.hidden(name) if is_local else state
        state = replace(state, arrays={**state.arrays, name: Reference(other)})
    return machine.done(state.with_status(0))


def _with_arrays(machine: Machine, state: State, node: Simple, flags: str, *, is_local: bool) -> State:
    """``declare name=( … )``."""
    for each in node.assignments:
        if each.elements is None or node.words[0].literal == "export":
            raise AtRunTimeError(f"line {node.line}: a declaration of {each.name} that is not followed")
        if is_local and "g" not in flags:
            state = state.hidden(each.name)
        words = Expander(machine, state)
        state = simple.array(machine, words, each, by_name="A" in flags)
        if node.words[0].literal == "readonly" or ("r" in flags and not is_local):
            state = replace(state, readonly=state.readonly | {each.name})
    return state


def _in_function(stack: Stack | None) -> bool:
    while stack is not None:
        if isinstance(stack.frame, LeaveFunction):
            return True
        stack = stack.below
    return False


def unset_words(machine: Machine, state: State, words: tuple[str, ...], _node: Simple) -> list[State]:
    """``unset``."""
    names = [word for word in words[1:] if not word.startswith("-") and (UNKNOWN not in word or word == UNKNOWN_WORDS)]
    if any(not _NAME.fullmatch(name) for name in names):
        raise AtRunTimeError("the variables that unset removes are known at run time only")
    if "-f" in words:
        functions = {name: body for name, body in state.functions.items() if name not in names}
        return machine.done(replace(state, functions=functions, status=0))
    for name in names:
        left = "" if name == "PATH" and machine.kind is not ShellKind.ASH else None
        state = replace(state.assigned(name, left), exported=state.exported - {name})
    return machine.done(state.with_status(0))


def let_words(machine: Machine, state: State, words: tuple[str, ...], _node: Simple) -> list[State]:
    """``let``."""
    if machine.kind is ShellKind.POSIX:
        raise AtRunTimeError("let, which not every shell knows")
    expander, value = Expander(machine, state), UNKNOWN
    for word in words[1:]:
        value = UNKNOWN if UNKNOWN in word else expander.arithmetic(word)
    return machine.done(expander.state.with_status(None if UNKNOWN in value else int(value == "0")))


# ---------------------------------------------------------------- arguments, options


def set_words(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    """``set``: options, arguments."""
    options, at = set(state.options), 1
    while at < len(words):
        word = words[at]
        if UNKNOWN in word:
            raise AtRunTimeError(f"line {node.line}: what set gets is known at run time only")
        if word == "--":
            return machine.done(replace(state, options=frozenset(options), positional=words[at + 1 :], status=0))
        if word == "-":
            break
        if word[0] not in "-+" or word == "+":
            return machine.done(replace(state, options=frozenset(options), positional=words[at:], status=0))
        at = _option(machine.kind, words, at, options, node)
    return machine.done(replace(state, options=frozenset(options), status=0))


def switch(options: set[str], name: str, *, on: bool) -> None:
    """Turn an option of ``set`` on or off, by its letter or name; ``+B`` stays where bash's braces are switched off."""
    letter = _LETTERS.get(name, name)
    if letter == "B":
        letter, on = "+B", not on
    (options.add if on else options.discard)(letter)


def is_followed(kind: ShellKind, name: str) -> bool:
    """Whether a shell surely takes an option of ``set``, by its letter or name, and goes on as is told here."""
    if len(name) == 1:
        return name in (_LETTERS_OF_BASH if kind is ShellKind.BASH else _SET_LETTERS)
    others = _NAMES | ({"pipefail"} if kind is ShellKind.ASH else set())
    return name in (_NAMES_OF_BASH if kind is ShellKind.BASH else others)


def _option(kind: ShellKind, words: tuple[str, ...], at: int, options: set[str], node: Simple) -> int:
    word, on = words[at], words[at][0] == "-"
    for letter in word[1:]:
        if letter == "o":
            at += 1
            name = words[at] if at < len(words) else ""
            if len(name) == 1 or not is_followed(kind, name):
                why = f"line {node.line}: set -o {name}, which not every shell knows"
                raise AtRunTimeError(why, is_faulty=kind is ShellKind.DASH)
            switch(options, name, on=on)
        elif is_followed(kind, letter):
            switch(options, letter, on=on)
        else:
            why = f"line {node.line}: set {word}, which not every shell knows"
            raise AtRunTimeError(why, is_faulty=kind is not ShellKind.BASH)
    if "n" in options:
        raise AtRunTimeError(f"line {node.line}: the shell is told to run nothing (set -n)")
    return at + 1


def shift_words(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    """``shift``."""
    count = words[1] if len(words) > 1 else "1"
    if UNKNOWN not in count and not _COUNT.fullmatch(count) and machine.kind is not ShellKind.BASH:
        raise AtRunTimeError(f"line {node.line}: shift by a word that is no number", is_faulty=True)
    if not _COUNT.fullmatch(count):
        return machine.done(replace(state, positional=(UNKNOWN_WORDS,), status=None, asks=None))
    number = int(count)
    if not counted(state.positional[:number]):
        return machine.done(replace(state, positional=(UNKNOWN_WORDS,), status=None, asks=None))
    if number > len(state.positional):
        if machine.kind is ShellKind.BASH:
            return machine.done(state.with_status(1))
        raise AtRunTimeError(f"line {node.line}: shift takes more arguments than there are")
    return machine.done(replace(state, positional=state.positional[number:], status=0))


def shopt_words(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    """``shopt``."""
    if machine.kind is not ShellKind.BASH:
        why = f"line {node.line}: shopt, which only bash knows"
        raise AtRunTimeError(why, is_faulty="e" in state.options and not state.quiet)
    names = {word for word in words[1:] if not word.startswith("-")}
    given = "".join(word[1:] for word in words[1:] if word.startswith("-"))
    changes = {"s", "u"} & set(given)
    if changes and not names <= HARMLESS | _FOLLOWED:
        raise AtRunTimeError(f"line {node.line}: shopt changes what words mean")
    kept = names & _FOLLOWED if changes else set()
    options = state.options - kept if "u" in given else state.options | kept
    status = None if "q" in given or len(words) == 1 else 0
    return machine.done(replace(state, options=options, status=status))
