"""The words of an ssh command line, as ssh itself reads them."""

from __future__ import annotations

from dataclasses import dataclass, field

from scanner.inventory.ssh_config.connection_options import FAMILY, WANTED, NotUnderstoodError, Options, Setting, quoted
from scanner.inventory.ssh_config.lines import split_keyword

_WITH_VALUE = "bceilmopwBDEFIJLOPQRSW"
"""Options of ssh(1) that take a value."""

_WITHOUT_VALUE = "1246afgknqstvxACGKMNTVXYy"

_FAMILIES = {"4": "inet", "6": "inet6"}

_KEYS = {"p": "port", "l": "user", "J": "proxyjump"}


@dataclass(slots=True)
class CommandLine:
    """What a command line says: ``words`` are the destination with the command, ``forward`` is the value of ``-W``.

    ``config`` is the value of ``-F``, the file that ssh would read; ``jumps`` tells that ``-J`` was given, ``family`` is what
    ``-4`` or ``-6`` says, which counts before any ``AddressFamily``.
    """

    options: Options = field(default_factory=Options)
    words: list[str] = field(default_factory=list)
    forward: str = ""
    config: str | None = None
    jumps: bool = False
    family: Setting | None = None


def second_jump(place: str) -> NotUnderstoodError:
    """What ssh says of ``-J`` behind a bastion that was named before."""
    return NotUnderstoodError(f"{place}: ssh takes no -J beside another ProxyJump or ProxyCommand")


def parse(arguments: list[str], place: str) -> CommandLine:
    """The command line behind ``ssh``; options may follow the destination, up to the command.

    Raises:
        NotUnderstoodError: an option that ssh does not have, or one without its value.
    """
    line = CommandLine()
    at = 0
    while at < len(arguments):
        word = arguments[at]
        at += 1
        if line.words[1:] or word == "--" or len(word) == 1 or not word.startswith("-"):
            line.words += [word] if word != "--" or line.words[1:] else []
            continue
        for position, letter in enumerate(word[1:], start=2):
            if letter in _WITHOUT_VALUE:
                if letter in _FAMILIES:
                    line.family = Setting(FAMILY, _FAMILIES[letter], place)
                continue
            if letter not in _WITH_VALUE:
                raise NotUnderstoodError(f"{place}: ssh has no option -{letter}")
            value = word[position:]
            if not value and at >= len(arguments):
                raise NotUnderstoodError(f"{place}: the option -{letter} of ssh lacks its value")
            if not value:
                value, at = arguments[at], at + 1
            _take(line, letter, value, place)
            break
    if line.family is not None:
        line.options.first[FAMILY] = line.family
    return line


def _take(line: CommandLine, letter: str, value: str, place: str) -> None:
    options = line.options
    if letter == "W":
        line.forward = value
    elif letter == "F":
        line.config = value
    elif letter == "i":
        options.take(Setting("identityfile", quoted(value), place))
    elif letter == "J" and "proxy" in options.first:
        raise second_jump(place)
    elif letter in _KEYS:
        line.jumps = line.jumps or letter == "J"
        options.take(Setting(_KEYS[letter], value if letter == "J" else quoted(value), place))
    elif letter == "o":
        key, rest = split_keyword(value)
        if key in WANTED:
            options.take(Setting(key, rest, place))
