"""The settings as a JSON schema: what editors check by, what our own messages are made from."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from scanner.settings.fields import WRITTEN

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import core_schema

    from scanner.settings.yaml_source import Place

Node = dict[str, Any]
"""The schema of one place: an object, a list or a single setting; references are followed."""

DRAFT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """Pydantic's schema in the form that reads best in an editor: one node for each setting, without OpenAPI's words."""

    schema_dialect = DRAFT

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Node:
        """A setting that may be null stays one node, so that its pattern, title, secrecy are the setting's own."""
        node = self.generate_inner(schema["schema"])
        if not isinstance(node.get("type"), str):
            return super().nullable_schema(schema)
        nullable = {**node, "type": [node["type"], "null"]}
        return {**nullable, "enum": [*node["enum"], None]} if "enum" in node else nullable

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> Node:
        """Each kind has its ``const``; ``discriminator`` is a word of OpenAPI."""
        return {key: value for key, value in super().tagged_union_schema(schema).items() if key != "discriminator"}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Node:
        """A default is spelled as in the file; a section's is what its settings' defaults say."""
        node = super().default_schema(schema)
        if isinstance(node.get("default"), dict):
            del node["default"]
        write = WRITTEN.get(node.get("x-unit", ""))
        if write and node.get("default") is not None:
            node["default"] = write(node["default"])
        return node


@cache
def schema_of(model: type[BaseModel]) -> Node:
    """The JSON schema (draft 2020-12) of a file whose content is ``model``.

    Beside the words of that draft a setting has ``x-unit`` (``duration``, ``path`` …) and, where it is counted in a
    unit that is written as text, its range as ``x-minimum``, ``x-maximum``.
    """
    return {"$schema": DRAFT, **model.model_json_schema(schema_generator=_Generator)}


def node_at(root: Node, place: Place, value: Any) -> Node | None:
    """The schema at a place of a file whose content is ``value``; ``None`` where the schema has no such place."""
    node: Node | None = root
    for part in place:
        if node is None:
            return None
        node = _inner(root, node, part, value)
        value = step(value, part)
    return node


def sections(root: Node, node: Node | None) -> tuple[Node, ...]:
    """The sections among which a place is: several for the kinds of inventory sources, none for a single setting."""
    if node is None:
        return ()
    choices = node.get("oneOf") or node.get("anyOf") or (node,)
    resolved = (resolve(root, choice) for choice in choices)
    return tuple(choice for choice in resolved if "properties" in choice)


def resolve(root: Node, node: Node) -> Node:
    """The node itself, or what it refers to with what it says beside the reference."""
    reference = node.get("$ref")
    if reference is None:
        return node
    return {**root["$defs"][reference.removeprefix("#/$defs/")], **node}


def kind_of(section: Node) -> str:
    """The value of ``kind`` that selects a section among several, empty for any other section."""
    return str(section["properties"].get("kind", {}).get("const", ""))


def step(value: Any, part: str | int) -> Any:
    """The member ``part`` of a value, ``None`` where it has none."""
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, tuple) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


def _inner(root: Node, node: Node, part: str | int, value: Any) -> Node | None:
    """The schema one step further in; ``value`` is what stands here in the file."""
    found = sections(root, node)
    if len(found) > 1:
        kind = value.get("kind") if isinstance(value, dict) else None
        found = tuple(section for section in found if kind_of(section) == kind)
    around = found[0] if found else resolve(root, node)
    if isinstance(part, int):
        inner = around.get("items")
    else:
        inner = around.get("properties", {}).get(part) or around.get("additionalProperties")
    return inner if isinstance(inner, dict) else None
