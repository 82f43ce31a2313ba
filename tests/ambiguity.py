"""Whether a regular expression can cost more than time in proportion: by its automaton, which no busy machine slows.

A matcher that goes back costs the square where the same text can be shared out between two loops in many ways: where
loops ``p`` and ``q`` and a text ``v`` exist with which ``p`` comes back to ``p``, ``p`` gets to ``q`` and ``q`` back to
``q`` (Weber and Seidl, *On the degree of ambiguity of finite automata*, 1991). Who seeks begins with a loop over
everything. Repetitions with a bound count as a few; an assertion about more than one character counts as true.
"""

from __future__ import annotations

import re
from re import _constants as codes  # type: ignore[attr-defined]  # the tree of an expression has no public reader
from re import _parser as parser  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MANY = 1000
"""A greater bound is as good as none."""

CHARACTERS = (*map(chr, range(128)), "\x85", "\xa0", "\xe9", "\u0130", "\u0661", "\u2018", "\u2019", "\ufeff")
"""ASCII, then some of each kind that categories tell apart."""

NOTHING = "\0\0"
"""Stands before the first character."""

_CATEGORIES = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}

Characters = frozenset[str]
Holds = "Callable[[str, str], bool]"


class _Edge(NamedTuple):
    """To where one gets without a character, if what is before and what comes next allow it."""

    holds: Callable[[str, str], bool] | None
    to: int


