"""Documents of Compose files, with their variables put in place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from scanner.formats.documents import bounded_yaml, yaml_scalars
from scanner.formats.documents.bounded_yaml import YamlError
from scanner.formats.variables.interpolation import InterpolationError, RequiredError, substitute
from scanner.probe.planned import manifest_files
from scanner.probe.planned.compose.values import Text
from scanner.probe.planned.plans import MAX_DOCUMENT_BYTES, UnclearError, text_of
from scanner.probe.planned.unknown_text import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.formats.documents.bounded_yaml import Place
    from scanner.formats.variables.interpolation import Value
    from scanner.probe.planned.compose.merge import Steps

RESET: Any = object()
"""Stands for a value tagged ``!reset``."""


@dataclass(frozen=True, slots=True)
class _Override:
    """A value tagged ``!override``."""

    value: Any


def is_of_compose(value: Any) -> bool:
    """Whether a value carried one of Compose's own tags, which nobody else takes."""
    return value is RESET or isinstance(value, _Override)


def _tagged(tag: str, value: Any) -> Any:
    """Tags of Compose's own; any other is passed over, as yaml.v3 does."""
    if tag == "reset":
        return RESET
    return _Override(value) if tag == "override" else value


_RULES = bounded_yaml.Rules(
    max_chars=MAX_DOCUMENT_BYTES,
    max_depth=manifest_files.MAX_DEPTH,
    max_nodes=manifest_files.MAX_NODES,
    max_aliased=manifest_files.MAX_NODES,
    max_aliased_chars=4 * MAX_DOCUMENT_BYTES,
    max_documents=manifest_files.MAX_DOCUMENTS,
    scalar=yaml_scalars.go_yaml,
    tagged=_tagged,
    has_keys_once=True,
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The documents of one file as written, and where each place stands."""

    path: str
    documents: tuple[Any, ...]
    lines: Mapping[Place, int]

    def at(self, place: Place) -> str:
        """``compose.yml:12`` for a place, or for what it is in."""
        while place and place not in self.lines:
            place = place[:-1]
        return f"{self.path}:{self.lines[place]}" if place in self.lines else self.path


@dataclass(slots=True)
class ComposeDocument:
    """One document with its variables in place; ``resets`` are the paths that are taken away from what it lies over.

    ``required`` are variables that must be set and are not, each with where it stands.
    """

    content: dict[str, Any]
    resets: list[Place] = field(default_factory=list)
    required: list[str] = field(default_factory=list)


STACK = replace(_RULES, scalar=yaml_scalars.go_yaml_v2, has_keys_once=False, merges_in_place=True)
"""Of the files that ``docker stack`` reads with an older library than Compose."""


def parsed(path: str, raw: bytes, rules: bounded_yaml.Rules = _RULES) -> Parsed:
    """A file's documents.

    Raises:
        UnclearError: no YAML that Compose takes, or more than a file of its kind holds.
    """
    lines: dict[Place, int] = {}
    try:
        documents = bounded_yaml.documents(text_of(raw), rules, lines)
    except YamlError as error:
        where = f"{path}:{error.line}: " if error.line else f"{path}: "
        raise UnclearError(f"{where}{error.problem.removeprefix('is ')}") from None
    except UnclearError as error:
        raise UnclearError(f"{path}: {error}") from error
    return Parsed(path, tuple(documents), lines)


def interpolated(file: Parsed, number: int, variables: Mapping[str, Value], chars: Steps) -> ComposeDocument:
    """A document with its variables put in place, in values alone, as Compose does; ``chars`` counts what they become.

    Raises:
        UnclearError: no mapping, keys that are no text, a form of variable that Compose does not know.
    """
    document = ComposeDocument({})
    content = _Placing(file, variables, document, chars).value(file.documents[number], ())
    if not isinstance(content, dict):
        raise UnclearError(f"{file.path}: no mapping")
    document.content = content
    return document


class _Placing:
    """One pass over a document, whose depth the YAML reader has bounded."""

    def __init__(self, file: Parsed, variables: Mapping[str, Value], document: ComposeDocument, chars: Steps) -> None:
        self._file = file
        self._variables = variables
        self._document = document
        self._chars = chars

    def value(self, value: Any, place: Place) -> Any:
        if isinstance(value, str):
            return self._text(value, place)
        if isinstance(value, dict):
            return self._mapping(value, place)
        if isinstance(value, list):
            found = (self.value(one, (*place, number)) for number, one in enumerate(value))
            return [one for one in found if one is not RESET]
        if value is RESET:
            self._document.resets.append(place)
        elif isinstance(value, _Override):
            self._document.resets.append(place)
            return self.value(value.value, place)
        return value

    def _mapping(self, value: dict[Any, Any], place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, one in value.items():
            if not isinstance(key, str):
                raise UnclearError(f"{self._file.at(place)}: a key that is no text")
            put = self.value(one, (*place, key))
            if put is not RESET:
                found[key] = put
        return found

    def _text(self, value: str, place: Place) -> Text:
        at = self._file.at(place)
        try:
            put = substitute(value, self._variables)
        except RequiredError as error:
            self._document.required.append(f"{at}: {error}")
            return Text("", at, required=str(error), marked=self._marked(value))
        except InterpolationError as error:
            raise UnclearError(f"{at}: {error}") from error
        self._chars.take(len(put.text))
        return Text(put.text, at, put.unset, marked=self._marked(value) if put.unset else "")

    def _marked(self, value: str) -> str:
        return substitute(value, self._variables, UNKNOWN).text
