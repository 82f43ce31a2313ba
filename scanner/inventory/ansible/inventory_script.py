"""Programs that print an Ansible inventory as JSON."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.domain.text import printable
from scanner.formats import files, programs
from scanner.formats.files import FileError, is_folder
from scanner.formats.programs import ProgramError
from scanner.inventory.ansible.groups import VariableValue
from scanner.inventory.error import InventoryError
from scanner.inventory.reading.inventory_file import MAX_BYTES, LocatedDocument, decode, parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from scanner.inventory.ansible.groups import Group, Groups
    from scanner.inventory.reading.offload import Offload

STARTS = (b"#!", b"\x7fELF")
"""An executable bit alone makes no program: file systems without modes set it everywhere."""

MEMBERS = frozenset({"hosts", "vars", "children"})

MAX_SAID_CHARS = 300
"""Of a program's complaint."""

TOOL = "ansible-inventory"


@dataclass(frozen=True, slots=True)
class Printed:
    """What a program printed: its answer to ``--list``, that to ``--host`` of each host where it was asked.

    ``called`` names it in messages, ``is_merged`` tells that hosts' variables hold those of their groups.
    """

    called: str
    listed: bytes
    of_hosts: tuple[tuple[str, bytes], ...] = ()
    is_merged: bool = False


def is_script(path: Path) -> bool:
    """Whether the file is a program that may be run."""
    if not os.access(path, os.X_OK):
        return False
    try:
        return files.first_bytes(path, 4).startswith(STARTS)
    except FileError:
        return False


def ask(path: Path, timeout_s: float, offload: Offload) -> Printed:
    """What ``path --list`` prints; where that has no ``_meta``, each host's variables are asked for.

    ``timeout_s`` is for all of it.

    Raises:
        InventoryError: others could have written it, it fails, takes too long, prints too much, or no inventory.
    """
    end = time.monotonic() + timeout_s
    _refuse_foreign_writers(path)
    program, listing = str(path.absolute()), f"{path} --list"
    listed = _run([program, "--list"], listing, timeout_s, end)
    names = offload(listing, hosts_without_variables, listing, listed)
    of_hosts = tuple((name, _run([program, "--host", name], f"{path} --host {name}", timeout_s, end)) for name in names)
    return Printed(listing, listed, of_hosts)


def ask_ansible(path: Path, files: Iterable[Path], timeout_s: float, vault_password_file: Path | None) -> Printed:
    """What ``ansible-inventory --list`` says of an inventory, its plugins, its vaults.

    Ansible runs what stands in any of its ``files``: programs, plugins, commands in templates.

    Raises:
        InventoryError: others could have written one of the files, or the program is not there, fails, takes too long, or
            prints too much.
    """
    for file in files:
        _refuse_foreign_writers(file)
    command = [TOOL, "-i", str(path.absolute()), "--list"]
    if vault_password_file is not None:
        command += ["--vault-password-file", str(vault_password_file)]
    folder = path if is_folder(path) else path.absolute().parent
    called = f"{TOOL} -i {path} --list"
    end = time.monotonic() + timeout_s
    return Printed(called, _run(command, called, timeout_s, end, folder), is_merged=True)


def hosts_without_variables(called: str, listed: bytes) -> tuple[str, ...]:
    """The hosts for whose variables the program has to be asked one by one: all of them, or none.

    Raises:
        InventoryError: what it printed is no inventory.
    """
    answer = _answer(called, listed)
    if isinstance(answer.get("_meta"), dict):
        return ()
    return tuple(dict.fromkeys(name for group, members in answer.items() for name in _hosts_of(group, members, called)))


