"""The programs that a script names by their whole path, of which nothing more is known than that they are not there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.binary.program.shell.image_paths import PathKind
from scanner.formats.parsing.patience import spend

if TYPE_CHECKING:
    from scanner.binary.program.shell.image_paths import Files

MAX_NAMED = 64
"""Paths of one script that are looked up."""

BYTES_A_MICROSECOND = 50

_PATH = re.compile(
    r"(?<![\w./@:~$%+{})`-])(?<![^\s=(,;|&!<>][\"'])(/(?:[\w.+@-]{1,64}/){0,8}s?bin/[\w.+@-]{1,64})(?![\w./*?$\[{@+-])",
    re.ASCII,
)
"""A path in a directory of programs, not cut out of a longer one."""

_ASKED = re.compile(
    r"(?:(?<![\w-])-[a-zA-Z]|(?<![\w./])\.|\b(?:source|command -[vV]|type(?: -\w+)?|which|hash))[ \t]+[\"']?$", re.ASCII
)
"""What asks whether something is there, or says what it is for, stands in front of it."""

_MAKING = re.compile(
    r"\b(?:cp|mv|ln|install|tee|touch|mkdir|curl|wget|tar|unzip|rsync|chmod|chown|useradd|adduser|usermod|update-alternatives)\b"
    r"|>|\|\||^\s*#|SHELL="
)
"""In a line with one of these a path may be made, be optional, or be no program that is started."""

_USUAL = re.compile(r"/(?:usr/)?s?bin/(?:env|true|false|nologin|login|(?:[abdckz]|da|ba)?sh)")


def lacking(text: bytes, files: Files) -> str:
    """A program of this script's that stands nowhere in the image, as far as its text tells; empty for none."""
    spend(1 + len(text) // BYTES_A_MICROSECOND)
    lines = text.decode("latin-1").split("\n")
    asked: set[str] = set()
    named: list[str] = []
    for line in lines:
        is_made = _MAKING.search(line) is not None
        for found in _PATH.finditer(line):
            if is_made or _ASKED.search(line, 0, found.start()) or _USUAL.fullmatch(found[1]):
                asked.add(found[1])
            else:
                named.append(found[1])
    for path in list(dict.fromkeys(each for each in named if each not in asked))[:MAX_NAMED]:
        if files.stands(path).kind is PathKind.MISSING:
            return path
    return ""
