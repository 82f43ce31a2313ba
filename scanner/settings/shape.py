"""Walks the schema: which model or type stands at a place."""

from __future__ import annotations

import types
import typing
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from scanner.settings.yaml_source import Place


def bare(annotation: Any) -> Any:
    """The type without ``Annotated`` and without ``| None``."""
    while get_origin(annotation) is typing.Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [one for one in get_args(annotation) if one is not type(None)]
        return bare(rest[0]) if len(rest) == 1 else Union[tuple(bare(one) for one in rest)]  # noqa: UP007 - built at run time
    return annotation


def models(annotation: Any) -> tuple[type[BaseModel], ...]:
    """The models among which a value of this type is; several for the kinds of inventory sources."""
    annotation = bare(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (annotation,)
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(model for one in get_args(annotation) for model in models(one))
    return ()


def extra_of(model: type[BaseModel]) -> Any:
    """The type of a model's freely named members, ``None`` where it has none."""
    annotation = typing.get_type_hints(model, include_extras=True).get("__pydantic_extra__")
    return get_args(annotation)[1] if model.model_config.get("extra") == "allow" and annotation else None


def kind_of(model: type[BaseModel]) -> str:
    """The value of ``kind`` that selects a model of a union, empty for any other model."""
    field: FieldInfo | None = model.model_fields.get("kind")
    return str(get_args(field.annotation)[0]) if field and get_origin(field.annotation) is Literal else ""


def inner(annotation: Any, part: str | int, value: Any) -> Any:
    """The type one step further in: the field, member or item ``part``; ``value`` is what stands here in the file.

    ``None`` where the schema has no such place.
    """
    found = models(annotation)
    if found:
        kind = value.get("kind") if isinstance(value, dict) else None
        model = next((one for one in found if kind_of(one) == kind), found[0] if len(found) == 1 else None)
        if model is None:
            return None
        field = model.model_fields.get(str(part))
        return typing.get_type_hints(model, include_extras=True)[str(part)] if field else extra_of(model)
    annotation = bare(annotation)
    arguments = get_args(annotation)
    if get_origin(annotation) is dict and len(arguments) == 2:  # noqa: PLR2004 - key and value
        return arguments[1]
    return arguments[0] if get_origin(annotation) is tuple and isinstance(part, int) else None


def type_at(root: type[BaseModel], place: Place, value: Any) -> Any:
    """The type at a place of a file whose content is ``value``; ``None`` where the schema has none."""
    annotation: Any = root
    for part in place:
        if annotation is None:
            return None
        annotation = inner(annotation, part, value)
        value = step(value, part)
    return annotation


def step(value: Any, part: str | int) -> Any:
    """The member ``part`` of a value, ``None`` where it has none."""
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, tuple) and isinstance(part, int) and part < len(value):
        return value[part]
    return None
