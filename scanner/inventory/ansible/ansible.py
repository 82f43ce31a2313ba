"""An Ansible inventory, as ansible-inventory reads it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from scanner.formats import whose
from scanner.formats.files import is_folder
from scanner.inventory.ansible import inventory_script, templates
from scanner.inventory.ansible.groups import KEPT, Groups
from scanner.inventory.ansible.host_variables import Around, not_understood_at, record
from scanner.inventory.ansible.ini_form import read_ini
from scanner.inventory.ansible.toml_form import read_toml
from scanner.inventory.ansible.tree_form import read_tree
from scanner.inventory.ansible.vars_files import ENDINGS, MAX_DEPTH, VAULT, VarsFiles
from scanner.inventory.error import InventoryError
from scanner.inventory.reading import snapshot as snapshots
from scanner.inventory.reading.inventory_file import LocatedDocument, parse_located
from scanner.inventory.reading.offload import INLINE, Offload
from scanner.inventory.record import Defaults, HostRecords, Record, with_aliases

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scanner.inventory.ansible.groups import KnownVariables
    from scanner.inventory.ansible.inventory_script import Printed
    from scanner.inventory.ansible.vars_files import EncryptedFiles
    from scanner.inventory.reading.snapshot import Snapshot

IGNORED_ENDINGS = (
    "~", ".bak", ".cfg", ".md", ".orig", ".pyc", ".pyo", ".retry", ".rpm", ".rst", ".swp", ".txt",
)  # fmt: skip
"""Files in an inventory folder that Ansible passes over (INVENTORY_IGNORE_EXTS); ``.ini`` only before 2.19."""

IGNORED_NAMES = frozenset({"group_vars", "host_vars", "vars_plugins"})

TREE_ENDINGS = ("", ".yml", ".yaml", ".json")
"""Files that Ansible tries to read as YAML before it reads them as INI."""

_NOT_PROSE = frozenset("[=")
"""What stands in every inventory but the plainest list of names."""

MAX_FOLDER_DEPTH = 5
"""Folders in folders are read too; a loop of links is not."""


@dataclass(frozen=True, slots=True)
class AnsibleSource:
    """``path`` is an INI or YAML file, an executable script, or a folder of these; ``timeout_s`` is a script's time.

    ``via`` tells who reads it: we ourselves, or the program ``ansible-inventory``. ``encrypted_files`` that are left out hold
    nothing that says where a host is; else their hosts are not understood. ``home`` and ``account`` are those of archscan's
    own account, where they are empty.
    """

    path: Path
    group: str = "all"
    timeout_s: float = 30.0
    defaults: Defaults = field(default_factory=Defaults)
    via: Literal["files", "ansible-inventory"] = "files"
    vault_password_file: Path | None = None
    encrypted_files: EncryptedFiles = "not_understood"
    home: str = ""
    account: str = ""

    @property
    def is_ours(self) -> bool:
        """Its hosts are somebody's files."""
        return False

    def read(self, offload: Offload = INLINE) -> HostRecords:
        """The hosts of the group.

        Raises:
            InventoryError: a file or program that cannot be read or understood, or a group that is not there.
        """
        folder = (self.path if is_folder(self.path) else self.path.parent).absolute()
        around = Around(str(folder), self.home or str(whose.home()), self.account or whose.account())
        files = tuple(_files(self.path, MAX_FOLDER_DEPTH))
        if self.via == "ansible-inventory":
            printed = inventory_script.ask_ansible(self.path, files, self.timeout_s, self.vault_password_file)
            return offload(str(self.path), read_printed, str(self.path), self.group, around, printed)
        scripts = {str(path) for path in files if inventory_script.is_script(path)}
        said = {name: inventory_script.ask(Path(name), self.timeout_s, offload) for name in sorted(scripts)}
        snapshot = snapshots.take(path for path in files if str(path) not in scripts)
        for beside in ("group_vars", "host_vars"):
            snapshots.add_tree(snapshot, folder / beside, ENDINGS, MAX_DEPTH)
        snapshots.add_homes(snapshot)
        named = NamedInventory(
            str(self.path),
            str(folder),
            self.group,
            tuple(map(str, files)),
            is_alone=not is_folder(self.path),
            encrypted_files=self.encrypted_files,
        )
        return offload(str(self.path), read_inventory, named, replace(around, homes=snapshot.homes), snapshot, said)


@dataclass(frozen=True, slots=True)
class NamedInventory:
    """An inventory as it is named: its path, the folder of its variables, the wanted group, its files in their order.

    ``is_alone``: it is one file, not a folder of them. ``encrypted_files``: what those of variables cost.
    """

    path: str
    folder: str
    group: str
    files: tuple[str, ...]
    is_alone: bool = False
    encrypted_files: EncryptedFiles = "not_understood"


