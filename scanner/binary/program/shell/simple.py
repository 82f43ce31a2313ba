"""Simple commands of shell scripts: assignments, redirections, then whatever the first word names."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS
from scanner.binary.program.shell import (
    aliases,
    associative,
    builtins,
    filters,
    lookups,
    made_files,
    redirect_files,
    searching,
    shell_reading,
    starts,
    writes,
)
from scanner.binary.program.shell.associative import Table
from scanner.binary.program.shell.expand import Expander
from scanner.binary.program.shell.frames import AfterRedirect, LeaveFunction, LeaveSubshell, One, Settle, push
from scanner.binary.program.shell.state import EATEN, OWN_SCRIPT, AtRunTimeError, ShellKind, counted
from scanner.formats.shell.simple_commands import DECLARING
from scanner.formats.shell.syntax import Glob, Simple

if TYPE_CHECKING:
    from scanner.binary.program.shell.machine import Machine
    from scanner.binary.program.shell.made_files import Into
    from scanner.binary.program.shell.state import State
    from scanner.formats.shell.syntax import Assignment, Redirect, Sequence, Word

_GOING_ON = frozenset({"eval", ".", "source"})
"""Builtins that are not done when they return to us: what they run is still on the stack."""


_TERMINAL = "/dev/tty"


def opened(
    machine: Machine, words: Expander, redirects: tuple[Redirect, ...], name: str = ""
) -> tuple[State, bool, Into | None]:
    """The state behind the opening of files for a command, whether each could be opened, into which one it prints."""
    targets: list[str] = []
    if any(each.target is not None and each.target.literal == _TERMINAL for each in redirects):
        needs = "e" in words.state.options and not words.state.quiet
        if needs or name == "exec":
            raise AtRunTimeError(f"{_TERMINAL}, which only containers with a terminal can open", is_faulty=True)
    for redirect in redirects:
        if redirect.fd.startswith("{"):
            _keep_number(machine, words, redirect)
        if redirect.operator in {"&>", "&>>"} and machine.kind in {ShellKind.DASH, ShellKind.POSIX}:
            raise AtRunTimeError("&> which only bash reads as a redirection")
        if redirect.operator == "<<<" and machine.kind is not ShellKind.BASH:
            why = "<<< which not every shell reads as a redirection"
            raise AtRunTimeError(why, is_faulty=machine.kind is ShellKind.DASH)
        if redirect.target is None:
            targets.append("")
            continue
        target = words.text(redirect.target)
        targets.append(target)
        if redirect_files.fails(machine.files, words.state, redirect.operator, target):
            return words.state, False, None
        if ">" in redirect.operator and not (redirect.operator == ">&" and re.fullmatch(r"\d*-?", target)):
            made = writes.write(words.state.cwd, target)
            vague = words.state.vague or (made is not None and redirect_files.is_elsewhere(machine.files, made))
            led = redirect_files.with_led(machine.files, () if made is None else (made,))
            words.state = replace(words.state.wrote(*led), vague=vague)
    return words.state, True, made_files.into(redirects, tuple(targets))


def _keep_number(machine: Machine, words: Expander, redirect: Redirect) -> None:
    """``{name}>``: which number the file gets."""
    if machine.kind is not ShellKind.BASH:
        raise AtRunTimeError(f"{redirect.fd}{redirect.operator}, which only bash reads so", is_faulty=True)
    words.state = words.state.assigned(redirect.fd[1:-1], UNKNOWN)


def unopened(machine: Machine, state: State, name: str) -> list[State]:
    """Behind a command that was not run, for a file of its redirections could not be opened."""
    status = 2 if machine.kind is ShellKind.DASH else 1
    if name in builtins.SPECIAL and state.is_posix(machine.kind):
        return machine.exit(replace(state, gave_up="a file of a redirection cannot be opened"), status)
    return machine.done(state.with_status(status))


_READING = frozenset({"read", "mapfile", "readarray", "cat", "xargs", "env"})
_SHELLS = frozenset({"sh", "bash", "dash", "ash"})
"""Commands for which a file is looked into, and others that start one of these: it may cost one more reading of its layer."""


def fed(words: Expander, redirects: tuple[Redirect, ...], *, by_lines: bool = False) -> tuple[bool, str | None]:
    """Whether redirections give a command an input of its own, and what stands in it where that is known.

    ``by_lines`` tells that the command is one of those that read lines, so that a file is looked into.
    """
    given, text = False, None
    for redirect in redirects:
        if "<" not in redirect.operator or redirect.fd not in {"", "0"}:
            continue
        given, text = True, None
        if redirect.here is not None:
            text = words.text(redirect.here) + ("\n" if redirect.operator == "<<<" else "")
        elif redirect.operator == "<" and redirect.target is not None and redirect.target.literal == "/dev/null":
            text = ""
        elif redirect.operator == "<" and redirect.target is not None and by_lines:
            text = text_of(words, redirect.target)
        elif (number := _by_number(redirect)) is not None:
            text = words.state.opened.get(number)
    return given, text


def _by_number(redirect: Redirect) -> str | None:
    """The number of the open file that is read instead."""
    is_number = redirect.operator == "<&" and redirect.target is not None and redirect.fd in {"", "0"}
    return redirect.target.literal if is_number and redirect.target is not None else None


def file_text(words: Expander, target: Word) -> tuple[str, State]:
    """``$(<file)``: what it prints, the state behind it."""
    if redirect_files.fails(words.runner.files, words.state, "<", words.text(target)):
        return "", words.state.with_status(1)
    text = text_of(words, target)
    return (UNKNOWN if text is None else text.rstrip("\n")), words.state.with_status(0 if text is not None else None)


def read_by(body: Sequence) -> Word | None:
    """The file of bash's ``$(<file)``."""
    first = body.items[0].statement if len(body.items) == 1 else None
    if not isinstance(first, Simple) or first.words or first.assignments or len(first.redirects) != 1:
        return None
    return first.redirects[0].target if first.redirects[0].operator == "<" else None


