"""Follows the commands that a shell does itself, for what they change in it."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scanner.probe.planned.commands import script_numbers, script_options
from scanner.probe.planned.commands.script_shell import may_be_several
from scanner.probe.planned.unknown_text import UNKNOWN, is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.probe.planned.commands.script_shell import Shell, Variable

MAX_COUNT_DIGITS = 3
"""Of ``shift``: no command has a thousand words that somebody wrote."""

DECLARE = frozenset({"export", "readonly", "local", "declare", "typeset"})

SPECIAL = frozenset({
    ":", ".", "source", "eval", "export", "readonly", "set", "shift", "trap", "unset", "times", "return", "exit", "break",
    "continue",
})  # fmt: skip
"""Commands in front of which an assignment stays, by POSIX; bash takes it back, but where it is to follow POSIX."""

_EVERYWHERE = frozenset({"export", "readonly"})
_ODD = frozenset({"nocasematch", "lastpipe", "execfail"})
_ALTERING = frozenset("niulcA")
"""Options of ``declare`` by which a variable is another's name, a number, in small or capital letters, an array by names."""


def placed(shell: Shell, path: str) -> str:
    """A path as the shell finds it from where it is."""
    return posixpath.normpath(posixpath.join(shell.texts.get("PWD", ""), path))


def declare(shell: Shell, words: tuple[str, ...], hidden: dict[str, Variable] | None) -> None:
    """``local``, ``export`` with their like; ``hidden`` takes what a function's own variables hide until it returns."""
    options = "".join(word for word in words[1:] if word.startswith("-"))
    unexports = words[0] == "export" and "n" in options
    for word in words[1:]:
        name, equals, text = word.partition("=")
        is_more, name = name.endswith("+"), name.removesuffix("+")
        if not name.isidentifier():
            shell.forget({"*"} if not is_known(name) else ())
            unexports = unexports or (word[:1] == "+" and "x" in word)
            continue
        is_hidden = hidden is not None and words[0] not in _EVERYWHERE and "g" not in options
        if hidden is not None and is_hidden and name not in shell.constant:
            hidden.setdefault(name, *shell.held((name,)).values())
            if not equals:
                _begin(shell, name)
        if words[0] not in _EVERYWHERE and _ALTERING.intersection(options):
            shell.altered |= {name, text} if "n" in options else {name}
            shell.forget({name, text} & shell.altered)
        elif equals:
            shell.put(name, UNKNOWN if is_more else text)
        if words[0] == "readonly" or "r" in options:
            shell.constant.add(name)
        if words[0] == "export" or "x" in options or unexports:
            shell.export(name, is_exported=not unexports)


def _begin(shell: Shell, name: str) -> None:
    """A function's own variable without a value: bash begins with none, dash with that of outside."""
    if shell.is_bash:
        shell.texts.pop(name, None)
        shell.arrays.pop(name, None)
        shell.own.discard(name)
    elif name in shell.texts:
        shell.forget({name})


def renamed(words: tuple[str, ...]) -> list[str]:
    """What is said of ``alias``, which dash follows and bash does not; of ``hash -p``; of functions that are exported."""
    options = "".join(word for word in words[1:] if word[:1] == "-")
    if words[0] in {"alias", "hash"}:
        is_one = "p" in options if words[0] == "hash" else any("=" in word for word in words)
    else:
        is_one = "f" in options and (words[0] == "export" or "x" in options)
    return [f"its script gives commands other names by {words[0]}"] if is_one else []


def _read(shell: Shell, words: tuple[str, ...]) -> None:
    """``read``, ``mapfile`` with their like set the variables that they name."""
    is_open = not all(map(is_known, words))
    shell.forget({word for word in words[1:] if word.isidentifier()} | {"REPLY", "MAPFILE", *("*" if is_open else "")})


def _getopts(shell: Shell, words: tuple[str, ...]) -> None:
    script_options.getopts(shell, words)


def _print(shell: Shell, words: tuple[str, ...]) -> None:
    """``printf -v`` sets a variable."""
    if words[1:2] == ("-v",) and words[2:]:
        shell.forget({words[2].partition("[")[0] if is_known(words[2]) else "*"})


def _set(shell: Shell, words: tuple[str, ...]) -> None:
    rest = list(words[1:])
    while rest and rest[0][:1] in {"-", "+"} and rest[0] not in {"-", "--"}:
        option = rest.pop(0)
        if option[1:2] != "-" and "a" in option:
            shell.exports_all = option[0] == "-"
        if option[-1] == "o" and rest and rest.pop(0) == "allexport":
            shell.exports_all = option[0] == "-"
    if rest:
        has_end = rest[0] in {"--", "-"}
        shell.parameters = (*(shell.parameters or ("",))[:1], *rest[has_end:])


def _shift(shell: Shell, words: tuple[str, ...]) -> None:
    count = words[1] if words[1:] else "1"
    given = shell.parameters
    at = 1 + int(count) if count.isascii() and count.isdigit() and len(count) <= MAX_COUNT_DIGITS else 0
    if given is None or not at or any(map(may_be_several, given[1:at])):
        shell.parameters = None
    elif at <= len(given):  # else bash leaves all, dash ends
        shell.parameters = (*given[:1], *given[at:])


