"""The page of settings, made from their JSON schema."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from scanner.settings.json_schema import Node, kind_of, resolve, schema_of, sections
from scanner.settings.schema import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """# Configuration

One YAML file, `archscan.yml`: `--config FILE`, `ARCHSCAN_CONFIG`, `./archscan.yml` or `/etc/archscan/archscan.yml`, the
first that there is. It is strict: unknown and duplicate keys, wrong types and ranges are refused with file, line, path
and the nearest right key; `archscan config check` shows them all. Durations are written `30s`, `5m`, `4h`, `90d`, sizes
`64KiB`, `4MiB`. Relative paths start from the file's folder. Every secret can be a `*_file`.

`archscan config schema > archscan.schema.json` writes the JSON schema of the file, by which an editor completes it,
explains it and shows what is wrong while you type: with the YAML language server, put
`# yaml-language-server: $schema=archscan.schema.json` on its first line.

Each setting but lists can be overridden by the environment: `ARCHSCAN_` and its path in capitals, the parts joined by two
underscores, such as `ARCHSCAN_SSH__CONNECT_TIMEOUT=5s`.

`SIGHUP` or `POST /-/reload` read the file again. A bad file keeps the last good one, and
`archscan_config_last_reload_successful` goes to 0. A reload that would lose more than half of the hosts is refused unless
`scan.allow_shrink` is set. A running scan ends on the settings it began with. Tokens, users, certificates and the log
follow at once: a removed token is dead with the answer to the reload. `web.listen`, `store`, `replicas` and `trail` take a restart, and a
reload that changes them is refused by name.

Files that hold a secret belong to root or to the user that runs archscan, without a right for anybody else (`chmod 0600`).
Root's may be read by the own group of the account that runs archscan (`root:archscan`, `chmod 0640`), but for one with an ACL.
What lies below systemd's `$CREDENTIALS_DIRECTORY` or `/run/secrets` passes, and root's files on a mount that is read-only
or in memory. A token has at least 16 characters: `openssl rand -hex 32`. `archscan config check` looks at all of it, at the
store and at the port, and changes nothing.

`config/archscan.yml` shows the usual keys. This page is made from the code:
`python -m docs.generate`.
"""

_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}


@dataclass(frozen=True, slots=True)
class Row:
    """One setting: ``inventory[].hosts.<name>.port``, its type with unit, its range, its default, its purpose."""

    path: str
    type: str
    range: str
    default: str
    description: str


def page() -> str:
    """All settings in Markdown, a table for each section."""
    parts = [_HEAD]
    for section, settings in groupby(rows(), key=_section):
        parts.append(
            f"\n## {section}\n\n| setting | type | range | default | meaning |\n| --- | --- | --- | --- | --- |\n"
        )
        parts.extend(_line(setting) for setting in settings)
    return "".join(parts)


def rows() -> Iterator[Row]:
    """Every setting in the order of the file; sections themselves are left out."""
    root = schema_of(Settings)
    yield from _inside(root, root, "")


def _section(row: Row) -> str:
    return row.path.partition(".")[0].replace("[]", "")


def _line(row: Row) -> str:
    cells = (f"`{row.path}`", row.type, row.range, row.default, row.description)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _inside(root: Node, section: Node, prefix: str) -> Iterator[Row]:
    required = section.get("required", ())
    for name, node in section["properties"].items():
        yield from _setting(root, node, f"{prefix}{name}", is_required=name in required)
    if freely_named := section.get("additionalProperties"):
        for inside in sections(root, freely_named):
            yield from _inside(root, inside, f"{prefix}<registry>.")


def _setting(root: Node, node: Node, path: str, *, is_required: bool) -> Iterator[Row]:
    suffix, member = _member(resolve(root, node))
    inside = sections(root, member)
    if not inside:
        default = "required" if is_required else _default(node.get("default", {}))
        yield Row(path, _type(node), _range(node), default, node.get("description", ""))
    for section in inside:
        kind = f"({kind_of(section)})" if kind_of(section) else ""
        yield from _inside(root, section, f"{path}{suffix}{kind}.")


def _member(node: Node) -> tuple[str, Node]:
    """How a member of a list or mapping is written after its name, with the member's schema."""
    if "items" in node:
        return "[]", node["items"]
    if "properties" not in node and isinstance(node.get("additionalProperties"), dict):
        return ".<name>", node["additionalProperties"]
    return "", node


def _type(node: Node) -> str:
    if "const" in node:
        return str(node["const"])
    if "enum" in node:
        return " | ".join(_default(value) for value in node["enum"] if value is not None)
    if "items" in node:
        return f"list of {_type(node['items'])}"
    if node["type"] == "object":
        return f"mapping of text to {_type(node['additionalProperties'])}"
    name = node["type"] if isinstance(node["type"], str) else node["type"][0]
    return str(node.get("x-unit", _TYPES[name]))


def _range(node: Node) -> str:
    least, most = (node.get(word, node.get(f"x-{word}", "")) for word in ("minimum", "maximum"))
    if least == most == "":
        if "x-unit" in node:  # its unit says so
            return ""
        return "not empty" if node.keys() & {"minLength", "minItems", "minProperties"} else ""
    return f"{least} to {most}"


def _default(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | dict):
        return ", ".join(value) or "none"
    return str(value) if value != "" else "empty"
