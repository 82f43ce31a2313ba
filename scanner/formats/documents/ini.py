"""Reads supervisord's configuration as it does itself: with Python's RawConfigParser."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

from scanner.formats.parsing.patience import spend

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINES = 4000
"""Of one configuration; Debian's own with all its comments has some thirty."""

MAX_LINE_CHARS = 16 * 1024
"""A command with a script of its own in it is some hundred."""

_SECTION = re.compile(r"\[(.+)\]")
_DELIMITER = re.compile(r"[=:]")

Sections = dict[str, dict[str, str]]
"""The settings of each section by their names; a section that is there twice is one."""


class RefusedError(Exception):
    """The parser raises: the text is no configuration."""


class TooLongError(Exception):
    """It has more, or longer, lines than are read."""


def read(text: str, sections: Sections) -> None:
    """Add what a text says to what those before it said.

    Raises:
        RefusedError: the parser would raise.
        TooLongError: see there.
    """
    for name, settings in told(text):
        sections.setdefault(name, {}).update({option: value for option, (value, _) in settings.items()})


def told(text: str) -> Iterator[tuple[str, dict[str, tuple[str, int]]]]:
    """Each section as it stands there: by the names of its settings their values, with the lines in which they begin.

    Raises:
        RefusedError: the parser would raise.
        TooLongError: see there.
    """
    lines = text.split("\n")
    if len(lines) > MAX_LINES or max(map(len, lines)) > MAX_LINE_CHARS:
        raise TooLongError
    spend(1 + len(text) // 10)
    settings: dict[str, tuple[list[str], int]] | None = None
    name, option, indent = "", "", 0
    for number, line in enumerate(lines, 1):
        value, has_comment = _without_comment(line)
        if not value:
            if not has_comment and settings is not None and option:
                settings[option][0].append("")
            continue
        depth = len(line) - len(line.lstrip())
        if settings is not None and option and depth > indent:
            settings[option][0].append(value)
            continue
        indent = depth
        if section := _SECTION.match(value):
            if settings is not None:
                yield name, _closed(settings)
            name, settings, option = section[1], {}, ""
            continue
        delimiter = _DELIMITER.search(value)
        if settings is None or delimiter is None or not delimiter.start():
            raise RefusedError
        option = value[: delimiter.start()].rstrip().lower()
        settings[option] = [value[delimiter.end() :].strip()], number
    if settings is not None:
        yield name, _closed(settings)


def _closed(settings: dict[str, tuple[list[str], int]]) -> dict[str, tuple[str, int]]:
    return {option: ("\n".join(lines).rstrip(), number) for option, (lines, number) in settings.items()}


def _without_comment(line: str) -> tuple[str, bool]:
    """A line up to its comment, without blanks around, with whether it has one.

    The parser looks at the first ``;`` and the first ``#``, then at the second ones.
    """
    if line.strip().startswith(("#", ";")):
        return "", True
    for places in zip_longest(*([at for at, char in enumerate(line) if char == mark] for mark in ";#")):
        begun = [at for at in places if at is not None and (not at or line[at - 1].isspace())]
        if begun:
            return line[: min(begun)].strip(), True
    return line.strip(), False
