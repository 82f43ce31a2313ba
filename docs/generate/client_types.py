"""What the description of the API is made into: the client's types, the schema of a report."""

from __future__ import annotations

import json
import textwrap
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from scanner.web.api.app import create_app
from scanner.web.http.access import Access

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scanner.service.service import Service
    from scanner.web.http.exposition import Exposition

HEAD = '''"""Answers of the API as types; made from its description by ``python -m docs.generate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping
'''

DIALECT = "https://json-schema.org/draft/2020-12/schema"

REF = "#/components/schemas/"

WIDTH = 112
"""Of a docstring's line."""

ASKED = (
    "Report",
    "FindingPage",
    "ImageInFleet",
    "RequestedScan",
    "Checked",
    "Waivers",
    "AddedWaiver",
    "Overrides",
    "TrailState",
    "TrailEntries",
    "Readiness",
)
"""What the client asks for."""

MAX_WORDS = 9
"""Of an enumeration that is written out."""

MIN_SHARED = 4
"""Members that two schemas have in common, before one is said to go on from the other."""

_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def module() -> str:
    """The whole module: a type for each schema that those of ``ASKED`` lead to."""
    found, names = schemas(), sorted(_reached(ASKED))
    bases = {name: _base(found[name], {one: found[one] for one in names if one != name}) for name in names}
    names.sort(key=lambda name: _depth(name, bases))  # what others go on from stands before them
    return HEAD + "".join(f"\n\n{_type(name, found[name], bases[name])}" for name in names)


def _base(schema: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The schema that this one says all of, and more; those that share but a few words only happen to."""
    told = _members(schema).items()
    held = [
        name for name, one in others.items() if len(members := _members(one)) >= MIN_SHARED and members.items() < told
    ]
    return max(held, key=lambda name: len(_members(others[name])), default=None)


def _depth(name: str, bases: Mapping[str, str | None]) -> int:
    base = bases[name]
    return 0 if base is None else 1 + _depth(base, bases)


def _members(schema: Mapping[str, Any]) -> dict[str, str]:
    """The types of an object's members, as they are written."""
    needed = set(schema.get("required", ()))
    return {key: _written(one, needed=key in needed) for key, one in schema.get("properties", {}).items()}


def report_schema() -> str:
    """The JSON schema of the document ``archscan/v1``, whole in one file."""
    found, names = schemas(), _reached(["Report"])
    head = {"$schema": DIALECT, "title": "archscan/v1", **found["Report"]}
    whole = head | {"$defs": {name: found[name] for name in sorted(names - {"Report"})}}
    return json.dumps(whole, indent=2).replace(REF, "#/$defs/") + "\n"


def schemas() -> Mapping[str, Any]:
    """The components of the description."""
    found: Mapping[str, Any] = description()["components"]["schemas"]
    return found


@cache
def description() -> Mapping[str, Any]:
    """The description of the API, as a running service gives it."""
    app = create_app(cast("Service", None), cast("Exposition", None), Access())  # described, never asked
    found: Mapping[str, Any] = app.state.description()
    return found


def _reached(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += _names(schemas()[name])
    return found


def _names(schema: Any) -> list[str]:
    """What a schema names, near or far."""
    found, left = [], [schema]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += one.values()
            if isinstance(ref := one.get("$ref"), str):
                found.append(ref.removeprefix(REF))
        elif isinstance(one, list):
            left += one
    return found


def _type(name: str, schema: Mapping[str, Any], base: str | None = None) -> str:
    if "enum" in schema:
        return f"{name} = {_choice(schema['enum'])}\n{_said(schema, '')}"
    members = _members(schema)
    if not all(key.isidentifier() and key != "from" for key in members):
        rows = ", ".join(f'"{key}": {one}' for key, one in members.items())
        return f'{name} = TypedDict("{name}", {{{rows}}})\n' + _said(schema, "")
    told = _members(schemas()[base]) if base else {}
    rows = "".join(f"    {key}: {one}\n" for key, one in members.items() if key not in told)
    return f"class {name}({base or 'TypedDict'}):\n{_said(schema, '    ')}\n{rows}"


def _choice(words: list[str]) -> str:
    """A list that is long grows: a newer server's answer has words that this client does not know."""
    return "str" if len(words) > MAX_WORDS else "Literal[" + ", ".join(f'"{word}"' for word in words) + "]"


def _said(schema: Mapping[str, Any], indent: str) -> str:
    """The first paragraph of what a schema says of itself."""
    said = " ".join(schema.get("description", "").partition("\n\n")[0].split()) or f"{schema.get('title', '')}."
    lines = textwrap.wrap(said, WIDTH)
    if len(lines) == 1:
        return f'{indent}"""{lines[0]}"""\n'
    return "".join(f"{indent}{line}\n" for line in (f'"""{lines[0]}', *lines[1:], '"""'))


def _written(schema: Mapping[str, Any], *, needed: bool) -> str:
    found = _annotation(schema)
    return found if needed else f"NotRequired[{found}]"


def _annotation(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REF)
    if "anyOf" in schema:
        return " | ".join(map(_annotation, schema["anyOf"]))
    if "const" in schema:
        return f'Literal["{schema["const"]}"]'
    if "enum" in schema:
        return _choice(schema["enum"])
    match schema.get("type"):
        case "array":
            return f"list[{_annotation(schema['items'])}]"
        case "object":
            more = schema.get("additionalProperties", True)
            return f"Mapping[str, {'Any' if more is True else _annotation(more)}]"
        case kind:
            return _PLAIN.get(str(kind), "Any")