def text_of(words: Expander, target: Word) -> str | None:
    """What the image holds in a file of few lines, ``None`` where that is not known."""
    return searching.few_lines(words.runner.files, words.state, words.text(target))


def _refuse_traces(state: State, node: Simple) -> None:
    """The shell runs commands that PS4 holds in front of each command that it traces."""
    prompt = (state.value("PS4") or "") if {"x", "xtrace"} & state.options else ""
    if "$(" in prompt or "`" in prompt:
        raise AtRunTimeError(f"line {node.line}: PS4 runs commands before each that is traced (set -x)")


def simple(machine: Machine, state: State, node: Simple) -> list[State]:
    """Run one simple command."""
    words = Expander(machine, state)
    _refuse_traces(state, node)
    node = aliases.expanded(machine, state, node)
    arguments = words.arguments(node.words)
    unopened_yet = words.state
    state, is_open, into = opened(machine, words, node.redirects, arguments[0] if arguments else "")
    words.state = state
    if not is_open:
        return unopened(machine, state, arguments[0] if arguments else "")
    if not arguments:
        if node.words and not node.assignments:
            return machine.done(state.with_status(0))
        made = _assign(machine, words, node.assignments)
        return machine.done(replace(made, status=words.status, asks=made.asks if words.status is None else None))
    if node.words[0].literal is None and not Expander(machine, state).fields(node.words[:1]):
        raise AtRunTimeError(
            f"line {node.line}: its first word is empty, so that the next one names the program", is_faulty=True
        )
    name = arguments[0]
    if name == UNKNOWN_WORDS:
        raise AtRunTimeError(f"line {node.line}: it starts what its words become", word=name)
    prints = made_files.begun(words.state, into).is_read
    has_shell = any(word.rpartition("/")[2] in _SHELLS for word in arguments)
    by_lines = has_shell or name in _READING or ((name in filters.NAMES or name == "envsubst") and prints)
    has_input, text = fed(words, node.redirects, by_lines=by_lines)
    muted = any(mutes(redirect) for redirect in node.redirects)
    if not has_input and not muted:
        return command(machine, words.state, words, arguments, node)
    goes_on = name in state.functions or name in _GOING_ON
    if goes_on:
        words.state = replace(words.state, stack=push(AfterRedirect(state, muted, has_input), state.stack))
    if name == "exec":
        _refuse_exec(state, node, muted=muted, has_input=has_input)
    given = replace(words.state, input=text if has_input else words.state.input)
    into = None if goes_on or name == "exec" else into
    words.state = given = made_files.begun(given, into)
    following = command(machine, given, words, arguments, node)
    if goes_on or name == "exec":
        return following
    following = [made_files.ended(machine.files, each, unopened_yet, into) for each in following]
    following = _read_on(following, node)
    return [_unfed(each, state, muted=muted, has_input=has_input) for each in following]


