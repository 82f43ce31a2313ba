"""Settings of systemd's unit files, in its own grammar or in that of Podman's quadlets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_LINE_CHARS = 1 << 20
"""systemd's LONG_LINE_MAX: with all of its continuations, one line may be so long."""

_COMMENTS = ("#", ";")
_BLANKS = " \t\n\r"


class UnitError(ValueError):
    """A file that its owner refuses as a whole; ``line`` is where."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Setting:
    """One ``key=value`` of a section; ``parts`` are the lines that it is written on, each with its number."""

    section: str
    key: str
    value: str
    path: str
    parts: tuple[tuple[int, str], ...]

    @property
    def line(self) -> int:
        """Where it begins."""
        return self.parts[0][0]

    def place(self, *marks: str) -> str:
        """``path:line``: the line of several on which one of the marks stands, else the first."""
        found = next((number for number, text in self.parts if any(mark in text for mark in marks)), self.line)
        return f"{self.path}:{found}"


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with its continuations: their numbers and texts, and the whole."""

    text: str
    parts: tuple[tuple[int, str], ...]


def settings(text: str, path: str) -> tuple[Setting, ...]:
    """What systemd reads in one file (its config_parse); lines that it warns about and ignores are left out.

    Raises:
        UnitError: systemd stops reading there.
    """
    found: list[Setting] = []
    section = ""
    for line in _systemd_lines(text):
        words = line.text.strip(_BLANKS)
        if words.startswith("["):
            if not words.endswith("]"):
                raise UnitError(line.parts[0][0], "a section's name is not closed")
            section = words[1:-1]
        elif "=" in words and section:
            key, _, value = words.partition("=")
            if key.strip(_BLANKS):
                found.append(Setting(section, key.strip(_BLANKS), value.strip(_BLANKS), path, line.parts))
    return tuple(found)


def quadlet_settings(text: str, path: str) -> tuple[Setting, ...]:
    """What Podman's generator reads in one file (its pkg/systemd/parser).

    Raises:
        UnitError: it refuses the file.
    """
    found: list[Setting] = []
    section: str | None = None
    for line in _quadlet_lines(text):
        name = _section(line.text)
        if name is not None:
            if not name or "[" in name or not name.isprintable():
                raise UnitError(line.parts[0][0], "a section's name is none")
            section = name
            continue
        key, equals, value = line.text.partition("=")
        if not equals or not key:
            raise UnitError(line.parts[0][0], "neither a setting nor a section nor a comment")
        if section is None:
            raise UnitError(line.parts[0][0], "a setting before the first section")
        found.append(Setting(section, key.rstrip(), value.lstrip(), path, line.parts))
    return tuple(found)


def _section(text: str) -> str | None:
    end = text.find("]")
    return text[1:end] if text.startswith("[") and end > 0 and not text[end + 1 :].strip(" \t") else None


def _systemd_lines(text: str) -> Iterator[_Line]:
    """Lines joined where one ends in a backslash, which becomes a space; comments in between are passed over."""
    parts: list[tuple[int, str]] = []
    pieces: list[str] = []
    size = 0
    for number, line in enumerate(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if line.lstrip(_BLANKS).startswith(_COMMENTS):
            continue
        size += len(line)
        if size > MAX_LINE_CHARS:
            raise UnitError(number, f"a line of more than {MAX_LINE_CHARS} characters")
        parts.append((number, line))
        if _goes_on(line):
            pieces.append(line[:-1] + " ")
            continue
        yield _Line("".join([*pieces, line]), tuple(parts))
        parts, pieces, size = [], [], 0
    if parts:
        yield _Line("".join(pieces), tuple(parts))


def _goes_on(line: str) -> bool:
    """Whether a backslash at the end is no second half of an escape."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _quadlet_lines(text: str) -> Iterator[_Line]:
    """Lines stripped, then joined where one ends in a backslash; blank ones and comments in between are passed over."""
    lines = text.removesuffix("\n").split("\n")
    parts: list[tuple[int, str]] = []
    pieces: list[str] = []
    for number, written in enumerate(lines, 1):
        line = written.strip()
        if not line or line.startswith(_COMMENTS):
            continue
        goes_on = line.endswith("\\")
        piece = line[:-1] if goes_on else line
        if piece:
            parts.append((number, written))
            pieces.append(piece)
        if pieces and (not goes_on or number == len(lines)):
            yield _Line("".join(pieces), tuple(parts))
            parts, pieces = [], []


# ---------------------------------------------------------------- looking up


def values(found: Iterable[Setting], section: str, *keys: str) -> list[Setting]:
    """Every setting of these keys in their order; one without a value takes back those of its key before it."""
    kept: list[Setting] = []
    for setting in found:
        if setting.section != section or setting.key not in keys:
            continue
        if setting.value:
            kept.append(setting)
        else:
            kept = [one for one in kept if one.key != setting.key]
    return kept


def last(found: Iterable[Setting], section: str, key: str) -> Setting | None:
    """The last setting of a key, the only one that counts where a key has one value."""
    chosen = None
    for setting in found:
        if setting.section == section and setting.key == key:
            chosen = setting
    return chosen
