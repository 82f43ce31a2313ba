"""What common filters print of a text that is known: awk, base64, cut, grep, head, jq, sed, sort, tail, tr, xargs."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

from scanner.binary.program.shell import finding, searching, text_tools
from scanner.binary.program.shell.state import ZERO
from scanner.formats.parsing.patience import spend

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = tuple[int, str]

MAX_BYTES = 16 * 1024
"""Of a text that is filtered: versions, machines, lists of words."""

_FIELDS = re.compile(r"(\d{1,4})(-?)(\d{0,4})", re.ASCII)
_WORDS = re.compile(r"[\w ./:,=@%+\t\n-]*", re.ASCII)
_CLASSES = {
    r"\n": "\n",
    r"\t": "\t",
    r"\0": ZERO,
    "[:upper:]": string.ascii_uppercase,
    "[:lower:]": string.ascii_lowercase,
}


def answer(name: str, words: tuple[str, ...], text: str) -> Answer | None:
    """Status and output of a filter with these words, its name left out; ``None`` where they are not of the plain uses."""
    rule = _RULES.get(name)
    if (
        rule is None
        or len(text) > MAX_BYTES
        or (text and text[-1] != "\n" and name not in {"tr", "xargs", "base64", "jq"})
        or not text.isascii()
        or not all(word.isascii() for word in words)
    ):
        return None
    spend(1 + len(text) // searching.BYTES_A_MICROSECOND)
    return rule(words, text)


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _cut(words: tuple[str, ...], text: str) -> Answer | None:
    if any(" " in word and word not in {" ", "-d "} for word in words):
        return None
    spelt = re.fullmatch(r"(?:-d ?(?P<by>.)\s)?-(?P<how>[fc]) ?(?P<what>\S+)(?:\s-d ?(?P<then>.))?", " ".join(words))
    wanted = _FIELDS.fullmatch(spelt["what"]) if spelt is not None else None
    if spelt is None or wanted is None or wanted[1] == "0" or bool(wanted[3]) > bool(wanted[2]):
        return None
    first = int(wanted[1])
    last = int(wanted[3]) if wanted[3] else None if wanted[2] else first
    if last is not None and last < first:
        return None
    by = spelt["by"] or spelt["then"] or "\t"
    if spelt["how"] == "c":
        return (0, _joined([line[first - 1 : last] for line in _lines(text)])) if by == "\t" else None
    made = [by.join(line.split(by)[first - 1 : last]) if by in line else line for line in _lines(text)]
    return 0, _joined(made)


def _tr(words: tuple[str, ...], text: str) -> Answer | None:
    sets = [_expanded(word) for word in words if word != "-d"]
    if any(each is None for each in sets):
        return None
    match words, sets:
        case ("-d", _), [str(old)]:
            return 0, text.translate({ord(char): None for char in old})
        case (_, _), [str(old), str(new)] if len(old) == len(new) and len(set(old)) == len(old):
            return 0, text.translate(str.maketrans(old, new))
    return None


def _expanded(characters: str) -> str | None:
    """A set of ``tr`` with its ranges written out."""
    if characters in _CLASSES:
        return _CLASSES[characters]
    made, at = "", 0
    if not re.fullmatch(r"[\w ./:,-]+", characters, re.ASCII):
        return None
    while at < len(characters):
        first, last = characters[at], characters[at + 2 : at + 3]
        if characters[at + 1 : at + 2] != "-" or not last:
            made, at = made + first, at + 1
            continue
        if not first.isalnum() or not last.isalnum() or first > last:
            return None
        made, at = made + "".join(chr(code) for code in range(ord(first), ord(last) + 1)), at + 3
    return made


def _some(words: tuple[str, ...], text: str) -> tuple[list[str], int] | None:
    found = re.fullmatch(r"-(?:n ?)?(\d{1,4})", " ".join(words))
    return (_lines(text), int(found[1]) if found else 10) if found or not words else None


def _head(words: tuple[str, ...], text: str) -> Answer | None:
    found = _some(words, text)
    return None if found is None else (0, _joined(found[0][: found[1]]))


def _tail(words: tuple[str, ...], text: str) -> Answer | None:
    found = _some(words, text)
    return None if found is None else (0, _joined(found[0][-found[1] :] if found[1] else []))


def _grep(words: tuple[str, ...], text: str) -> Answer | None:
    found = searching.among(words, _lines(text))
    return None if found is None else (int(not found[0]), "" if found[1] else _joined(found[0]))


def _xargs(words: tuple[str, ...], text: str) -> Answer | None:
    """Without a command it hands its words to ``echo``."""
    return (0, " ".join(text.split()) + "\n") if not words and _WORDS.fullmatch(text) else None


def _sort(words: tuple[str, ...], text: str) -> Answer | None:
    lines = _lines(text)
    return (0, _joined(sorted(lines))) if words in {(), ("-V",)} and finding.is_plainly_ordered(lines) else None


_RULES: dict[str, Callable[[tuple[str, ...], str], Answer | None]] = {
    "awk": text_tools.awk, "base64": text_tools.decode, "cut": _cut, "grep": _grep, "head": _head, "jq": text_tools.jq, "sed": text_tools.sed, "sort": _sort, "tail": _tail, "tr": _tr, "xargs": _xargs,
}  # fmt: skip

NAMES = frozenset(_RULES)

OF_FILES = NAMES - {"tr", "xargs"}
"""Those that read a file too, named last."""
