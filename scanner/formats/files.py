"""Files of inventories, read with bounds."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

import yaml

from scanner.inventory.error import InventoryError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 16 << 20
"""An inventory of 10,000 hosts with their variables has a few MiB."""

MAX_DEPTH = 60
"""Deeper than any inventory; YAML's composer recurses, so depth is refused before it runs."""

MAX_ALIASES = 1000
"""References are shared, not copied, but whoever walks them walks each again."""


def read_text(path: Path) -> str:
    """The text of a regular file.

    Raises:
        InventoryError: it cannot be read, is too long, is not UTF-8, or everybody may write to it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise InventoryError([f"{path}: cannot be read: {error.strerror}"]) from None
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise InventoryError([f"{path}: is not a regular file"])
        if mode & stat.S_IWOTH:
            raise InventoryError([f"{path}: everybody may write to it: chmod o-w"])
        content = file.read(MAX_BYTES + 1)
    return decode(content, str(path))


def decode(content: bytes, name: str) -> str:
    """Bounded bytes as text.

    Raises:
        InventoryError: too long, or not UTF-8.
    """
    if len(content) > MAX_BYTES:
        raise InventoryError([f"{name}: is longer than {MAX_BYTES} bytes"])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InventoryError([f"{name}:{line}: is not UTF-8"]) from None


def parse_json(text: str, name: str) -> Any:
    """A JSON document.

    Raises:
        InventoryError: it is none.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InventoryError([f"{name}:{error.lineno}: is not JSON: {error.msg}"]) from None
    except (ValueError, RecursionError):
        raise InventoryError([f"{name}: is not JSON that can be read: too deep, or a number too long"]) from None


class _Loader(yaml.CSafeLoader):
    """Plain YAML; what carries a tag of its own (``!vault``) becomes an empty text, for we cannot know it."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: "")


def parse_yaml(text: str, name: str) -> Any:
    """A YAML document.

    Raises:
        InventoryError: it is none, too deep, or has too many aliases.
    """
    try:
        _bound(text, name)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise InventoryError([f"{name}:{line}: is not YAML: {error.problem}"]) from None
    except InventoryError:
        raise
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError):
        raise InventoryError([f"{name}: is not YAML that can be read"]) from None


def _bound(text: str, name: str) -> None:
    depth = aliases = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        if depth > MAX_DEPTH or aliases > MAX_ALIASES:
            raise InventoryError([f"{name}: is nested too deep, or has too many aliases"])
