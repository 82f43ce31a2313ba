"""JSON of an engine read without trust: what has another shape than expected is ``MalformedError``."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Process
from scanner.domain.platform.platform import Platform, normalize
from scanner.domain.text import printable
from scanner.formats.documents import lenient_json
from scanner.formats.documents.lenient_json import JsonError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_WORDS = 4096
"""The kernel would take more arguments than these, nobody gives a container as many."""

MAX_WORD_CHARS = 131072
"""MAX_ARG_STRLEN of Linux: execve refuses a longer word."""

MAX_NAME_CHARS = 512
"""Image references and container names end well before; they become labels and table cells."""

MAX_COUNT = 1 << 31


class MalformedError(ValueError):
    """JSON has not the shape that its engine gives it; caught where the engine's section is made."""


def parse(raw: str | bytes) -> Any:
    """One JSON value."""
    try:
        return lenient_json.loads(raw)
    except JsonError as error:
        raise MalformedError(f"not JSON: {printable(raw, 80)!r}") from error


def mapping(value: Any) -> dict[str, Any]:
    """A JSON object; null is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedError(f"not an object: {printable(repr(value), 80)}")
    return value


def record(value: Any) -> dict[str, Any]:
    """A JSON object that has to be there."""
    if value is None:
        raise MalformedError("null where an object must be")
    return mapping(value)


def rows(value: Any) -> list[Any]:
    """A JSON array; null is an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedError(f"not an array: {printable(repr(value), 80)}")
    return value


def name(value: Any, limit: int = MAX_NAME_CHARS) -> str:
    """A printable string; null is the empty one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedError(f"not a string: {printable(repr(value), 80)}")
    return printable(value, limit)


def number(value: Any) -> int:
    """A whole number; null is zero."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_COUNT:
        raise MalformedError(f"not a number: {printable(repr(value), 80)}")
    return value


def words(value: Any) -> tuple[str, ...]:
    """An argument vector as it is, only lone surrogates replaced; null is an empty one, a string one word."""
    if isinstance(value, str):
        value = [value] if value else []
    found = rows(value)
    if len(found) > MAX_WORDS:
        raise MalformedError(f"more than {MAX_WORDS} arguments")
    return tuple(_word(word) for word in found)


def _word(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_WORD_CHARS:
        raise MalformedError("an argument is no string or longer than execve takes")
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def path_variable(values: Iterable[Any]) -> str | None:
    """PATH of an environment given as ``NAME=value`` words."""
    found = [word for word in words([value for value in values if value is not None]) if word.startswith("PATH=")]
    return found[-1].removeprefix("PATH=") if found else None


def optional_name(values: dict[str, Any], key: str, limit: int = MAX_NAME_CHARS) -> str | None:
    """A printable string that an older probe did not ask for: ``None`` where the key is missing."""
    return name(values[key], limit) if key in values else None


def environment(values: Any) -> tuple[tuple[str, str | None], ...] | None:
    """Variables in their order: ``NAME=value``, or ``NAME`` alone where the value stayed on the host.

    Null is "not told" (an older probe, or more variables than it sends).
    """
    if values is None:
        return None
    found = []
    for word in words([value for value in rows(values) if value is not None]):
        variable, equals, value = word.partition("=")
        found.append((variable, value if equals else None))
    return tuple(found)


def platform(os: Any, architecture: Any, variant: Any = None, os_version: Any = None) -> Platform | None:
    """A platform of which at least the operating system and architecture are said.

    An ARM variant that is not said stays open: containerd would take v7 for it, on a Pi Zero just as well.
    """
    return _platform(name(os), name(architecture), name(variant), name(os_version))


@lru_cache(maxsize=1024)
def _platform(os: str, architecture: str, variant: str, os_version: str) -> Platform | None:
    """The same few platforms come again and again."""
    if not os or not architecture:
        return None
    found = normalize(Platform(os, architecture, variant, os_version))
    return replace(found, variant="") if architecture.lower() == "arm" and not variant else found


def process(config: dict[str, Any]) -> Process:
    """What a config, in the keys of the probe's own formats, says will be exec'd."""
    return Process(
        entrypoint=words(config.get("entrypoint")),
        cmd=words(config.get("cmd")),
        path=path_variable(rows(config.get("path"))),
        working_dir=name(config.get("working_dir"), MAX_WORD_CHARS),
        env=environment(config.get("env")),
        user=optional_name(config, "user"),
        healthcheck=words(config.get("health")) or None,
    )
