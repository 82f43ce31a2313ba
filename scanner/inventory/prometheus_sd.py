"""Prometheus service discovery: target groups from files or an HTTP endpoint."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner.domain.host import is_label
from scanner.domain.text import printable
from scanner.errors import in_words
from scanner.inventory.error import InventoryError
from scanner.inventory.reading import snapshot as snapshots
from scanner.inventory.reading.inventory_file import (
    RULES,
    LocatedDocument,
    decode,
    lines_of_names,
    parse_json,
    parse_located,
)
from scanner.inventory.reading.offload import INLINE, Offload
from scanner.inventory.record import Defaults, HostRecords, Record, not_understood

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scanner.inventory.reading.snapshot import Snapshot

MAX_FILES = 10_000
"""Files of all patterns together; Prometheus watches no more of them."""

_TARGET = re.compile(
    r"(?:[a-z]+://)?(?P<host>\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[^:/\[\]]+)(?::(?P<port>\d{1,5}))?(?:/.*)?", re.ASCII
)
_BARE_IPV6 = re.compile(r"(?P<host>[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?)", re.ASCII)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_FIELDS = frozenset({"targets", "labels"})
"""Of a group; in JSON Go takes them in capital letters, too."""


_RULES = replace(
    RULES,
    scalar=lambda text: None if text in _NULLS else text,
    tagged=lambda _, value: value,
    has_keys_once=True,
)
"""Prometheus wants text everywhere, and takes a plain scalar as it is written: ``port: 9100``, ``canary: yes``."""

MAX_SHOWN_CHARS = 120
"""Of a target or label in a message."""


@dataclass(frozen=True, slots=True)
class FileSdSource:
    """Files of ``file_sd_configs``; their names may hold ``*``. ``target_port``: a target's port is the SSH port."""

    files: tuple[Path, ...]
    target_port: bool = False
    defaults: Defaults = field(default_factory=Defaults)

    @property
    def is_ours(self) -> bool:
        """Its hosts are somebody's files."""
        return False

    def read(self, offload: Offload = INLINE) -> HostRecords:
        """One host for each machine among the targets, however many exporters it has.

        Raises:
            InventoryError: a file that is missing, cannot be read or understood.
        """
        paths = [found for file in self.files for found in _matching(file)]
        if len(paths) > MAX_FILES:
            raise InventoryError([f"{self.files[0]}: is one of more than {MAX_FILES} files"])
        return offload(str(self.files[0]), read_files, snapshots.take(paths), self.target_port)


@dataclass(frozen=True, slots=True)
class HttpSdSource:
    """An endpoint of ``http_sd_configs``; ``fetch`` gets its body, bounded, or raises OSError or ValueError."""

    url: str
    fetch: Callable[[str], bytes]
    target_port: bool = False
    defaults: Defaults = field(default_factory=Defaults)

    @property
    def is_ours(self) -> bool:
        """Its hosts are somebody's answer."""
        return False

    def read(self, offload: Offload = INLINE) -> HostRecords:
        """One host for each machine among the targets.

        Raises:
            InventoryError: no answer, or one that cannot be understood.
        """
        try:
            body = self.fetch(self.url)
        except (OSError, ValueError) as error:
            raise InventoryError([f"{self.url}: {printable(in_words(error), 300)}"]) from None
        return offload(self.url, read_body, self.url, body, self.target_port)


def read_files(snapshot: Snapshot, target_port: bool) -> HostRecords:  # noqa: FBT001 -- as the setting has it
    """The hosts of all files.

    Raises:
        InventoryError: as ``FileSdSource.read``.
    """
    paths = (*snapshot.texts, *snapshot.problems)
    return _records((parse_located(snapshot.text(path), path, _RULES) for path in paths), target_port=target_port)


def read_body(url: str, body: bytes, target_port: bool) -> HostRecords:  # noqa: FBT001 -- as the setting has it
    """The hosts of an endpoint's answer.

    Raises:
        InventoryError: as ``HttpSdSource.read``.
    """
    text = decode(body, url)
    return _records([LocatedDocument(parse_json(text, url), url, names=lines_of_names(text))], target_port=target_port)