def _unset(shell: Shell, words: tuple[str, ...]) -> None:
    for each in words[1:]:
        shell.forget({"*"} if not is_known(each) else {each.partition("[")[0]} if "[" in each else ())
        shell.drop(each)
        if "-f" in words:
            shell.functions.pop(each, None)


def _change_directory(shell: Shell, words: tuple[str, ...]) -> None:
    where = next((word for word in words[1:] if word not in {"-P", "-L", "--"}), UNKNOWN)
    place = placed(shell, where)
    is_there = is_known(where) and where not in {"", "-"} and place.startswith("/")
    shell.put("PWD", place if is_there else UNKNOWN)
    shell.put("OLDPWD", UNKNOWN)
    shell.exported.add("PWD")


def _shopt(shell: Shell, words: tuple[str, ...]) -> None:
    """Options by which bash takes tests, pipes, ``exec`` otherwise."""
    shell.is_odd = shell.is_odd or any(word in _ODD or not is_known(word) for word in words[1:])


def _let(shell: Shell, words: tuple[str, ...]) -> None:
    for word in words[1:]:
        script_numbers.stated(shell, word)


SETTERS: Mapping[str, Callable[[Shell, tuple[str, ...]], None]] = {
    **dict.fromkeys(("read", "mapfile", "readarray"), _read),
    "getopts": _getopts,
    **dict.fromkeys(("cd", "pushd", "popd"), _change_directory),
    "printf": _print,
    "set": _set,
    "shift": _shift,
    "unset": _unset,
    "let": _let,
    "shopt": _shopt,
}
"""By the name of the command."""


SAYING = frozenset({"echo", "printf", "seq", "id"})
"""Commands that only write what their own words say, or who runs them."""

MAX_COUNTED = 1000
"""Numbers that ``seq`` writes: more are no list that somebody goes over."""

_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,8})", re.ASCII)

MAX_WRITTEN_CHARS = 1 << 21
"""Of what ``printf`` makes of its words: as much as a command may have."""

MAX_ASCII = 0o200
"""From here on a number is a byte of some encoding, of which shells make a letter together with others."""

_IN_FORMAT = re.compile(r"\\(?:(?P<octal>[0-7]{1,3})|(?P<escaped>.?))|%(?P<conversion>.?)|[^\\%]+", re.DOTALL)
_IN_ECHO = re.compile(r"\\(?:0(?P<octal>[0-7]{1,3})|(?P<escaped>.?))|(?P<conversion>(?!))|[^\\]+", re.DOTALL)
"""Of ``echo -e``, whose octal numbers begin with a zero."""

_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"', "'": "'"}
_ESCAPE = re.compile(r"\\.?", re.DOTALL)
_ECHO_OPTIONS = frozenset({"-n", "-e", "-ne", "-en"})


def written(words: tuple[str, ...]) -> str | None:
    """What ``echo``, ``printf`` or ``seq`` writes; ``UNKNOWN`` stands where shells differ, none for any other command."""
    name, given = words[:1], words[1:]
    if name == ("seq",):
        return _counted(given)
    if name == ("printf",) and given[:1] == ("--",):
        given = given[1:]
    if name == ("printf",) and given:
        return _formatted(given[0], list(given[1:]), _IN_FORMAT)
    if name != ("echo",):
        return None
    option = given[0] if given and given[0] in _ECHO_OPTIONS else ""
    text = " ".join(given[1:] if option else given)
    if "e" in option:
        return _formatted(text, [], _IN_ECHO)
    return _ESCAPE.sub(UNKNOWN, text)


def ends_line(words: tuple[str, ...]) -> bool:
    """Whether a command that writes its own words ends them with a line's end that is not among them."""
    return words[:1] == ("echo",) and not any(word in _ECHO_OPTIONS and "n" in word for word in words[1:2])


def _counted(given: tuple[str, ...]) -> str:
    """The numbers from one to another."""
    if not 1 <= len(given) <= len(("first", "step", "last")) or not all(map(_NUMBER.fullmatch, given)):
        return UNKNOWN
    first, step = int(given[0]) if given[1:] else 1, int(given[1]) if given[2:] else 1
    numbers = range(first, int(given[-1]) + (1 if step > 0 else -1), step) if step else ()
    return "".join(f"{number}\n" for number in numbers) if 0 < len(numbers) <= MAX_COUNTED else UNKNOWN


def _formatted(form: str, given: list[str], parts: re.Pattern[str]) -> str:
    """A format with its words, used again until none is left."""
    if len(form) * (len(given) + 1) > MAX_WRITTEN_CHARS:
        return UNKNOWN
    made: list[str] = []
    left = given[::-1]
    while True:
        before = len(left)
        for part in parts.finditer(form):
            octal, escaped, conversion = part["octal"], part["escaped"], part["conversion"]
            if octal is not None:
                made.append(chr(int(octal, 8)) if int(octal, 8) < MAX_ASCII else UNKNOWN)
            elif escaped is not None:
                made.append(_ESCAPED.get(escaped, UNKNOWN))
            elif conversion == "s":
                made.append(left.pop() if left else "")
            else:
                made.append(part[0] if conversion is None else "%" if conversion == "%" else UNKNOWN)
        if not left or len(left) == before:
            return "".join(made)
