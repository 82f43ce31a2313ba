"""Every setting as a row for the reference page."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from scanner.settings.fields import Unit
from scanner.settings.schema import Settings
from scanner.settings.shape import bare, extra_of, kind_of, models
from scanner.settings.units import format_duration, format_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Described:
    """One setting: ``inventory[].hosts.<name>.port``, its type with unit, its range, its default, its purpose."""

    path: str
    type: str
    range: str
    default: str
    description: str


def describe(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[Described]:
    """Every setting below ``model``, in the order of the file; sections themselves are left out."""
    hints = typing.get_type_hints(model, include_extras=True)
    for name, field in model.model_fields.items():
        yield from _field(f"{prefix}{name}", hints[name], field)
    if extra := extra_of(model):
        for inside in models(extra):
            yield from describe(inside, f"{prefix}<registry>.")


def _field(path: str, annotation: Any, field: FieldInfo) -> Iterator[Described]:
    suffix, item = _container(annotation)
    inside = models(item)
    if not inside:
        yield Described(path, _type(annotation, field), _range(field), _default(field), field.description or "")
        return
    for model in inside:
        kind = f"({kind_of(model)})" if kind_of(model) else ""
        yield from describe(model, f"{path}{suffix}{kind}.")


def _container(annotation: Any) -> tuple[str, Any]:
    """How a member of a list or mapping is written after its name, with the member's type."""
    annotation = bare(annotation)
    if get_origin(annotation) is tuple:
        return "[]", get_args(annotation)[0]
    if get_origin(annotation) is dict:
        return ".<name>", get_args(annotation)[1]
    return "", annotation


def _unit(field: FieldInfo, annotation: Any) -> str:
    inside = [meta for one in get_args(annotation) for meta in getattr(one, "__metadata__", ())]
    found = [*field.metadata, *getattr(annotation, "__metadata__", ()), *inside]
    return next((meta.name for meta in found if isinstance(meta, Unit)), "")


def _type(annotation: Any, field: FieldInfo) -> str:
    plain = bare(annotation)
    if get_origin(plain) is Literal:
        return " | ".join(map(str, get_args(plain)))
    if get_origin(plain) is tuple:
        return f"list of {_type(get_args(plain)[0], field)}"
    if get_origin(plain) is dict:
        return f"mapping of text to {_type(get_args(plain)[1], field)}"
    names = {str: "text", int: "whole number", bool: "true or false", Path: "path"}
    return _unit(field, annotation) or names.get(plain, "text")


def _write(field: FieldInfo, value: object) -> str:
    unit = next((meta.name for meta in field.metadata if isinstance(meta, Unit)), "")
    if unit == "duration" and isinstance(value, float | int):
        return format_duration(value)
    if unit == "size" and isinstance(value, int):
        return format_size(value)
    return str(value)


def _range(field: FieldInfo) -> str:
    least = next((meta.ge for meta in field.metadata if hasattr(meta, "ge")), None)
    most = next((meta.le for meta in field.metadata if hasattr(meta, "le")), None)
    if least is None and most is None:
        return "not empty" if any(hasattr(meta, "min_length") for meta in field.metadata) else ""
    return f"{'' if least is None else _write(field, least)} to {'' if most is None else _write(field, most)}"


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    if default is PydanticUndefined:
        return "required"
    if default is None:
        return "null"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple | dict):
        return "none" if not default else ", ".join(map(str, default))
    return _write(field, default) if default != "" else "empty"