def _read_on(states: list[State], node: Simple) -> list[State]:
    """The states behind a command that may have read of a file by its number."""
    number = next((found for each in reversed(node.redirects) if (found := _by_number(each)) is not None), None)
    return states if number is None else [replace(e, opened={**e.opened, number: e.input}) for e in states]


def _refuse_exec(state: State, node: Simple, *, muted: bool, has_input: bool) -> None:
    """What it redirects stays so for the shell itself."""
    if has_input and state.input in {OWN_SCRIPT, EATEN}:
        raise AtRunTimeError(f"line {node.line}: exec gives the shell another text to read")
    if muted and state.captures and not state.into:
        raise AtRunTimeError(f"line {node.line}: exec sends elsewhere what a word captures")


def mutes(redirect: Redirect) -> bool:
    """Whether what a command prints goes elsewhere than into the word that captures it."""
    return ">" in redirect.operator and redirect.fd in {"", "1"}


def _unfed(after: State, before: State, *, muted: bool, has_input: bool) -> State:
    output = before.output if muted else after.output
    return replace(after, output=output, input=before.input if has_input else after.input)


def command(machine: Machine, state: State, words: Expander, arguments: tuple[str, ...], node: Simple) -> list[State]:
    """Whatever a command's first word names: a builtin, a function, a program."""
    name = arguments[0]
    if name in state.functions and not (name in builtins.SPECIAL and machine.kind is not ShellKind.BASH):
        return _call(_given(machine, words, state, node), state, name, arguments[1:])
    if any(each.elements is not None for each in node.assignments) and name in DECLARING:
        return builtins.BUILTINS[name](machine, words.state, arguments, node)
    if builtins.is_known_to(machine.kind, name):
        temporary = _assign(machine, words, node.assignments, exported=name == "exec") if node.assignments else state
        made = builtins.BUILTINS[name](machine, temporary, arguments, node)
        if node.assignments and name not in builtins.SPECIAL:
            names = {assignment.name for assignment in node.assignments}
            made = [_restored(each, state, names) for each in made]
        return made
    if (handled := _not_found(machine, state, arguments, node)) is not None:
        return handled
    return starts.external(machine, _assign(machine, words, node.assignments, exported=True), state, arguments, node)


_HANDLER = "command_not_found_handle"


def _not_found(machine: Machine, state: State, arguments: tuple[str, ...], node: Simple) -> list[State] | None:
    """What bash does in a subshell where it finds no program and its script has a function for that."""
    name = arguments[0]
    if machine.kind is not ShellKind.BASH or _HANDLER not in state.functions or "/" in name:
        return None
    found = lookups.located(machine.files, state, name)
    if found is None:
        raise AtRunTimeError(f"line {node.line}: whether {name} is found, else {_HANDLER} runs")
    if found:
        return None
    leave = push(LeaveSubshell(state), state.stack)
    before = replace(state, stack=leave)
    return _call(replace(before, local=()), before, _HANDLER, arguments)


def _assign(machine: Machine, words: Expander, assignments: tuple[Assignment, ...], *, exported: bool = False) -> State:
    for each in (replace(each, name=words.state.led(each.name)) for each in assignments):
        if each.elements is not None:
            words.state = array(machine, words, each)
            continue
        if each.subscript is not None:
            words.state = _element(machine, words, each)
            continue
        value = words.text(each.value)
        if each.append:
            value = (words.state.value(each.name) or "") + value
        words.state = words.state.assigned(each.name, value)
        if exported:
            words.state = replace(words.state, exported=words.state.exported | {each.name})
    return words.state


