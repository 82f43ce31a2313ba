"""A program's own option grammar, read as getopt_long(3) reads it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class OptionError:
    """Why the program would refuse its own command line, in its sense."""

    detail: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """Options by the letter or long name under which the program knows them, in their order; then what is left."""

    options: tuple[tuple[str, str | None], ...]
    rest: tuple[str, ...]

    def has(self, *names: str) -> bool:
        """Whether one of these options was given."""
        return any(name in names for name, _ in self.options)

    def value(self, *names: str) -> str | None:
        """The value of the last of these options, ``None`` where there is none."""
        return next((value for name, value in reversed(self.options) if name in names), None)


@dataclass(frozen=True, slots=True)
class _Long:
    name: str
    colons: int
    canonical: str


@dataclass(frozen=True, slots=True)
class Grammar:
    """``short`` as getopt(3) takes it without its leading ``+``: a letter, ``:`` for a value, ``::`` for a joined one.

    ``long`` reads the same: ``name``, ``name:`` or ``name::``, with ``>x`` where it is the same as option ``x``.
    ``permutes`` tells that options are also taken behind words that are none.
    """

    short: Mapping[str, int]
    long: tuple[_Long, ...]
    permutes: bool = False

    def parse(self, words: tuple[str, ...], until: str = "") -> Parsed | OptionError:
        """What the program makes of ``words``, its arguments without its own name; option ``until`` ends the reading."""
        options: list[tuple[str, str | None]] = []
        others: list[str] = []
        at = 0
        while at < len(words):
            word = words[at]
            if word == "--":
                return Parsed(tuple(options), (*others, *words[at + 1 :]))
            if not word.startswith("-") or word == "-":
                if not self.permutes:
                    return Parsed(tuple(options), words[at:])
                others.append(word)
                at += 1
                continue
            read = self._long(words, at) if word.startswith("--") else self._cluster(words, at)
            if isinstance(read, OptionError):
                return read
            found, at = read
            options += found
            if until and options[-1][0] == until:
                return Parsed(tuple(options), words[at:])
        return Parsed(tuple(options), tuple(others))

    def _long(self, words: tuple[str, ...], at: int) -> tuple[list[tuple[str, str | None]], int] | OptionError:
        name, equals, value = words[at][2:].partition("=")
        option = self._named(name)
        if isinstance(option, OptionError):
            return option
        if equals and not option.colons:
            return OptionError(f"option --{option.name} takes no value")
        if option.colons == 1 and not equals:
            if at + 1 >= len(words):
                return OptionError(f"option --{option.name} needs a value")
            return [(option.canonical, words[at + 1])], at + 2
        return [(option.canonical, value if equals else None)], at + 1

    def _named(self, name: str) -> _Long | OptionError:
        """The option of this name, or the only one that begins so."""
        exact = [option for option in self.long if option.name == name]
        found = exact or [option for option in self.long if option.name.startswith(name)]
        if not found:
            return OptionError(f"there is no option --{name}")
        if len({(option.colons, option.canonical) for option in found}) > 1:
            return OptionError(f"option --{name} is ambiguous")
        return found[0]

    def _cluster(self, words: tuple[str, ...], at: int) -> tuple[list[tuple[str, str | None]], int] | OptionError:
        options: list[tuple[str, str | None]] = []
        letters = words[at][1:]
        for number, letter in enumerate(letters):
            colons = self.short.get(letter)
            joined = letters[number + 1 :]
            if colons is None:
                return OptionError(f"there is no option -{letter}")
            if colons == 0:
                options.append((letter, None))
                continue
            if colons == 1 and not joined:
                if at + 1 >= len(words):
                    return OptionError(f"option -{letter} needs a value")
                return [*options, (letter, words[at + 1])], at + 2
            return [*options, (letter, joined or None)], at + 1
        return options, at + 1


def grammar(short: str, long: str = "", *, permutes: bool = False) -> Grammar:
    """A grammar from getopt's own notation; ``long`` names are separated by blanks."""
    return Grammar(
        MappingProxyType(dict(_letters(short))), tuple(_long(word) for word in long.split()), permutes=permutes
    )


def _letters(short: str) -> Iterator[tuple[str, int]]:
    for at, letter in enumerate(short):
        if letter != ":":
            after = short[at + 1 : at + 3]
            yield letter, len(after) - len(after.lstrip(":"))


def _long(word: str) -> _Long:
    spelled, _, canonical = word.partition(">")
    name = spelled.rstrip(":")
    return _Long(name, len(spelled) - len(name), canonical or name)
