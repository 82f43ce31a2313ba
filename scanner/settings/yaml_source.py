"""YAML read strictly, every value with the line it stands on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scanner.formats import files
from scanner.formats.documents import bounded_yaml, yaml_scalars
from scanner.formats.documents.bounded_yaml import YamlError
from scanner.formats.files import FileError
from scanner.settings.problem import Problem, SettingsError
from scanner.settings.yaml_words import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_BYTES = 4 << 20
"""A file for 10,000 hosts has about 1 MiB; parsing more would stall the service."""

MAX_DEPTH = 24
"""The schema is seven levels deep."""

MAX_NODES = 400_000
"""Bounds the time a parse takes, whatever the bytes."""

VEILED = "what is wrong there is not shown: the file is a link to one that not everybody may read"

Place = bounded_yaml.Place

_RULES = bounded_yaml.Rules(
    max_chars=MAX_BYTES,
    max_depth=MAX_DEPTH,
    max_nodes=MAX_NODES,
    max_aliased=0,
    max_aliased_chars=0,
    scalar=yaml_scalars.core,
    is_strict=True,
)


@dataclass(frozen=True, slots=True)
class SettingsDocument:
    """A parsed file: mappings are dicts, sequences tuples; ``lines`` tells where each place stands."""

    file: str
    value: Any
    lines: Mapping[Place, int] = field(default_factory=dict)

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest thing around it that the file has; 0 where the file has neither."""
        around = place
        while around and around not in self.lines:
            around = around[:-1]
        return self.lines.get(around, 0) if around or not place else 0


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The content of a regular file that is not longer than ``limit`` and did not change meanwhile.

    Raises:
        SettingsError: it is missing, no regular file, too long, writable by everybody, reached through somebody
            else's symbolic link, or changed while it was read.
    """
    try:
        return files.read_bytes(path, limit, forbidden=files.WRITABLE_BY_ALL, own_links_only=True)
    except FileError as error:
        raise _refused(error.path, error.problem) from None


def parse(content: bytes, file: str) -> SettingsDocument:
    """The one YAML document in ``content``.

    Raises:
        SettingsError: not UTF-8, not YAML, several documents, a duplicate key, an anchor, an alias, a tag, or too deep.
    """
    lines: dict[Place, int] = {}
    try:
        text = files.decode(content, file, max(MAX_BYTES, len(content)))
        return SettingsDocument(file, bounded_yaml.document(text, _RULES, lines), lines)
    except FileError as error:
        raise _refused(file, error.problem, error.line) from None
    except YamlError as error:
        line, why = in_words(error, text)
        raise SettingsError([Problem(file, line, render(error.place), why)]) from None


def _refused(path: str, message: str, line: int = 0) -> SettingsError:
    return SettingsError([Problem(path, line, "", message)])


def veiled(path: Path, error: SettingsError) -> SettingsError:
    """The problems of a file, of one that may not be shown only their lines."""
    if not files.is_veiled(path):
        return error
    told = (one if one.file != str(path) else Problem(one.file, one.line, "", VEILED) for one in error.problems)
    return SettingsError(dict.fromkeys(told))


def render(place: Place) -> str:
    """``inventory[0].hosts.web-1.port``."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")