def _element(machine: Machine, words: Expander, each: Assignment) -> State:
    """One element of an array that has no gaps; of any other nothing is known any more."""
    if machine.kind is not ShellKind.BASH:
        why = f"the array {each.name}, which this shell does not know"
        raise AtRunTimeError(why, is_faulty=machine.kind is ShellKind.DASH)
    if each.name in words.state.readonly:
        raise AtRunTimeError(f"the array {each.name} is changed, which is read-only", is_faulty=True)
    before = words.state.arrays.get(each.name, ())
    if isinstance(before, Table):
        named = associative.name_in(words, each.subscript or "")
        value = words.text(each.value)
        made = associative.UNKNOWN_TABLE if each.append else before.with_element(named, value)
        return replace(words.state, arrays={**words.state.arrays, each.name: made})
    if each.name not in words.state.arrays and words.state.value(each.name) is not None:
        raise AtRunTimeError(f"an element of {each.name}, which is no array")
    value = words.text(each.value)
    at = words.index(each.subscript or "")
    if not counted(before) or at is None or not 0 <= at <= len(before) or each.append:
        elements: tuple[str, ...] = (UNKNOWN_WORDS,)
    else:
        elements = (*before[:at], value, *before[at + 1 :])
    return replace(words.state, arrays={**words.state.arrays, each.name: elements})


def array(machine: Machine, words: Expander, each: Assignment, *, by_name: bool = False) -> State:
    """``name=( … )``; nothing is known of the elements of one whose subscripts are names, or are given."""
    if machine.kind is not ShellKind.BASH:
        why = f"the array {each.name}, which this shell does not know"
        raise AtRunTimeError(why, is_faulty=machine.kind is ShellKind.DASH)
    if each.name in words.state.readonly:
        raise AtRunTimeError(f"the array {each.name} is changed, which is read-only", is_faulty=True)
    elements = each.elements or ()
    there = words.state.arrays.get(each.name, ())
    if by_name or isinstance(there, Table):
        entries = there.entries if each.append and isinstance(there, Table) else {}
        table = associative.made_of(words, elements, entries)
        return shell_reading.with_array(words.state, each.name, table)
    if any(isinstance(word.parts[0], Glob) and word.parts[0].text == "[" for word in elements if word.parts):
        for word in elements:
            words.text(word)  # for what it runs and assigns
        values: tuple[str, ...] = (UNKNOWN_WORDS,)
    else:
        values = words.fields(elements)
    appends = each.append and values != (UNKNOWN_WORDS,)
    before = words.state.arrays.get(each.name, ()) if appends else ()
    if appends and each.name not in words.state.arrays and words.state.value(each.name) is not None:
        before = (UNKNOWN_WORDS,)
    variables = {key: value for key, value in words.state.variables.items() if key != each.name}
    return replace(words.state, arrays={**words.state.arrays, each.name: (*before, *values)}, variables=variables)


def _given(machine: Machine, words: Expander, state: State, node: Simple) -> State:
    """The state in which a function begins: what stands in front of its name is its own, and exported."""
    given = replace(words.state, local=())
    for each in node.assignments:
        if each.elements is not None or each.subscript is not None:
            raise AtRunTimeError(f"line {node.line}: a function that is given an array")
        given = given.hidden(each.name)
    words.state = given
    return _assign(machine, words, node.assignments, exported=True) if node.assignments else replace(state, local=())


def _call(given: State, state: State, name: str, arguments: tuple[str, ...]) -> list[State]:
    """Call a function in a state of its own, from another one."""
    settled = push(Settle(state.quiet), state.stack)
    leave = push(LeaveFunction(state.positional, state.local, name), settled)
    body = push(One(state.functions[name]), leave)
    return [replace(given, stack=body, positional=arguments)]


def _restored(state: State, before: State, names: set[str]) -> State:
    variables = {**state.variables}
    for name in names:
        if name in before.variables:
            variables[name] = before.variables[name]
        else:
            variables.pop(name, None)
    return replace(state, variables=variables)
