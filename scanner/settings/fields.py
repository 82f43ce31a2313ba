"""The types of single settings: their unit, how they are written, how they are checked."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SecretStr,
    ValidationInfo,
)
from pydantic_core import CoreSchema

from scanner.domain.failure import Failure
from scanner.domain.host import LOGIN, is_login
from scanner.domain.image.reference import image_reference
from scanner.domain.platform.platform import parse as parse_platform
from scanner.domain.verdict.plain import refuse_unknown
from scanner.domain.waiver import end_of_day, writable
from scanner.settings.units import (
    DURATION_PATTERN,
    SIZE_PATTERN,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
)


class Section(BaseModel):
    """A mapping of settings: immutable, and refusing what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


WRITTEN: Mapping[str, Callable[[Any], str]] = {"duration": format_duration, "size": format_size}
"""How amounts are spelled that the file holds as text."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a setting is counted in, for the JSON schema, beside how it is written there."""

    name: str
    pattern: str = ""
    min_length: int = 0
    is_secret: bool = False

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The setting as it is written in the file."""
        node = handler(core)
        node.pop("format", None)  # pydantic's are names of its own, which no validator knows
        if write := WRITTEN.get(self.name):
            node["type"] = "string"
            for limit in node.keys() & {"minimum", "maximum"}:
                node[f"x-{limit}"] = write(node.pop(limit))
        said = {"pattern": self.pattern, "minLength": self.min_length, "writeOnly": self.is_secret}
        return {**node, "x-unit": self.name, **{keyword: value for keyword, value in said.items() if value}}


class OrImage:
    """An image may be written as its reference alone."""

    @staticmethod
    def __get_pydantic_json_schema__(core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Text or a mapping."""
        return {"anyOf": [{"type": "string", "minLength": 1}, handler(core)]}


def _to_path(value: object, info: ValidationInfo) -> Path:
    """A path; a relative one starts from the folder of the configuration file, never from where we were started.

    ``~`` is the home of the account that archscan runs under, ``~name`` that of another.
    """
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("must be a file path")
    path = Path(value)
    if value.startswith("~"):
        try:
            path = path.expanduser()
        except RuntimeError:
            raise ValueError("is in a home that is not known: write it out") from None
    return Path((info.context or {}).get("folder", "."), path)


def _to_secret(value: object) -> SecretStr:
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("must be text; write it in quotes")
    return SecretStr(value)


def _to_moment(value: object) -> datetime:
    """A day or a moment in ISO 8601; a day lasts until its end in UTC, a moment must name its zone."""
    if isinstance(value, datetime):
        return writable(value)
    refusal = ValueError("must be a day such as 2027-01-31 or a moment such as 2027-01-31T12:00:00Z")
    if not isinstance(value, str):
        raise refusal
    try:
        if day := end_of_day(value):
            return day
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise refusal from None
    if moment.tzinfo is None:
        raise refusal
    return writable(moment)


_LISTEN_PATTERN = r"^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]*):[0-9]{1,5}$"
_LISTEN = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]*):(?P<port>\d{1,5})", re.ASCII)


def split_listen(text: str) -> tuple[str, int]:
    """The address, empty for every interface, then the port of ``127.0.0.1:9719``, ``[::1]:9719`` or ``:9719``.

    Raises:
        ValueError: anything else.
    """
    match = _LISTEN.fullmatch(text)
    if match is None or int(match["port"]) > 65535:  # noqa: PLR2004 - the last TCP port
        raise ValueError("must be an address with a port, such as 127.0.0.1:9719, [::1]:9719 or :9719")
    return match["host"].strip("[]"), int(match["port"])


def _check_listen(value: object) -> object:
    if isinstance(value, str):
        split_listen(value)
    return value


def _check_login(value: str) -> str:
    if not is_login(value):
        raise ValueError("must be a login name, such as archscan")
    return value


def _check_platform(value: str) -> str:
    try:
        refuse_unknown(parse_platform(value))
    except ValueError as error:
        raise ValueError(f"must be a platform such as linux/arm64 or linux/arm/v7: {error}") from None
    return value


def _check_image(value: str) -> str:
    found = image_reference(value)
    if isinstance(found, Failure):
        raise ValueError(f"must be an image reference such as registry.example:5000/shop/api:1.4: {found.detail}")  # noqa: TRY004 -- a wrong file, not a wrong call
    return value


def _check_network(value: object) -> object:
    if isinstance(value, str):
        try:
            ipaddress.ip_network(value)
        except ValueError:
            raise ValueError("must be a network such as 10.0.0.0/8 or an address") from None
    return value


def _planned(value: Any) -> Any:
    return {"image": value} if isinstance(value, str) else value


def _duration(value: object, info: ValidationInfo) -> float:
    """Seconds are for callers; a file writes a unit, since a bare number's would be a guess."""
    return value if isinstance(value, float) and not info.context else parse_duration(value)


def _size(value: object) -> int:
    return parse_size(value)


_MOMENT_PATTERN = r"^[0-9]{4}.{6}"
"""ISO 8601 has too many spellings for a pattern that tells more without refusing one of them."""

Duration = Annotated[float, BeforeValidator(_duration), Unit("duration", DURATION_PATTERN)]
Size = Annotated[int, BeforeValidator(_size), Unit("size", SIZE_PATTERN)]
FilePath = Annotated[Path, BeforeValidator(_to_path), Unit("path", min_length=1)]
Secret = Annotated[SecretStr, BeforeValidator(_to_secret), Unit("secret", min_length=1, is_secret=True)]
Moment = Annotated[datetime, BeforeValidator(_to_moment), Unit("day or moment", _MOMENT_PATTERN)]
Listen = Annotated[str, BeforeValidator(_check_listen), Unit("address:port", _LISTEN_PATTERN)]
Network = Annotated[str, BeforeValidator(_check_network), Unit("network")]
Port = Annotated[int, Field(ge=1, le=65535), Unit("port")]
Text = Annotated[str, Field(min_length=1)]
Login = Annotated[str, AfterValidator(_check_login), Unit("login", f"^(?:{LOGIN.pattern})$")]
LoginOrNone = Annotated[
    str,
    AfterValidator(lambda value: _check_login(value) if value else value),
    Unit("login", f"^(?:{LOGIN.pattern})?$"),
]
PlatformName = Annotated[str, AfterValidator(_check_platform)]
ImageName = Annotated[str, Field(min_length=1), AfterValidator(_check_image)]


class PlannedImage(Section):
    """An image that a host is meant to run; a plain string is its ``image``."""

    image: ImageName = Field(description="Image reference, such as registry.example:5000/shop/api:1.4.")
    workload: str = Field(default="", description="Name of the workload; the image where it is empty.")
    platform: PlatformName | None = Field(
        default=None, description="Platform that the deployment pins, such as linux/amd64."
    )
    engine: Literal["docker", "podman", "containerd", "cri"] | None = Field(
        default=None, description="Engine that is to run it; the likeliest one that the host has where it is null."
    )


Planned = Annotated[PlannedImage, BeforeValidator(_planned), OrImage()]
