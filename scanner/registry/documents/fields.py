"""Typed access to the fields of a JSON object; what has another type than it must is malformed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from scanner.domain.image.reference import Digest
from scanner.domain.platform.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_WORD_CHARS = 128
"""Platform words and media types end up in labels and lines; real ones have less than 80 characters."""

MAX_FEATURES = 64
"""Of one platform; Windows has one of them."""

MAX_SIZE = 2**63 - 1

_WORD = re.compile(r"[!-~]*", re.ASCII)


class MalformedError(ValueError):
    """A field has another type, or another form, than its specification gives it."""


def text(of: Mapping[str, Any], key: str) -> str:
    """A string, empty where it is absent or null."""
    value = of.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedError(f"{key} is not a string")
    return value


def word(of: Mapping[str, Any], key: str) -> str:
    """A short string of visible ASCII characters, empty where it is absent or null."""
    value = text(of, key)
    if len(value) > MAX_WORD_CHARS or not _WORD.fullmatch(value):
        raise MalformedError(f"{key} is not a word of at most {MAX_WORD_CHARS} characters")
    return value


def texts(of: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    """A list of strings, ``None`` where it is absent or null."""
    value = of.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise MalformedError(f"{key} is not a list of strings")
    return tuple(value)


def objects(of: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """A list of objects, empty where it is absent or null."""
    value = of.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise MalformedError(f"{key} is not a list of objects")
    return value


def child(of: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """An object, ``None`` where it is absent or null."""
    value = of.get(key)
    if value is not None and not isinstance(value, dict):
        raise MalformedError(f"{key} is not an object")
    return value


def text_map(of: Mapping[str, Any], key: str) -> dict[str, str]:
    """An object of strings, empty where it is absent or null."""
    value = child(of, key) or {}
    if not all(isinstance(item, str) for item in value.values()):
        raise MalformedError(f"{key} is not a map of strings")
    return value


def size(of: Mapping[str, Any]) -> int:
    """The ``size`` of a descriptor, in bytes."""
    value = of.get("size")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SIZE:
        raise MalformedError("size is not a number of bytes")
    return value


def digest(of: Mapping[str, Any]) -> Digest:
    """The ``digest`` of a descriptor."""
    try:
        return Digest(text(of, "digest"))
    except MalformedError:
        raise
    except ValueError as error:
        raise MalformedError(f"digest: {error}") from error


def platform(of: Mapping[str, Any]) -> Platform:
    """The five platform fields, as they are written; index entries and configs share their names."""
    features = texts(of, "os.features") or ()
    if len(features) > MAX_FEATURES:
        raise MalformedError(f"os.features are more than {MAX_FEATURES}")
    if any(len(feature) > MAX_WORD_CHARS or not _WORD.fullmatch(feature) for feature in features):
        raise MalformedError("os.features holds something that is no word")
    return Platform(
        os=word(of, "os"),
        architecture=word(of, "architecture"),
        variant=word(of, "variant"),
        os_version=word(of, "os.version"),
        os_features=features,
    )
