"""Prometheus service discovery: target groups from files or an HTTP endpoint."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner.domain.text import printable
from scanner.inventory.error import InventoryError
from scanner.inventory.inventory_file import decode, parse_json, parse_yaml, read_text
from scanner.inventory.record import Defaults, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TARGET = re.compile(r"(?:[a-z]+://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^:/\[\]]+)(?::(?P<port>\d{1,5}))?(?:/.*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class FileSdSource:
    """Files of ``file_sd_configs``; their names may hold ``*``. ``target_port``: a target's port is the SSH port."""

    files: tuple[Path, ...]
    target_port: bool = False
    defaults: Defaults = field(default_factory=Defaults)

    def read(self) -> tuple[Record, ...]:
        """One host for each machine among the targets, however many exporters it has.

        Raises:
            InventoryError: a file that is missing, cannot be read or understood.
        """
        groups: list[tuple[str, Any]] = []
        for path in self.files:
            for found in _matching(path):
                text = read_text(found)
                document = parse_json(text, str(found)) if found.suffix == ".json" else parse_yaml(text, str(found))
                groups.append((str(found), document))
        return _records(groups, target_port=self.target_port)


@dataclass(frozen=True, slots=True)
class HttpSdSource:
    """An endpoint of ``http_sd_configs``; ``fetch`` gets its body, bounded, or raises OSError or ValueError."""

    url: str
    fetch: Callable[[str], bytes]
    target_port: bool = False
    defaults: Defaults = field(default_factory=Defaults)

    def read(self) -> tuple[Record, ...]:
        """One host for each machine among the targets.

        Raises:
            InventoryError: no answer, or one that cannot be understood.
        """
        try:
            body = self.fetch(self.url)
        except (OSError, ValueError) as error:
            raise InventoryError([f"{self.url}: {printable(str(error), 300)}"]) from None
        document = parse_json(decode(body, self.url), self.url)
        return _records([(self.url, document)], target_port=self.target_port)


def _matching(path: Path) -> list[Path]:
    if "*" not in path.name:
        return [path]
    found = sorted(map(Path, glob.glob(str(path))))  # noqa: PTH207 - absolute patterns too
    if not found:
        raise InventoryError([f"{path}: no file matches"])
    return found


def _records(documents: Iterable[tuple[str, Any]], *, target_port: bool) -> tuple[Record, ...]:
    """The labels of a machine's targets are put together, the first value of each staying."""
    records: dict[str, Record] = {}
    problems: list[str] = []
    for place, document in documents:
        for number, group in enumerate(document if isinstance(document, list) else [None]):
            try:
                found = _group(group, f"{place}[{number}]", target_port=target_port)
            except ValueError as error:
                problems.append(f"{place}[{number}]: {error}")
                continue
            for record in found:
                known = records.get(record.name)
                records[record.name] = _joined(known, record) if known else record
    if problems:
        raise InventoryError(problems)
    return tuple(records.values())


def _joined(known: Record, record: Record) -> Record:
    labels = {**record.labels, **known.labels}
    return Record(known.name, known.place, known.address, known.port, labels=labels)


def _group(group: Any, place: str, *, target_port: bool) -> list[Record]:
    if not isinstance(group, dict) or not isinstance(group.get("targets"), list):
        raise ValueError("must be a list of groups with targets")  # noqa: TRY004 - a wrong document, not a wrong call
    labels = group.get("labels") or {}
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise ValueError("labels must be a mapping to text")
    kept = {str(name): value for name, value in labels.items() if not str(name).startswith("__")}
    return [_target(target, place, kept, target_port=target_port) for target in group["targets"]]


def _target(target: Any, place: str, labels: dict[str, str], *, target_port: bool) -> Record:
    match = _TARGET.fullmatch(target) if isinstance(target, str) else None
    if match is None:
        raise ValueError(f"target {printable(str(target), 80)!r} is not host:port")
    host = match["host"].strip("[]")
    port = int(match["port"]) if target_port and match["port"] else None
    name = f"{host}:{port}" if port is not None and ":" not in host else host
    return Record(name, f"{place}: {target}", host, port, labels=labels)
