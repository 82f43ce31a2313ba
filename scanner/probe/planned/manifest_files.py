"""YAML documents, read with the safe loader."""

from __future__ import annotations

from typing import Any

import yaml

from scanner.probe.planned.plan import UnclearError, text_of

MAX_DOCUMENTS = 500
"""One file describes a rack, not a data centre."""

MAX_DEPTH = 100
"""No description nests deeper, and no parser of ours must recurse without end."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _TolerantLoader(_Loader):  # type: ignore[misc]  # the base is chosen at run time
    """The safe loader, which takes the tags of Compose for what they stand beside."""


def _tagged(loader: Any, suffix: str, node: yaml.Node) -> Any:
    if suffix == "reset":
        return None
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


_TolerantLoader.add_multi_constructor("!", _tagged)
_TolerantLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def documents(raw: bytes) -> list[Any]:
    """All documents of a file.

    Raises:
        UnclearError: it is no YAML, or more than a file of its kind holds.
    """
    text = text_of(raw)
    _check_depth(text)
    found = []
    try:
        for document in yaml.load_all(text, Loader=_TolerantLoader):
            found.append(document)
            if len(found) > MAX_DOCUMENTS:
                raise UnclearError(f"more than {MAX_DOCUMENTS} documents")
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        if isinstance(error, UnclearError):
            raise
        raise _no_yaml(error) from error
    return found


def _check_depth(text: str) -> None:
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_TolerantLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                raise UnclearError(f"nested deeper than {MAX_DEPTH}")
    except (yaml.YAMLError, RecursionError) as error:
        raise _no_yaml(error) from error


def _no_yaml(error: Exception) -> UnclearError:
    """Where it stops being YAML; never what stands there, which may be anything."""
    mark = getattr(error, "problem_mark", None)
    return UnclearError(f"not YAML in line {mark.line + 1}" if mark else "not YAML")


def mapping(value: Any, what: str) -> dict[Any, Any]:
    """A mapping; none is an empty one.

    Raises:
        UnclearError: it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UnclearError(f"{what} is no mapping")
    return value


def sequence(value: Any, what: str) -> list[Any]:
    """A sequence; none is an empty one.

    Raises:
        UnclearError: it is something else.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise UnclearError(f"{what} is no list")
    return value


def argv(value: Any, what: str) -> tuple[str, ...] | None:
    """Words to exec; none where there are none.

    Raises:
        UnclearError: it is no list of scalars.
    """
    if value is None:
        return None
    words = sequence(value, what)
    if not all(isinstance(word, str | int | float | bool) for word in words):
        raise UnclearError(f"{what} is no list of words")
    return tuple(str(word) for word in words)
