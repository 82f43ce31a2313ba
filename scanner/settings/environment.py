"""Environment variables that override settings: ``ARCHSCAN_SSH__CONNECT_TIMEOUT=5s``."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scanner.settings.json_schema import Node, node_at, schema_of, sections
from scanner.settings.problem import Problem, SettingsError
from scanner.settings.yaml_source import Place, SettingsDocument, parse, render

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic import BaseModel

PREFIX = "ARCHSCAN_"
SEPARATOR = "__"
"""A name without it is somebody else's: Kubernetes sets ARCHSCAN_PORT for a Service of that name."""


def overrides(environ: Mapping[str, str]) -> dict[str, Place]:
    """The variables that name a setting, each with the place it names."""
    return {
        name: tuple(name.removeprefix(PREFIX).lower().split(SEPARATOR))
        for name in sorted(environ)
        if name.startswith(PREFIX) and SEPARATOR in name.removeprefix(PREFIX)
    }


def override(document: SettingsDocument, environ: Mapping[str, str], model: type[BaseModel]) -> SettingsDocument:
    """The document with what the environment says put in its place.

    Raises:
        SettingsError: a variable that names no setting, or whose text is no value.
    """
    named = [name for name in environ if name.startswith(PREFIX)]
    if not named:
        return document
    schema = schema_of(model)
    value, problems = document.value, list(_of_one_stroke(schema, named))
    for name, place in overrides(environ).items():
        wanted = node_at(schema, place, value)
        if wanted is None or sections(schema, wanted):
            problems.append(Problem(name, 0, render(place), "names no setting", _nearest(schema, place, value)))
            continue
        try:
            value = _put(value, place, _value(environ[name], wanted, name))
        except SettingsError as error:
            problems.extend(error.problems)
    if problems:
        raise SettingsError(problems)
    return replace(document, value=value)


def _of_one_stroke(schema: Node, names: Iterable[str]) -> Iterator[Problem]:
    """Variables that would name a setting of a section if they had both strokes: nobody else means that setting."""
    for name in sorted(names):
        words = name.removeprefix(PREFIX).lower()
        for section in schema["properties"]:
            inner = sections(schema, node_at(schema, (section,), None))
            key = words.removeprefix(f"{section}_")
            if words.startswith(f"{section}_") and any(key in one["properties"] for one in inner):
                meant = f"{PREFIX}{section}{SEPARATOR}{key}".upper()
                yield Problem(name, 0, "", "names no setting", meant)


def _nearest(schema: Node, place: Place, value: Any) -> str:
    """The variable that was probably meant."""
    around = sections(schema, node_at(schema, place[:-1], value))
    known = [name for section in around for name in section["properties"]]
    close = difflib.get_close_matches(str(place[-1]), known, n=1)
    return PREFIX + SEPARATOR.join((*map(str, place[:-1]), close[0])).upper() if close else ""


def _value(text: str, wanted: Node, name: str) -> Any:
    """Text stays as it is, ``123`` and ``no`` too; anything else is read as YAML."""
    if "string" in wanted["type"]:
        return text
    return parse(text.encode("utf-8", "surrogateescape"), name).value


def _put(value: Any, place: Place, new: Any) -> Any:
    if not place:
        return new
    members = dict(value) if isinstance(value, dict) else {}
    members[str(place[0])] = _put(members.get(str(place[0])), place[1:], new)
    return members