class Automaton:
    """The states of an expression: those that read a character, and the ways between them."""

    def __init__(self, pattern: re.Pattern[Any], *, sought: bool, whole: bool) -> None:
        self.reads: dict[int, Characters] = {}
        self.ways: list[list[_Edge]] = []
        self._flags, self._is_bytes = pattern.flags, isinstance(pattern.pattern, bytes)
        start, self.end = self._state(), self._state()
        self._put(parser.parse(pattern.pattern, pattern.flags), start, self.end)
        self.everything = frozenset(CHARACTERS)
        self.whole = whole
        self.first = self._state()
        self.seeking = -1
        if sought:
            loop = self.seeking = self._state()
            self.reads[loop] = self.everything
            self._way(self.first, loop)
            self._way(self.first, start)
            self._way(loop, self.first)
        else:
            self._way(self.first, start)
        self.kinds = self._kinds()
        self._known: dict[tuple[int, str, str], dict[int, int]] = {}

    def _state(self) -> int:
        self.ways.append([])
        return len(self.ways) - 1

    def _way(self, start: int, end: int, holds: Callable[[str, str], bool] | None = None) -> None:
        self.ways[start].append(_Edge(holds, end))

    def _kinds(self) -> tuple[str, ...]:
        """One character of each sort that this expression tells apart."""
        sets = [*self.reads.values(), _class(r"\w"), frozenset("\n")]
        found: dict[tuple[bool, ...], str] = {}
        for char in CHARACTERS:
            found.setdefault((*(char in each for each in sets), *(char in each for each in self._asserted)), char)
        return tuple(found.values())

    _asserted: tuple[Characters, ...] = ()

    def _put(self, tree: Iterable[tuple[Any, Any]], start: int, end: int) -> None:
        at = start
        for op, value in tree:
            after = self._state()
            self._one(op, value, at, after)
            at = after
        self._way(at, end)

    def _one(self, op: Any, value: Any, start: int, end: int) -> None:
        read = self._set(op, value)
        if read is not None:
            self.reads[start] = read
            self._way(start, end)
            return
        match str(op):
            case "BRANCH":
                for branch in value[1]:
                    self._branch(branch, start, end)
            case "SUBPATTERN":
                flags, self._flags = self._flags, (self._flags | value[1]) & ~value[2]
                self._branch(value[3], start, end)
                self._flags = flags
            case "ATOMIC_GROUP":
                self._branch(value, start, end)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                self._repeat(*value, start, end, possessive=str(op) == "POSSESSIVE_REPEAT")
            case "ASSERT" | "ASSERT_NOT":
                self._way(start, end, self._assertion(value, expected=str(op) == "ASSERT"))
            case "AT":
                self._way(start, end, _boundary(str(value), self._flags))
            case "GROUPREF" | "GROUPREF_EXISTS":
                self._way(start, end)
            case unknown:
                raise NotImplementedError(unknown)

    def _branch(self, tree: Iterable[tuple[Any, Any]], start: int, end: int) -> None:
        inner = self._state()
        self._way(start, inner)
        self._put(tree, inner, end)

    def _repeat(self, least: int, most: Any, body: Any, start: int, end: int, *, possessive: bool) -> None:
        at = start
        for _ in range(min(least, 3)):
            after = self._state()
            self._branch(body, at, after)
            at = after
        leaves = None
        if possessive and len(body) == 1 and (read := self._set(*body[0])) is not None:
            self._asserted = (*self._asserted, read)
            leaves = lambda _before, then: then not in read  # noqa: E731  # nothing is given back
        if most == codes.MAXREPEAT or most > MANY:
            loop = self._state()
            self._way(at, loop)
            self._branch(body, loop, loop)
            self._way(loop, end, leaves)
            return
        if most > least:
            self._branch(body, at, end)
        self._way(at, end)

    def _set(self, op: Any, value: Any) -> Characters | None:
        """What a single character may be; ``None`` where this reads none, or more."""
        match str(op):
            case "LITERAL":
                return self._folded({chr(value)})
            case "NOT_LITERAL":
                return frozenset(CHARACTERS) - self._folded({chr(value)})
            case "ANY":
                return frozenset(CHARACTERS) - (set() if self._flags & re.DOTALL else {"\n"})
            case "IN":
                inside: set[str] = set()
                for kind, what in value:
                    if str(kind) == "LITERAL":
                        inside.add(chr(what))
                    elif str(kind) == "RANGE":
                        inside |= {char for char in CHARACTERS if what[0] <= ord(char) <= what[1]}
                    elif str(kind) == "CATEGORY":
                        inside |= self._category(str(what))
                found = self._folded(inside)
                return frozenset(CHARACTERS) - found if str(value[0][0]) == "NEGATE" else found
        return None

    def _category(self, name: str) -> Characters:
        kind = _class(_CATEGORIES[name.rpartition("_")[2]], re.ASCII if self._flags & re.ASCII or self._is_bytes else 0)
        return frozenset(CHARACTERS) - kind if "_NOT_" in name else kind

    def _folded(self, chars: set[str]) -> Characters:
        if self._flags & re.IGNORECASE:
            chars |= {char.swapcase() for char in chars}
        return frozenset(chars)

    def _assertion(self, value: Any, *, expected: bool) -> Callable[[str, str], bool] | None:
        direction, tree = value
        read = self._set(*tree[0]) if len(tree) == 1 else None
        if read is None:
            return None
        self._asserted = (*self._asserted, read)
        if direction > 0:
            return lambda _before, then: (then in read) is expected
        return lambda before, _then: (before in read) is expected

    def leads(self, state: int, before: str, then: str) -> dict[int, int]:
        """The readers that are reached from a state without a character, each with the number of ways to it."""
        key = (state, before, then)
        if key not in self._known:
            found: dict[int, int] = {}
            self._lead(state, before, then, frozenset(), found)
            self._known[key] = found
        return self._known[key]

    def _lead(self, state: int, before: str, then: str, passed: frozenset[int], found: dict[int, int]) -> None:
        if state in self.reads:
            if then in self.reads[state]:
                found[state] = min(2, found.get(state, 0) + 1)
            return
        for holds, to in self.ways[state]:
            if to not in passed and (holds is None or holds(before, then)):
                self._lead(to, before, then, passed | {to}, found)

    def step(self, reader: int, char: str, then: str) -> dict[int, int]:
        """Where one is that has read this character, if ``then`` comes next."""
        return self.leads(self.ways[reader][0].to, char, then)

    def can_end(self, reader: int) -> bool:
        """Whether nothing more is needed behind what a reader has read, whatever follows."""
        waiting, seen = [self.ways[reader][0].to], set[int]()
        while waiting:
            state = waiting.pop()
            if state == self.end:
                return True
            if state not in seen and state not in self.reads:
                seen.add(state)
                waiting += [to for holds, to in self.ways[state] if holds is None]
        return False


def _class(text: str, flags: int = 0) -> Characters:
    return frozenset(char for char in CHARACTERS if re.fullmatch(text, char, flags))


def _boundary(name: str, flags: int) -> Callable[[str, str], bool] | None:
    word = _class(r"\w")
    match name:
        case "AT_BOUNDARY":
            return lambda before, then: (before in word) is not (then in word)
        case "AT_BEGINNING" if flags & re.MULTILINE:
            return lambda before, _then: before in {NOTHING, "\n"}
        case "AT_BEGINNING" | "AT_BEGINNING_STRING":
            return lambda before, _then: before == NOTHING
        case "AT_NON_BOUNDARY":
            return lambda before, then: (before in word) is (then in word)
    return lambda _before, _then: False  # the end, behind which nothing goes round


