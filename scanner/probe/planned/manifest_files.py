"""YAML documents of plans, read within bounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scanner.formats.documents import bounded_yaml, yaml_scalars
from scanner.formats.documents.bounded_yaml import YamlError
from scanner.probe.planned.plans import MAX_DOCUMENT_BYTES, UnclearError, text_of

MAX_DOCUMENTS = 500
"""One file describes a rack, not a data centre."""

MAX_DEPTH = 100
"""No description nests deeper, and no parser of ours must recurse without end."""

MAX_NODES = 100_000
"""Keys and values of one file: a rendered chart of five hundred objects has some 50,000."""


def _scalar(text: str) -> Any:
    """A plain scalar as Kubernetes' tools read it, but a bare ``y`` or ``n``, which they refuse where text is wanted."""
    return text if text in _LETTERS else yaml_scalars.go_yaml_v2(text)


_LETTERS = frozenset("yYnN")

KUBERNETES = bounded_yaml.Rules(
    max_chars=MAX_DOCUMENT_BYTES,
    max_depth=MAX_DEPTH,
    max_nodes=MAX_NODES,
    max_aliased=MAX_NODES,
    max_aliased_chars=4 * MAX_DOCUMENT_BYTES,
    max_documents=MAX_DOCUMENTS,
    scalar=_scalar,
    merges_in_place=True,
    tagged=lambda tag, value: None if tag == "reset" else value,  # Compose's ``!reset``, ``!override``
)


PODMAN = replace(KUBERNETES, scalar=yaml_scalars.go_yaml, merges_in_place=False, has_keys_once=True)
"""``podman kube play`` reads documents with yaml.v3 before it hands them to Kubernetes' library."""


def documents(raw: bytes, rules: bounded_yaml.Rules = KUBERNETES) -> list[Any]:
    """All documents of a file.

    Raises:
        UnclearError: it is no YAML, or more than a file of its kind holds; never what stands there.
    """
    try:
        return bounded_yaml.documents(text_of(raw), rules)
    except YamlError as error:
        where = f" in line {error.line}" if error.line else ""
        raise UnclearError(f"{error.problem.removeprefix('is ')}{where}") from None


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
