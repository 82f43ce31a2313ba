"""Volumes of Compose services, in their short syntax, in their long one."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from scanner.probe.planned.compose.values import Text, closed
from scanner.probe.planned.plans import UnclearError
from scanner.probe.planned.unknown_text import UNKNOWN

_SHORTEST = 2
"""A specification of one or two characters is a target alone."""

MAX_REMEMBERED = 1024
"""Short entries: services that extend one have all of its volumes."""

_PATHS = (".", "/", "~")


@dataclass(frozen=True, slots=True)
class Volume:
    """One mount: ``kind`` is bind, volume, tmpfs, image, npipe or cluster, ``source`` empty for an anonymous one."""

    target: str
    kind: str
    source: str = ""


def volume(row: Any) -> Volume:
    """What an entry mounts.

    Raises:
        UnclearError: an entry that Compose refuses, or whose target is open.
    """
    if isinstance(row, dict):
        target = row.get("target")
        if not isinstance(target, str):
            raise UnclearError("a volume without a target")
        return Volume(_cleaned(closed(target, "a volume's target")), str(row.get("type")), str(row.get("source") or ""))
    if isinstance(row, Text) and row.is_open:
        return _open(row)
    return _short(str(row))


def target_of(row: Any) -> str:
    """Where an entry is mounted, as written: entries of the same target replace each other.

    Raises:
        UnclearError: an entry that Compose refuses.
    """
    if isinstance(row, dict):
        if not isinstance(row.get("target"), str):
            raise UnclearError("a volume without a target")
        return str(row["target"])
    parts = _parts(row.marked if isinstance(row, Text) else str(row))
    return parts[1] if len(parts) > 1 else parts[0]


def _open(row: Text) -> Volume:
    """A short entry with variables that nothing sets, which may leave open what is mounted, not where."""
    parts = _parts(row.marked)
    if len(parts) > 1 and UNKNOWN not in parts[1] and parts[1].startswith("/"):
        return Volume(_cleaned(parts[1]), "bind", parts[0])
    raise UnclearError(row.required or f"nothing sets the variable {row.unset[0]} of a volume")


@lru_cache(MAX_REMEMBERED)
def _short(spec: str) -> Volume:
    parts = _parts(spec)
    source, target = parts[:2] if len(parts) > 1 else ("", parts[0])
    is_path = source.startswith((*_PATHS, "\\\\")) or (len(source) > 1 and source[0].isalpha() and source[1] == ":")
    return Volume(_cleaned(target), "bind" if is_path else "volume", source)


@lru_cache(MAX_REMEMBERED)
def _parts(spec: str) -> tuple[str, ...]:
    """Source, target and options of a short entry; a drive's letter is part of what follows it."""
    if not spec:
        raise UnclearError("an empty volume")
    if len(spec) <= _SHORTEST:
        return (spec,)
    parts: list[str] = []
    word = ""
    for letter in f"{spec}:":
        if letter == ":" and not (len(word) == 1 and word.isalpha()):
            parts.append(word)
            word = ""
        else:
            word += letter
    if word:
        parts.append(word.removesuffix(":"))
    if not all(parts) or len(parts) > len(("source", "target", "options")):
        raise UnclearError("a volume with too many colons, or with nothing between them")
    return tuple(parts)


def _cleaned(target: str) -> str:
    return posixpath.normpath(target) if target else ""
