"""An executable that prints an Ansible inventory as JSON."""

from __future__ import annotations

import os
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any

from scanner.domain.text import printable
from scanner.formats import files
from scanner.formats.files import FileError
from scanner.inventory.error import InventoryError
from scanner.inventory.inventory_file import MAX_BYTES, decode, parse_json

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.inventory.ansible_groups import Inventory

STARTS = (b"#!", b"\x7fELF")
"""An executable bit alone makes no program: file systems without modes set it everywhere."""


def is_script(path: Path) -> bool:
    """Whether the file is a program that may be run."""
    if not os.access(path, os.X_OK):
        return False
    try:
        return files.first_bytes(path, 4).startswith(STARTS)
    except FileError:
        return False


def read_script(inventory: Inventory, path: Path, timeout_s: float) -> None:
    """Adds what ``path --list`` prints; where that has no ``_meta``, each host's variables are asked for.

    Raises:
        InventoryError: it fails, takes too long, prints too much, or prints no inventory.
    """
    answer = _run(path, ["--list"], timeout_s)
    if not isinstance(answer, dict):
        raise InventoryError([f"{path} --list: must print a mapping of groups"])
    meta = answer.pop("_meta", None)
    for name, group in answer.items():
        _group(inventory, str(name), group, f"{path} --list")
    for host in list(inventory.hosts):
        variables = meta.get("hostvars", {}).get(host, {}) if isinstance(meta, dict) else None
        if variables is None:
            variables = _run(path, ["--host", host], timeout_s)
        if not isinstance(variables, dict):
            raise InventoryError([f"{path} --list: the variables of host {host} must be a mapping"])
        inventory.hosts[host].update(variables)


def _group(inventory: Inventory, name: str, group: Any, place: str) -> None:
    members = {"hosts": group} if isinstance(group, list) else group
    if not isinstance(members, dict) or not isinstance(members.get("vars", {}), dict):
        raise InventoryError([f"{place}: group {name} must be a mapping or a list of hosts"])
    known = inventory.group(name)
    known.variables.update(members.get("vars", {}))
    for key, add in (("hosts", None), ("children", known.children)):
        names = members.get(key, [])
        if not isinstance(names, list | dict) or not all(isinstance(one, str) for one in names):
            raise InventoryError([f"{place}: group {name}: {key} must be a list of names"])
        for one in names:
            if add is None:
                inventory.add_host(one, {}, place, name)
            else:
                inventory.group(one)
                add[one] = None


def _run(path: Path, arguments: list[str], timeout_s: float) -> Any:
    """What the script prints, as JSON; archscan's own settings are kept out of its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARCHSCAN_")}
    called = " ".join([str(path), *arguments])
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            done = subprocess.run(  # noqa: S603 - the operator names the script; no shell is involved
                [str(path.absolute()), *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=environment, timeout=timeout_s, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise InventoryError([f"{called}: took longer than {timeout_s:g} s"]) from None
        except OSError as error:
            raise InventoryError([f"{called}: cannot be run: {error.strerror}"]) from None
        output.seek(0)
        errors.seek(0)
        if done.returncode != 0:
            said = printable(errors.read(2000), 300)
            raise InventoryError([f"{called}: ended with exit status {done.returncode}: {said}"])
        return parse_json(decode(output.read(MAX_BYTES + 1), called), called)