def doubt(pattern: re.Pattern[Any], *, sought: bool, whole: bool) -> str:
    """Words about the text that costs the square or more; empty where none does.

    Args:
        pattern: the expression.
        sought: whether it may begin anywhere (``search``, ``sub``, ``split``, ``finditer``).
        whole: whether it must reach the end (``fullmatch``).
    """
    if not _has_loop(parser.parse(pattern.pattern, pattern.flags)):
        return ""
    machine = Automaton(pattern, sought=sought, whole=whole)
    loops = _loops(machine)
    for q, component in loops.items():
        if _never_fails(machine, q):
            continue
        if text := _twice(machine, q, component):
            return f"{text!r} goes round in two ways"
        for p, others in loops.items():
            if q not in others and (text := _shared(machine, p, others, q, component)):
                return f"{text!r} is shared out between two loops"
    return ""


def _has_loop(tree: Iterable[Any]) -> bool:
    """Whether anything in it is repeated without a bound."""
    for op, value in tree:
        if str(op) in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"} and (
            value[1] == codes.MAXREPEAT or value[1] > MANY or _has_loop(value[2])
        ):
            return True
        match str(op):
            case "BRANCH" if any(map(_has_loop, value[1])):
                return True
            case "SUBPATTERN" if _has_loop(value[3]):
                return True
            case "ATOMIC_GROUP" if _has_loop(value):
                return True
    return False


def _graph(machine: Automaton) -> dict[int, set[int]]:
    ahead: dict[int, set[int]] = {}
    for reader, chars in machine.reads.items():
        ahead[reader] = {
            to
            for char in machine.kinds
            if char in chars
            for then in machine.kinds
            for to in machine.step(reader, char, then)
        }
    return ahead


def _loops(machine: Automaton) -> dict[int, frozenset[int]]:
    """Each reader that can come back to itself, with all that lie on such ways."""
    ahead = _graph(machine)
    reached = {reader: _reached(reader, ahead) for reader in ahead}
    return {
        one: frozenset(other for other in reached[one] if one in reached[other])
        for one in reached
        if one in reached[one]
    }


def _reached(start: int, ahead: dict[int, set[int]]) -> set[int]:
    found: set[int] = set()
    waiting = [start]
    while waiting:
        for to in ahead[waiting.pop()]:
            if to not in found:
                found.add(to)
                waiting.append(to)
    return found


def _never_fails(machine: Automaton, q: int) -> bool:
    """Whether whoever goes round here has matched, whatever follows: nothing is gone back for."""
    return machine.can_end(q) and (not machine.whole or machine.reads[q] == machine.everything)


def _moves(machine: Automaton, at: tuple[int, ...], char: str, then: str) -> Iterator[tuple[int, ...]]:
    """Every next place of each of those who read the same character."""
    made: list[tuple[int, ...]] = [()]
    for reader in at:
        if char not in machine.reads[reader]:
            return
        made = [(*each, to) for each in made for to in machine.step(reader, char, then)]
    yield from made


def _walk(
    machine: Automaton, start: tuple[int, ...], goal: tuple[int, ...], within: tuple[frozenset[int] | None, ...]
) -> str:
    """A text with which all of ``start`` get to ``goal``, each within its own states; empty where there is none."""
    first = [(start, char, "") for char in machine.kinds]
    seen = {(at, char) for at, char, _ in first}
    waiting = first
    while waiting:
        at, char, text = waiting.pop()
        for then in machine.kinds:
            for to in _moves(machine, at, char, then):
                if any(room is not None and one not in room for one, room in zip(to, within, strict=True)):
                    continue
                if to == goal and then == (text + char)[0]:
                    return text + char
                if (to, then) not in seen:
                    seen.add((to, then))
                    waiting.append((to, then, text + char))
    return ""


def _shared(machine: Automaton, p: int, of_p: frozenset[int], q: int, of_q: frozenset[int]) -> str:
    on_the_way: frozenset[int] | None = None
    if p == machine.seeking and not machine.whole:  # who has matched once does not begin again within the same text
        on_the_way = frozenset(reader for reader in machine.reads if not machine.can_end(reader))
        of_q &= on_the_way
        if q not in of_q:
            return ""
    return _walk(machine, (p, p, q), (p, q, q), (of_p, on_the_way, of_q))


def _twice(machine: Automaton, q: int, component: frozenset[int]) -> str:
    """A text that leads from a reader back to itself in two ways."""
    for char in machine.reads[q] & set(machine.kinds):
        for then in machine.kinds:
            doubled = machine.step(q, char, then)
            if any(count > 1 and to in component for to, count in doubled.items()):
                return char
            inside = [to for to in doubled if to in component]
            for one in inside:
                for other in inside:
                    if one < other and (text := _walk(machine, (one, other), (q, q), (component, component))):
                        return char + text
    return ""