def read_printed(groups: Groups, printed: Printed) -> None:
    """Adds what a program printed.

    Raises:
        InventoryError: it is no inventory.
    """
    answer = _answer(printed.called, printed.listed)
    tree = LocatedDocument(answer, printed.called)
    meta = answer.pop("_meta", None)
    for name, members in answer.items():
        _group(groups, str(name), members, printed.called)
    for name, said in printed.of_hosts:
        _variables(groups, name, parse_json(decode(said, printed.called), printed.called), printed.called)
    of_hosts = meta.get("hostvars") if isinstance(meta, dict) else None
    if of_hosts is not None and not isinstance(of_hosts, dict):
        raise InventoryError([f"{tree.file}: _meta.hostvars must be a mapping of hosts"])
    for name in groups.hosts:
        if of_hosts and name in of_hosts:
            _variables(groups, name, of_hosts[name], printed.called)


def _answer(called: str, listed: bytes) -> dict[str, Any]:
    answer = parse_json(decode(listed, called), called)
    if not isinstance(answer, dict):
        raise InventoryError([f"{called}: must print a mapping of groups"])
    return answer


def _variables(groups: Groups, name: str, variables: Any, called: str) -> None:
    member = groups.hosts[name]
    if not isinstance(variables, dict):
        member.problem = member.problem or f"{called}: host {name}: its variables must be a mapping"
        return
    place = f"{called}: host {name}"
    member.variables |= {name: VariableValue(value, place) for name, value in variables.items() if name in groups.kept}


def _members(group: str, members: Any, called: str) -> dict[str, Any]:
    """A group as a mapping: a list is its hosts; without any of the known keys it is one host with its variables."""
    if isinstance(members, list):
        return {"hosts": members}
    if not isinstance(members, dict):
        raise InventoryError([f"{called}: group {group} must be a mapping or a list of hosts"])
    return members if MEMBERS & set(members) else {"hosts": [group], "vars": members}


def _hosts_of(group: str, members: Any, called: str) -> Sequence[str]:
    return [] if group == "_meta" else _names(_members(group, members, called), "hosts", group, called)


def _names(members: dict[str, Any], key: str, group: str, called: str) -> Sequence[str]:
    names = members.get(key) or []
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise InventoryError([f"{called}: group {group}: {key} must be a list of names"])
    return names


def _group(groups: Groups, name: str, printed: Any, called: str) -> None:
    members = _members(name, printed, called)
    group = groups.group(name)
    variables = members.get("vars") or {}
    if not isinstance(variables, dict):
        raise InventoryError([f"{called}: group {name}: vars must be a mapping"])
    _set_all(groups, group, variables, f"{called}: group {name}")
    for host in _names(members, "hosts", name, called):
        groups.add_host(host, f"{called}: host {printable(host, MAX_SAID_CHARS)}", name)
    for child in _names(members, "children", name, called):
        groups.group(child)
        group.children[child] = called


def _set_all(groups: Groups, group: Group, variables: Mapping[Any, Any], place: str) -> None:
    for variable, value in variables.items():
        if isinstance(variable, str):
            groups.note_variable(group, variable, value, place)


def _refuse_foreign_writers(path: Path) -> None:
    try:
        programs.refuse_foreign_writers(path)
    except ProgramError as error:
        raise InventoryError([f"{path}: {error}"]) from None


def _run(command: Sequence[str], called: str, timeout_s: float, end: float, folder: Path | None = None) -> bytes:
    """What the program prints; archscan's own settings are kept out of its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARCHSCAN_")}
    left_s = end - time.monotonic()
    if left_s <= 0:
        raise InventoryError([f"{called}: took longer than {timeout_s:g} s"])
    try:
        done = programs.run(command, timeout_s=left_s, max_bytes=MAX_BYTES, environment=environment, folder=folder)
    except ProgramError as error:
        late = time.monotonic() >= end
        raise InventoryError(
            [f"{called}: took longer than {timeout_s:g} s" if late else f"{called}: {error}"]
        ) from None
    if done.status != 0:
        said = printable(done.errors, MAX_SAID_CHARS)
        raise InventoryError([f"{called}: ended with exit status {done.status}: {said}"])
    return done.output
