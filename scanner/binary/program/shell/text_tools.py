"""What awk, sed, expr, jq, base64 make of a text that is known, the plain uses of each."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, Any

from scanner.formats.documents import strict_json
from scanner.formats.shell.regexes import Regex, regex_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Answer = tuple[int, str]

MAX_MATCHES = 64
"""Of one expression in one line."""

_PATTERN = r"/(?P<re>(?:[^/\\]|\\.)+)/|\$(?P<field>\d{1,2}|NF)\s*+(?P<how>==|~)\s*+(?:\"(?P<text>[^\"\\]*)\"|/(?P<in>(?:[^/\\]|\\.)+)/)|NR\s*+==\s*+(?P<nr>\d{1,4})"
_AWK = re.compile(
    rf"\s*+(?:{_PATTERN})?\s*+(?:\{{\s*+print(?:\s*+\$(?P<what>\d{{1,2}}|NF))?\s*+(?P<exit>;\s*+exit)?\s*+;?\s*+\}}\s*+)?",
    re.ASCII,
)
_SEPARATOR = re.compile(r"-F ?([.:,=/;@\"-])")


def awk(words: tuple[str, ...], text: str) -> Answer | None:
    """``awk 'PATTERN {print $N}'``, also of what stands between other separators than blanks."""
    program = _AWK.fullmatch(words[-1]) if words else None
    separator = _SEPARATOR.fullmatch(" ".join(words[:-1]))
    if program is None or not words[-1].strip() or (words[:-1] and separator is None):
        return None
    expression = program["re"] or program["in"]
    regex = _expression(expression) if expression and "{" not in expression else None
    if expression and regex is None:
        return None
    made = []
    for number, line in enumerate(_lines(text), 1):
        fields = line.split(separator[1]) if separator else line.split()
        is_met = _is_met(program, regex, fields, line, number)
        if is_met is None:
            return None
        if is_met:
            made.append(_field(fields, program["what"] or "0", line))
            if program["exit"]:
                break
    return 0, "".join(f"{each}\n" for each in made)


def _is_met(program: re.Match[str], regex: Regex | None, fields: list[str], line: str, number: int) -> bool | None:
    """Whether a line is one of those that are asked for; ``None`` where nobody knows."""
    if program["nr"]:
        return number == int(program["nr"])
    if program["how"] is None:
        return True if regex is None else regex.is_in(line)
    if (program["how"] == "==") is (program["text"] is None):
        return None
    found = _field(fields, program["field"], line)
    return found == program["text"] if regex is None else regex.is_in(found)


def _field(fields: list[str], which: str, line: str) -> str:
    if which == "0":
        return line
    number = len(fields) if which == "NF" else int(which)
    return fields[number - 1] if 0 < number <= len(fields) else "" if number else line


def _expression(written: str, *, basic: bool = False) -> Regex | None:
    return regex_of(((written.replace(r"\/", "/"), True),), basic=basic)


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


# ---------------------------------------------------------------- sed


_COMMAND = re.compile(
    r"(?:/(?P<re>(?:[^/\\]|\\.)+)/|(?P<nr>\d{1,4}))?\s*"
    r"(?:(?P<do>[pdq])|s(?P<by>[/|#,:@])(?P<old>(?:(?!(?P=by))[^\\\n]|\\[^\n])+)(?P=by)"
    r"(?P<new>(?:(?!(?P=by))[^\\&\n]|\\[1-9/.])*)(?P=by)(?P<flags>[gp]{0,2}))",
    re.ASCII,
)
"""A command for all lines, for those with a pattern, or for one."""


def sed(words: tuple[str, ...], text: str) -> Answer | None:
    """``sed`` with commands that print, delete, replace."""
    scripts: list[str] = []
    left, basic, quiet = list(words), True, False
    while left:
        if left[0] in {"-r", "-E", "-n", "-nr", "-nE", "-rn", "-En"}:
            option = left.pop(0)
            basic, quiet = basic and not set("rE") & set(option), quiet or "n" in option
        elif left[0] in {"-e", "-ne"} and len(left) > 1:
            quiet = quiet or left[0] == "-ne"
            scripts.append(left[1])
            left = left[2:]
        elif not scripts and len(left) == 1 and left[0][:1] != "-":
            scripts.append(left.pop())
        else:
            return None
    commands = [_command(part.strip(), basic=basic) for script in scripts for part in _parted(script)]
    if not commands or any(each is None for each in commands):
        return None
    made: list[str] = []
    for number, line in enumerate(_lines(text), 1):
        done = _edited(line, number, [each for each in commands if each is not None])
        if done is None:
            return None
        printed, kept, ends = done
        made += printed if kept is None or quiet else [*printed, kept]
        if ends:
            break
    return 0, "".join(f"{each}\n" for each in made)


def _parted(script: str) -> list[str]:
    """The commands of one text; one that holds a semicolon of its own is read as a whole."""
    return (
        [script]
        if _COMMAND.fullmatch(script.strip())
        else [each for each in re.split(r"[;\n]", script) if each.strip()]
    )


_Edit = tuple[re.Match[str], Regex | None, Regex | None]


def _command(written: str, *, basic: bool) -> _Edit | None:
    found = _COMMAND.fullmatch(written)
    if found is None:
        return None
    where = _expression(found["re"], basic=basic) if found["re"] else None
    old = found["old"].replace("\\" + found["by"], found["by"]) if found["old"] else ""
    what = _expression(old, basic=basic) if old else None
    return None if (found["re"] and where is None) or (old and what is None) else (found, where, what)


def _edited(line: str, number: int, commands: list[_Edit]) -> tuple[list[str], str | None, bool] | None:
    """What a line prints on the way, what is left of it, whether it is the last one; ``None`` where nobody knows."""
    printed: list[str] = []
    for command, where, what in commands:
        is_met = where.is_in(line) if where is not None else not command["nr"] or int(command["nr"]) == number
        if is_met is None:
            return None
        if not is_met:
            continue
        if command["do"] == "d":
            return printed, None, False
        if command["do"] == "q":
            return printed, line, True
        changed = line
        if what is not None:
            replaced = _replaced(what, line, command["new"], everywhere="g" in command["flags"])
            if replaced is None:
                return None
            changed, is_met = replaced
        line = changed
        if is_met and (command["do"] == "p" or "p" in (command["flags"] or "")):
            printed.append(line)
    return printed, line, False


def _replaced(what: Regex, line: str, new: str, *, everywhere: bool) -> tuple[str, bool] | None:
    if not what.is_in(line):
        return None if what.is_in(line) is None else (line, False)
    made, at = "", 0
    for match in matches(what, line):
        if match is None:
            return None
        made += line[at : match[0]] + re.sub(r"\\(.)", lambda each, m=match: _of_match(each[1], m), new)  # type: ignore[misc]  # a lambda with its match
        at = match[0] + len(match[1][0])
        if not everywhere:
            break
    return made + line[at:], True


def _of_match(char: str, match: tuple[int, tuple[str, ...]]) -> str:
    if not char.isdigit():
        return char
    number = int(char)
    return match[1][number] if number < len(match[1]) else ""


def matches(what: Regex, text: str) -> Iterator[tuple[int, tuple[str, ...]] | None]:
    """Where an expression is found in a text, one match behind the other, each with its groups; ``None`` for not known."""
    at = 0
    for _ in range(MAX_MATCHES):
        if at and what.branches[0].begins:
            return
        if (is_in := what.is_in(text[at:])) is False:
            return
        found = what.match(text[at:]) if is_in else None
        if found is None or not found[0]:
            yield None
            return
        yield at + found.start(), (found[0], *(each or "" for each in found.groups()))
        at += found.end()
    yield None


# ---------------------------------------------------------------- others


def decode(words: tuple[str, ...], text: str) -> Answer | None:
    """``base64 -d``."""
    if words not in {("-d",), ("--decode",)}:
        return None
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        return None
    return (0, raw.decode("ascii")) if raw.isascii() and b"\0" not in raw else None


_STEP = re.compile(r'\.([A-Za-z_]\w*)|\."([^"\\]*)"|\[(\d{1,4})\]|\["([^"\\]*)"\]', re.ASCII)
_FILTER = re.compile(
    r'(?P<path>\.|(?:\.?(?:\.[A-Za-z_]\w*|\."[^"\\]*"|\[\d{1,4}\]|\["[^"\\]*"\]))+)(?:\s*//\s*(?:"(?P<or>[^"\\]*)"|(?P<none>empty)))?',
    re.ASCII,
)


def jq(words: tuple[str, ...], text: str) -> Answer | None:
    """``jq .path``: one value of a document."""
    options = {word for word in words if word[:1] == "-"}
    operands = [word for word in words if word[:1] != "-"]
    found = _FILTER.fullmatch(operands[0]) if len(operands) == 1 else None
    if found is None or not options <= {"-r", "--raw-output", "-M"}:
        return None
    document = strict_json.read_object(text.encode())
    value: Any = document if isinstance(document, dict) else None
    if value is None:
        return None
    for step in _STEP.finditer(found["path"]):
        name = next((each for each in (step[1], step[2], step[4]) if each is not None), None)
        if name is not None and isinstance(value, dict):
            value = value.get(name)
        elif name is None and isinstance(value, list):
            value = value[int(step[3])] if int(step[3]) < len(value) else None
        elif value is not None:
            return None
    if value is None or value is False:
        if found["none"]:
            return 0, ""
        value = found["or"] if found["or"] is not None else value
    if isinstance(value, dict | list | float):
        return None
    is_raw = isinstance(value, str) and {"-r", "--raw-output"} & options
    return 0, f"{value if is_raw else json.dumps(value, ensure_ascii=False)}\n"


_NUMBER = re.compile(r"-?\d{1,18}", re.ASCII)
_SUMS: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "=": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b), "<": lambda a, b: int(a < b), "<=": lambda a, b: int(a <= b), ">": lambda a, b: int(a > b),
    ">=": lambda a, b: int(a >= b),
}  # fmt: skip


def expr(words: tuple[str, ...]) -> Answer | None:
    """``expr A : REGEX`` and sums of two numbers."""
    if len(words) != 3:  # noqa: PLR2004 - an operator between two
        return None
    one, operator, other = words
    if operator == ":":
        found = _matched(one, other)
    elif operator in _SUMS and _NUMBER.fullmatch(one) and _NUMBER.fullmatch(other):
        found = str(_SUMS[operator](int(one), int(other)))
    elif operator in {"=", "!="} and one and other:
        found = str(int((one == other) is (operator == "=")))
    else:
        return None
    return None if found is None else (int(not found or not found.strip("-0")), f"{found}\n")


def _matched(text: str, written: str) -> str | None:
    """What ``expr`` makes of a match at the beginning of a text: its group, else how long it is."""
    regex = regex_of(((f"^{written.removeprefix('^')}", True),), basic=True)
    if regex is None or not text.isascii():
        return None
    size = regex.at_start(text)
    if r"\(" not in written:
        is_whole = size is not None and (not written.endswith("$") or size == len(text))
        return str(size) if is_whole else "0"
    if size is None:
        return ""
    match = regex.match(text)
    return match[1] or "" if match is not None and match.re.groups else None
