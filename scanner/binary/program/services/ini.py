"""Reads supervisord's configuration as it does itself: with Python's RawConfigParser."""

from __future__ import annotations

import re
from itertools import zip_longest

from scanner.formats.parsing.patience import spend

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
    lines = text.split("\n")
    if len(lines) > MAX_LINES or max(map(len, lines)) > MAX_LINE_CHARS:
        raise TooLongError
    spend(1 + len(text) // 10)
    settings: dict[str, list[str]] | None = None
    name, option, indent = "", "", 0
    for line in lines:
        value, has_comment = _without_comment(line)
        if not value:
            if not has_comment and settings is not None and option:
                settings[option].append("")
            continue
        depth = len(line) - len(line.lstrip())
        if settings is not None and option and depth > indent:
            settings[option].append(value)
            continue
        indent = depth
        if section := _SECTION.match(value):
            _close(sections, name, settings)
            name, settings, option = section[1], {}, ""
            continue
        delimiter = _DELIMITER.search(value)
        if settings is None or delimiter is None or not delimiter.start():
            raise RefusedError
        option = value[: delimiter.start()].rstrip().lower()
        settings[option] = [value[delimiter.end() :].strip()]
    _close(sections, name, settings)


def _close(sections: Sections, name: str, settings: dict[str, list[str]] | None) -> None:
    if settings is not None:
        values = {option: "\n".join(lines).rstrip() for option, lines in settings.items()}
        sections.setdefault(name, {}).update(values)


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
