"""The Ansible variables that tell how a host is reached."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from scanner.inventory.error import InventoryError
from scanner.inventory.inventory_file import parse_json, parse_yaml, read_text
from scanner.inventory.record import Record, plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scanner.domain.plan import Plan
    from scanner.inventory.ansible_groups import Inventory

VAULT = "$ANSIBLE_VAULT"
"""How an encrypted file starts; connection variables are not kept in those, and we have no key to them."""

_NAME = re.compile(r"\{\{\s*inventory_hostname(_short)?\s*\}\}")
_LABEL = re.compile(r"[^a-zA-Z0-9_]")


def read_vars_folders(inventory: Inventory, folder: Path) -> None:
    """Adds the variables of ``group_vars`` and ``host_vars`` beside the inventory.

    Raises:
        InventoryError: a file that cannot be read or understood.
    """
    for name, group in inventory.groups.items():
        for found in _vars_of(folder / "group_vars", name):
            group.variables.update(found)
    for name, variables in inventory.hosts.items():
        for found in _vars_of(folder / "host_vars", name):
            variables.update(found)


def _vars_of(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    if "/" in name or name.startswith("."):
        return
    for ending in ("", ".yml", ".yaml", ".json"):
        path = folder / f"{name}{ending}"
        if path.is_dir():
            for inner in sorted(path.glob("*")):
                if inner.is_file() and not inner.name.startswith(".") and not inner.name.endswith("~"):
                    yield _vars_file(inner)
        elif path.is_file():
            yield _vars_file(path)


def _vars_file(path: Path) -> dict[str, Any]:
    text = read_text(path)
    if text.startswith(VAULT):
        return {}
    found = parse_json(text, str(path)) if path.suffix == ".json" else parse_yaml(text, str(path))
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InventoryError([f"{path}: must be a mapping of variables"])
    return found


def record(name: str, variables: dict[str, Any], place: str, groups: list[str]) -> Record:
    """The host that the variables describe. Each group becomes a label ``group_<name>``, its value ``true``.

    ``archscan_labels`` and ``archscan_planned`` may add labels and planned images.

    Raises:
        InventoryError: a variable of the wrong kind, or one that only Ansible could evaluate.
    """
    try:
        return Record(
            name=name,
            place=place,
            address=_text(variables, name, "ansible_host", "ansible_ssh_host"),
            port=_port(variables, name),
            user=_text(variables, name, "ansible_user", "ansible_ssh_user"),
            labels={**{f"group_{_LABEL.sub('_', group)}": "true" for group in groups}, **_labels(variables)},
            planned=_planned(variables),
            jump=_jump(variables, name),
            local=_text(variables, name, "ansible_connection") == "local",
        )
    except ValueError as error:
        raise InventoryError([f"{place}: host {name}: {error}"]) from None


def _text(variables: dict[str, Any], host: str, *names: str) -> str:
    """The first of the variables that is set; a template other than the host's own name is refused, not guessed."""
    for name in names:
        value = variables.get(name)
        if value in (None, ""):
            continue
        text = _NAME.sub(lambda found: host.partition(".")[0] if found[1] else host, str(value))
        if "{{" in text or "{%" in text:
            raise ValueError(f"{name} is a template, which only Ansible can evaluate: {text!r}")
        return text
    return ""


def _port(variables: dict[str, Any], host: str) -> int | None:
    text = _text(variables, host, "ansible_port", "ansible_ssh_port")
    if not text:
        return None
    if not text.isdecimal():
        raise ValueError(f"ansible_port {text!r} is not a number")
    return int(text)


def _jump(variables: dict[str, Any], host: str) -> str:
    """The ProxyJump among the arguments for ssh; a ProxyCommand is no answer that we could use."""
    names = ("ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_args")
    for text in filter(None, (_text(variables, host, name) for name in names)):
        words = shlex.split(text)
        for word, following in zip(words, [*words[1:], ""], strict=True):
            option = following if word == "-o" else word.removeprefix("-o") if word.startswith("-o") else ""
            key, _, value = option.replace(" ", "=").partition("=")
            if word == "-J" and following:
                return following
            if key.lower() == "proxyjump" and value:
                return value
            if key.lower() == "proxycommand":
                raise ValueError("ProxyCommand is not supported: use ProxyJump, or jump in the settings")
    return ""


def _labels(variables: dict[str, Any]) -> dict[str, str]:
    labels = variables.get("archscan_labels") or {}
    if not isinstance(labels, dict):
        raise ValueError("archscan_labels must be a mapping")  # noqa: TRY004 - a wrong document, not a wrong call
    return {str(key): str(value) for key, value in labels.items()}


def _planned(variables: dict[str, Any]) -> tuple[Plan, ...]:
    planned = variables.get("archscan_planned") or []
    if not isinstance(planned, list):
        raise ValueError("archscan_planned must be a list")  # noqa: TRY004 - a wrong document, not a wrong call
    return tuple(_one_planned(one) for one in planned)


def _one_planned(one: Any) -> Plan:
    if isinstance(one, str):
        return plan(one)
    if not isinstance(one, dict) or not one.get("image") or set(one) - {"image", "workload", "platform", "engine"}:
        raise ValueError("an entry of archscan_planned is an image, or a mapping of image, workload, platform, engine")
    return plan(*(str(one.get(key) or "") for key in ("image", "workload", "platform", "engine")))