def _matching(path: Path) -> list[Path]:
    if "*" not in path.name:
        return [path]
    found = sorted(map(Path, glob.glob(str(path))))  # noqa: PTH207 - absolute patterns too
    if not found:
        raise InventoryError([f"{path}: no file matches"])
    return found


def _records(documents: Iterable[LocatedDocument], *, target_port: bool) -> HostRecords:
    """The labels of a machine's targets are put together, the first value of each staying."""
    records: dict[str, Record] = {}
    problems: list[str] = []
    for document in documents:
        groups = [] if document.value is None else document.value if isinstance(document.value, list) else [None]
        for number, group in enumerate(groups):
            try:
                found = _group(group, number, document, target_port=target_port)
            except ValueError as error:
                problems.append(f"{document.place(number)}[{number}]: {error}")
                continue
            for record in found:
                known = records.get(record.name)
                records[record.name] = _joined(known, record) if known else record
    if problems:
        raise InventoryError(problems)
    return HostRecords(tuple(records.values()))


def _joined(known: Record, record: Record) -> Record:
    labels = {**record.labels, **known.labels}
    return replace(known, labels=labels, problem=known.problem or record.problem)


def _group(group: Any, number: int, document: LocatedDocument, *, target_port: bool) -> list[Record]:
    if isinstance(group, dict) and not document.lines:  # of JSON
        group = {key.lower() if key.lower() in _FIELDS else key: value for key, value in group.items()}
    targets = group.get("targets") or [] if isinstance(group, dict) else None
    if not isinstance(targets, list):
        raise ValueError("must be a list of groups with targets")  # noqa: TRY004 - a wrong document, not a wrong call
    shared = _shared(group)
    if shared.problem and not targets and not _FIELDS.issuperset(group):
        raise ValueError(shared.problem)  # nobody can tell which hosts are meant
    return [
        _target(target, (number, "targets", index), document, shared, target_port=target_port)
        for index, target in enumerate(targets)
    ]


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the targets of one group have in common: their labels, or what is wrong with all of them."""

    labels: dict[str, str]
    problem: str = ""


def _shared(group: dict[Any, Any]) -> _Shared:
    if problem := _problem(group):
        return _Shared({}, problem)
    labels = (group.get("labels") or {}).items()
    return _Shared({name: value for name, value in labels if value is not None and not name.startswith("__")})


def _problem(group: dict[Any, Any]) -> str:
    """Why Prometheus refuses a group whose targets can be told; empty where it takes it."""
    if odd := next((key for key in group if key not in _FIELDS), ""):
        return f"its group has {printable(str(odd), MAX_SHOWN_CHARS)!r}, which is neither targets nor labels"
    labels = group.get("labels") or {}
    if not isinstance(labels, dict) or not all(isinstance(value, str | None) for value in labels.values()):
        return "labels must be a mapping to text"
    odd = next((label for label in labels if not is_label(str(label))), None)
    return "" if odd is None else f"label {printable(str(odd), MAX_SHOWN_CHARS)!r} must match [a-zA-Z_][a-zA-Z0-9_]*"


def _target(
    target: Any, path: tuple[int | str, ...], document: LocatedDocument, shared: _Shared, *, target_port: bool
) -> Record:
    match = (_BARE_IPV6.fullmatch(target) or _TARGET.fullmatch(target)) if isinstance(target, str) else None
    if match is None or shared.problem:
        place = document.place(*path, *([target] if isinstance(target, str) else []))
        shown = printable(str(target), MAX_SHOWN_CHARS)
        return not_understood(shown, place, shared.problem or f"target {shown!r} is not host:port")
    host, given = match["host"].strip("[]"), match.groupdict().get("port")
    port = int(given) if target_port and given else None
    name = f"{host}:{port}" if port is not None and ":" not in host else host
    place = document.place(*path) if document.lines else f"{document.file}[{path[0]}]"
    return Record(name, place, host, port, labels=shared.labels)
