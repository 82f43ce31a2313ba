"""Ways through a script that have come to the same place, made one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS
from scanner.binary.program.shell.frames import Hidden
from scanner.binary.program.shell.state import EATEN, AtRunTimeError, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.binary.program.shell.state import AtRunTime, External
    from scanner.binary.program.shell.writes import Write

MAX_WAYS = 12
"""Ways in the same place that are told apart; beyond it what differs between them is not known."""

_COMPARED = (
    "status", "positional", "cwd", "externals", "last", "background", "asked", "variables", "written", "output", "input", "captures", "into", "exported",
    "arrays", "options", "quiet", "functions", "exit_trap", "execd", "local", "arg0", "file", "substituted",
    "gave_up", "readonly", "replaced", "beside", "vague", "doubt", "early", "aliases", "opened",
)  # fmt: skip
"""All of a state but its stack and what it needs; what differs most often comes first."""

MAX_PLACES = 256
"""Ways of one height: each step looks at all of them."""


def joined(states: list[State]) -> list[State]:
    """The states of one height, equal ones once; too many in one place become one that knows less."""
    if len(states) == 1:
        return states
    places: list[list[State]] = []
    for state in states:
        place = next((p for p in places if p[0].stack.same(state.stack)), None)
        if place is None:
            places.append([state])
            continue
        same = next((at for at, each in enumerate(place) if _equal(state, each)), None)
        if same is None:
            place.append(state)
        else:
            place[same] = _met(place[same], state)
    made: list[State] = []
    for place in places:
        made.extend([_widened(place)] if len(place) > MAX_WAYS else place)
    if len(made) > MAX_PLACES:
        raise AtRunTimeError(f"there are more than {MAX_PLACES} ways through it")
    return made


def _equal(one: State, other: State) -> bool:
    return one is other or all(
        getattr(one, name) == getattr(other, name)
        or (name in _STARTED and _same(getattr(one, name), getattr(other, name)))
        for name in _COMPARED
    )


_STARTED = frozenset({"externals", "background", "asked"})
"""Programs of which it does not matter how often each was started."""


def _same(one: tuple[External, ...], other: tuple[External, ...]) -> bool:
    """Whether the same programs were started, the last ones in the same order."""
    return bool(one) and bool(other) and one[-1] == other[-1] and _last_ones(one) == _last_ones(other)


def _last_ones(started: tuple[External, ...]) -> tuple[object, ...]:
    names = (
        (each.command.argv, each.command.path, each.command.cwd, each.missing, each.breaks) for each in started[::-1]
    )
    return tuple(dict.fromkeys(names))


def _met(one: State, other: State) -> State:
    """Two ways that differ in nothing but in what they need: nobody knows which was taken."""
    if one is other:
        return one
    one, other = (one, other) if len(one.externals) >= len(other.externals) else (other, one)
    if one.needs == other.needs and one.asks == other.asks:
        return one
    return replace(one, needs=common_needs(one, other), asks=one.asks if one.asks == other.asks else None)


def common_needs(one: State, other: State) -> tuple[External, ...]:
    """What both ways need."""
    return tuple(each for each in one.needs if each in other.needs)


def _widened(states: Sequence[State]) -> State:
    """One state that stands for all: what differs is not known."""
    first = states[0]
    for other in states[1:]:
        if any(
            getattr(first, name) != getattr(other, name)
            for name in (
                "options",
                "functions",
                "file",
                "arg0",
                "execd",
                "exit_trap",
                "quiet",
                "captures",
                "into",
                "readonly",
                "aliases",
                "opened",
            )
        ):
            raise AtRunTimeError(f"there are more than {MAX_WAYS} ways through it, which differ in more than words")
        names = set(first.variables) | set(other.variables)
        variables = {
            name: first.variables.get(name)
            if name in first.variables and name in other.variables and first.variables[name] == other.variables[name]
            else UNKNOWN
            for name in names
        }
        first = replace(
            first,
            local=_hidden(first, other),
            arrays=_arrays(first, other),
            variables=variables,
            exported=first.exported | other.exported,
            positional=_common(first.positional, other.positional),
            cwd=first.cwd if first.cwd == other.cwd else UNKNOWN,
            status=first.status if first.status == other.status else None,
            externals=_both(first.externals, other.externals),
            background=_both(first.background, other.background),
            asked=_both(first.asked, other.asked),
            last=first.last or other.last,
            replaced=first.replaced or other.replaced,
            beside=first.beside if first.beside == other.beside else None,
            needs=common_needs(first, other),
            asks=first.asks if first.asks == other.asks else None,
            input=first.input if first.input == other.input else EATEN if EATEN in {first.input, other.input} else None,
            written=joined_writes((first, other)),
            vague=first.vague or other.vague,
            doubt=first.doubt or other.doubt,
            early=first.early and other.early,
            output=first.output if first.output == other.output else UNKNOWN,
        )
    return first


def joined_writes(ways: Sequence[State | AtRunTime], before: tuple[Write, ...] = ()) -> tuple[Write, ...]:
    """What either way may have changed; what not all have surely put in place is not sure, unless it was so ``before``."""
    known = [way.written for way in ways if isinstance(way, State)]
    shared = {*before, *(set(known[0]).intersection(*known) if len(known) == len(ways) > 0 else ())}
    return tuple(dict.fromkeys(each if each in shared else each.unsure for written in known for each in written))


def _arrays(one: State, other: State) -> dict[str, tuple[str, ...]]:
    """The arrays of two ways, of those that differ nothing but their names."""
    names = set(one.arrays) | set(other.arrays)
    return {
        name: one.arrays[name]
        if name in one.arrays and one.arrays[name] == other.arrays.get(name)
        else (UNKNOWN_WORDS,)
        for name in names
    }


def _hidden(one: State, other: State) -> tuple[Hidden, ...]:
    """What comes back behind a function that two ways are in; of what one way alone has made local nothing is known."""
    mine, theirs = ({each.name: each for each in state.local} for state in (one, other))
    return tuple(_of_either(name, mine.get(name), theirs.get(name)) for name in {**mine, **theirs})


def _of_either(name: str, one: Hidden | None, other: Hidden | None) -> Hidden:
    if one is None or other is None:
        return Hidden(name, UNKNOWN, was_set=True, exported=True, elements=None)
    elements = one.elements if one.elements == other.elements else (UNKNOWN_WORDS,)
    value = one.value if (one.value, one.was_set) == (other.value, other.was_set) else UNKNOWN
    return Hidden(name, value, one.was_set or other.was_set, one.exported or other.exported, elements)


def _both(one: tuple[External, ...], other: tuple[External, ...]) -> tuple[External, ...]:
    """The programs of two ways; those of one alone stand in front, where they do not do the work."""
    if one == other:
        return one
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    return (*(each for each in shorter if each not in longer), *longer)


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    if one == other:
        return one
    if len(one) == len(other):
        pairs = zip(one, other, strict=True)
        return tuple(a if a == b else UNKNOWN_WORDS if UNKNOWN_WORDS in {a, b} else UNKNOWN for a, b in pairs)
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    return (*one[:same], UNKNOWN_WORDS)
