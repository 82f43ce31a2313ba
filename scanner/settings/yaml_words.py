"""What is wrong with a file that is no YAML, in words for whoever writes one by hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.formats.documents.bounded_yaml import YamlError

_TAB = re.compile(r" *\t")
_COLON = re.compile(r"\s*(?:- +)*(?P<name>[A-Za-z_*][\w.*-]*):(?![\s/])", re.ASCII)
"""A key whose colon has no space behind it; ``http://`` is none."""

_COLON_IN_BRACES = re.compile(r"[{,]\s*(?P<name>[A-Za-z_*][\w.*-]*):(?=[{\[])", re.ASCII)

_RESERVED = re.compile(r"(?:^|[:,\[-])\s+(?P<sign>[@`%])")

_SAID = {
    "could not find expected ':'": "a key without its colon, or a text of several lines without quotes",
    "mapping values are not allowed in this context": "a second colon with a space behind it: write the value in quotes, "
    "or what belongs to the key above on lines of its own, indented",
    "did not find expected key": "is indented unlike the lines around it: begin all keys of one mapping below each other",
    "did not find expected '-' indicator": "is indented unlike the items around it: begin each item of one list with a dash, "
    "all below each other",
}
"""By what libyaml calls it, of a line that shows nothing more."""


def in_words(error: YamlError, text: str) -> tuple[int, str]:
    """The line that is to be changed, then how; as the parser says it where nothing better is known."""
    said = error.problem.removeprefix("is not YAML: ")
    if said == error.problem or not error.line:
        return error.line, error.problem
    lines = text.splitlines()
    around = [number for number in (error.line - 1, error.line) if 0 < number <= len(lines)]
    for number in around:
        if _TAB.match(lines[number - 1]):
            return number, "is indented by a tab: YAML takes spaces only, so write two for each tab"
    for number in around:
        if found := _COLON.match(lines[number - 1]):
            return number, colon_without_space(found["name"])
    if found := _COLON_IN_BRACES.search(lines[error.line - 1]):
        return error.line, colon_without_space(found["name"])
    if found := _RESERVED.search(lines[error.line - 1]):
        return error.line, f"a value begins with {found['sign']}: write it in quotes"
    return error.line, f"is not YAML: {_SAID.get(said, said)}"


def colon_without_space(name: str) -> str:
    """What is to be written instead of ``NAME:VALUE``."""
    return f"{name}: needs a space behind its colon: write {name}: VALUE"


def key_of(written: object) -> str:
    """The key of a text that was to be a mapping, had there been a space behind its colon; empty of any other."""
    found = _COLON.match(written) if isinstance(written, str) else None
    return found["name"] if found else ""
