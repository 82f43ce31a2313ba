"""YAML read strictly, every value with the line it stands on."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from scanner.settings.problem import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_BYTES = 4 << 20
"""A file for 10,000 hosts has about 1 MiB; parsing more would stall the service."""

MAX_DEPTH = 24
"""The schema is seven levels deep; YAML's composer recurses, so depth is refused before it runs."""

MAX_NODES = 400_000
"""Bounds the time a parse takes, whatever the bytes."""

Place = tuple[str | int, ...]

_CORE = (
    (re.compile(r"~|null|Null|NULL|"), lambda _: None),
    (re.compile(r"true|True|TRUE"), lambda _: True),
    (re.compile(r"false|False|FALSE"), lambda _: False),
    (re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})"), int),
    (re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{1,17}"), float),
)
"""YAML 1.2's core schema: ``no`` and ``22:30`` stay text instead of turning into false and 1350."""


@dataclass(frozen=True, slots=True)
class Document:
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
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _refused(path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    with os.fdopen(descriptor, "rb") as file:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise _refused(path, "is not a regular file")
        if before.st_mode & stat.S_IWOTH:
            raise _refused(path, "everybody may write to it: chmod o-w")
        _refuse_foreign_link(path, before.st_uid)
        content = file.read(limit + 1)
        after = os.fstat(descriptor)
    if len(content) > limit:
        raise _refused(path, f"is longer than {limit} bytes")
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(content) != after.st_size:
        raise _refused(path, "changed while it was read")
    return content


def _refuse_foreign_link(path: Path, target_owner: int) -> None:
    """A link into the configuration may belong to root, to us, or to whom the file belongs (Kubernetes mounts links)."""
    link = os.lstat(path)
    if stat.S_ISLNK(link.st_mode) and link.st_uid not in (0, os.geteuid(), target_owner):
        raise _refused(path, f"is a symbolic link of user {link.st_uid}")


def _refused(path: Path | str, message: str, line: int = 0) -> SettingsError:
    return SettingsError([Problem(str(path), line, "", message)])


def parse(content: bytes, file: str) -> Document:
    """The one YAML document in ``content``.

    Raises:
        SettingsError: not UTF-8, not YAML, several documents, a duplicate key, an anchor, an alias, a tag, or too deep.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused(file, "is not UTF-8", content.count(b"\n", 0, error.start) + 1) from None
    try:
        _bound(text, file)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise _syntax(file, error, text.rstrip("\n").count("\n") + 1) from None
    lines: dict[Place, int] = {}
    value = None if node is None else _Builder(file, lines).build(node, ())
    return Document(file, value, lines)


def _syntax(file: str, error: yaml.YAMLError, last_line: int) -> SettingsError:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return _refused(file, f"is not YAML: {error.problem}", min(error.problem_mark.line + 1, last_line))
    return _refused(file, f"is not YAML: {getattr(error, 'reason', None) or 'unreadable character'}")


def _bound(text: str, file: str) -> None:
    """Refuses, before anything recurses, what could cost more than its length (anchors, depth)."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        line = event.start_mark.line + 1 if event.start_mark else 0
        tag = getattr(event, "tag", None)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refused(file, "anchors and aliases are not accepted; use the source's defaults", line)
        if tag:
            raise _refused(file, f"tags such as {tag} are not accepted", line)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _refused(file, f"is nested deeper than {MAX_DEPTH} levels", line)
        if count > MAX_NODES:
            raise _refused(file, f"has more than {MAX_NODES} parts", line)


class _Builder:
    """Turns nodes into values, remembering lines."""

    def __init__(self, file: str, lines: dict[Place, int]) -> None:
        self._file = file
        self._lines = lines

    def build(self, node: yaml.Node, place: Place) -> Any:
        self._lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.build(item, (*place, index)) for index, item in enumerate(node.value))
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._problem(place, line, "a key must be text")
            key = str(key_node.value)
            if key in built:
                first = self._lines[(*place, key)]
                raise self._problem((*place, key), line, f"written twice, first in line {first}")
            self._lines[(*place, key)] = line
            built[key] = self.build(value_node, (*place, key))
        return built

    def _scalar(self, node: Any) -> Any:
        if node.style or not node.value.isascii():
            return node.value
        return next((make(node.value) for form, make in _CORE if form.fullmatch(node.value)), node.value)

    def _problem(self, place: Place, line: int, message: str) -> SettingsError:
        return SettingsError([Problem(self._file, line, render(place), message)])


def render(place: Place) -> str:
    """``inventory[0].hosts.web-1.port``."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")