def read_printed(path: str, group: str, around: Around, printed: Printed) -> HostRecords:
    """The hosts that ansible-inventory names.

    Raises:
        InventoryError: as ``AnsibleSource.read``.
    """
    groups = Groups(kept=_kept((), [printed]))
    inventory_script.read_printed(groups, printed)
    return _answer(groups, path, group, around)


def read_inventory(
    named: NamedInventory, around: Around, snapshot: Snapshot, printed: Mapping[str, Printed]
) -> HostRecords:
    """The hosts of one inventory; ``printed`` is what the programs among its files print.

    Raises:
        InventoryError: as ``AnsibleSource.read``.
    """
    groups = Groups(kept=_kept(snapshot.texts.values(), printed.values()))
    for file in named.files:
        if (output := printed.get(file)) is not None:
            inventory_script.read_printed(groups, output)
        else:
            _read_file(groups, snapshot.text(file), PurePosixPath(file), is_alone=named.is_alone)
    VarsFiles(groups, named.folder, snapshot, encrypted_files=named.encrypted_files).read()
    return _answer(groups, named.path, named.group, around)


def _kept(texts: Iterable[str], printed: Iterable[Printed]) -> frozenset[str]:
    """The variables that are kept: those that are read, and what templates name."""
    outputs = (output for one in printed for output in (one.listed, *(said for _, said in one.of_hosts)))
    read = (output.decode("utf-8", "replace") for output in outputs if b"{{" in output)
    return KEPT | templates.names_in((*texts, *read))


def _answer(groups: Groups, path: str, group: str, around: Around) -> HostRecords:
    if group != "all" and group not in groups.groups:
        raise InventoryError([f"{path}: has no group {group}"])
    return HostRecords(with_aliases(_records(groups, group, around)), tuple(groups.notes))


def _records(groups: Groups, wanted: str, around: Around) -> list[Record]:
    memberships = groups.memberships()

    def known_of(host: str) -> KnownVariables | None:
        return groups.known_of(host, memberships[host]) if host in memberships else None

    found = []
    for name, member in groups.hosts.items():
        inside = memberships[name]
        if wanted not in inside:
            continue
        described = record(name, known_of, member.place, sorted(inside), around)
        problem = groups.problem_of(name, inside)
        found.append(
            not_understood_at(name, problem, member.place, dict(described.labels))
            if problem and not described.skipped
            else described
        )
    return found


def _files(path: Path, depth: int) -> Iterator[Path]:
    if not is_folder(path):
        yield path
        return
    if depth == 0:
        raise InventoryError([f"{path}: folders are nested deeper than {MAX_FOLDER_DEPTH}"])
    for inner in sorted(path.iterdir(), key=lambda one: os.fsencode(one.name)):
        hidden = inner.name.startswith(".") or inner.name in IGNORED_NAMES
        if not hidden and not inner.name.endswith(IGNORED_ENDINGS):
            yield from _files(inner, depth - 1)


def _read_file(groups: Groups, text: str, path: PurePosixPath, *, is_alone: bool) -> None:
    if text.startswith(VAULT):
        told = "is encrypted: via: ansible-inventory with vault_password_file reads it"
        raise InventoryError([f"{path}: {told}"])
    if path.suffix == ".toml":
        read_toml(groups, text, str(path))
    elif path.suffix in TREE_ENDINGS[1:]:
        read_tree(groups, parse_located(text, str(path)))
    elif path.suffix == "" and (tree := _as_tree(text, path)) is not None:
        read_tree(groups, tree)
    else:
        _read_ini(groups, text, path, is_alone=is_alone)


def _as_tree(text: str, path: PurePosixPath) -> LocatedDocument | None:
    """The YAML of a file without an ending that says so; Ansible tries YAML first too."""
    try:
        tree = parse_located(text, str(path))
    except InventoryError:
        return None
    is_tree = isinstance(tree.value, dict) and all(one is None or isinstance(one, dict) for one in tree.value.values())
    return tree if is_tree or (isinstance(tree.value, dict) and tree.value.get("plugin")) else None


def _read_ini(groups: Groups, text: str, path: PurePosixPath, *, is_alone: bool) -> None:
    """A file of a folder that looks like no inventory is passed over with a word, as Ansible does.

    One that ends with ``.ini`` may be anything: of it every line must be understood.
    """
    if is_alone or (path.suffix != ".ini" and not _NOT_PROSE.isdisjoint(text)):
        read_ini(groups, text, str(path))
        return
    fresh = Groups(kept=groups.kept)
    try:
        read_ini(fresh, text, str(path))
        problem = next((member.problem for member in fresh.hosts.values() if member.problem), "")
    except InventoryError as error:
        if path.suffix != ".ini":
            raise
        problem = error.problems[0]
    if problem:
        groups.notes[f"{problem}; the file is no inventory, and is passed over"] = None
    else:
        read_ini(groups, text, str(path))
