"""The hosts of an OpenSSH client configuration, as ssh_config(5) reads it."""

from __future__ import annotations

import glob
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.inventory.error import InventoryError
from scanner.inventory.inventory_file import read_lines
from scanner.inventory.record import Defaults, Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_INCLUDES = 16
"""OpenSSH's own limit of files within files."""

WANTED = {"hostname", "port", "user", "proxyjump", "proxycommand"}

_LINE = re.compile(r"\s*(\w+)(?:\s*=\s*|\s+)(.*?)\s*")
_THROUGH = re.compile(r"(?:/usr/bin/)?ssh\s+(?:-q\s+)?(?:-W\s+\[?%h\]?:%p\s+(\S+)|(\S+)\s+-W\s+\[?%h\]?:%p)")


@dataclass(frozen=True, slots=True)
class _Setting:
    key: str
    value: str
    place: str


@dataclass(slots=True)
class _Block:
    """Settings below one Host or Match line; ``patterns`` tells for whom, ``names`` whom it introduces."""

    patterns: tuple[str, ...]
    place: str
    names: tuple[str, ...] = ()
    settings: list[_Setting] = field(default_factory=list)
    outer: tuple[str, ...] = ("*",)

    def holds_for(self, name: str) -> bool:
        return _fits(name, self.patterns) and _fits(name, self.outer)


@dataclass(frozen=True, slots=True)
class SshConfigSource:
    """The hosts that the file names without wildcards, so far as ``hosts`` (patterns, ``!`` leaves out) lets them in."""

    path: Path
    hosts: tuple[str, ...] = ("*",)
    defaults: Defaults = field(default_factory=Defaults)

    def read(self) -> tuple[Record, ...]:
        """The hosts, each with the first value that ssh would find.

        Raises:
            InventoryError: a file that cannot be read, or a line that cannot be understood.
        """
        blocks = list(_blocks(self.path, ("*",), MAX_INCLUDES))
        names = dict.fromkeys(name for block in blocks for name in block.names if block.holds_for(name))
        chosen = [name for name in names if _fits(name, self.hosts)]
        return tuple(_record(name, blocks) for name in chosen)


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    """OpenSSH's rule: some pattern fits, no negated one does."""
    if any(_glob(p[1:]).fullmatch(name) for p in patterns if p.startswith("!")):
        return False
    return any(_glob(p).fullmatch(name) for p in patterns if not p.startswith("!"))


def _glob(pattern: str) -> re.Pattern[str]:
    collapsed = re.sub(r"\*+", "*", pattern.lower())
    special = {"*": ".*", "?": "."}
    return re.compile("".join(special.get(char, re.escape(char)) for char in collapsed), re.IGNORECASE)


def _blocks(path: Path, outer: tuple[str, ...], includes_left: int) -> Iterator[_Block]:
    """The file's blocks in order, those of included files at their place."""
    block = _Block(("*",), str(path), outer=outer)
    for number, raw in enumerate(read_lines(path), start=1):
        place = f"{path}:{number}"
        if not raw.strip() or raw.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(raw)
        if match is None:
            raise InventoryError([f"{place}: is not a keyword with a value"])
        key, value = match[1].lower(), match[2]
        if key in {"host", "match"}:
            yield block
            block = _opened(key, _words(value, place), place, outer)
        elif key == "include":
            yield block
            yield from _included(path, _words(value, place), block, includes_left, place)
            block = _Block(block.patterns, block.place, outer=outer)
        elif key in WANTED:
            block.settings.append(_Setting(key, _plain(value, key, place), place))
    yield block


def _words(value: str, place: str) -> list[str]:
    try:
        return shlex.split(value, comments=True)
    except ValueError as error:
        raise InventoryError([f"{place}: {error}"]) from None


def _plain(value: str, key: str, place: str) -> str:
    """The argument; a command keeps its blanks."""
    if key == "proxycommand":
        return value
    words = _words(value, place)
    if len(words) != 1:
        raise InventoryError([f"{place}: {key} takes one value"])
    return words[0]


def _opened(key: str, words: list[str], place: str, outer: tuple[str, ...]) -> _Block:
    if key == "host":
        names = tuple(word for word in words if not any(char in word for char in "*?!"))
        return _Block(tuple(words), place, names, outer=outer)
    match [word.lower() for word in words]:
        case ["all"]:
            return _Block(("*",), place, outer=outer)
        case ["final" | "canonical", *_]:
            return _Block((), place, outer=outer)
        case ["host" | "originalhost", patterns]:
            return _Block(tuple(patterns.split(",")), place, outer=outer)
    raise InventoryError([f"{place}: of Match only all, host, originalhost can be understood without running ssh"])


def _included(path: Path, patterns: list[str], around: _Block, includes_left: int, place: str) -> Iterator[_Block]:
    """Included files hold only for the hosts of the block that includes them; relative ones start from our folder."""
    if includes_left == 0:
        raise InventoryError([f"{place}: more than {MAX_INCLUDES} files include each other"])
    for pattern in patterns:
        if pattern.startswith("~"):
            raise InventoryError([f"{place}: {pattern} depends on the account that archscan runs under: write it out"])
        for found in sorted(glob.glob(str(path.parent / pattern))):  # noqa: PTH207 - absolute patterns too
            yield from _blocks(path.parent / found, around.patterns, includes_left - 1)


def _record(name: str, blocks: list[_Block]) -> Record:
    found: dict[str, _Setting] = {}
    place = next(block.place for block in blocks if name in block.names)
    for block in blocks:
        if block.holds_for(name):
            for setting in block.settings:
                found.setdefault(setting.key, setting)
    return Record(
        name=name,
        place=place,
        address=_value(found, "hostname").replace("%h", name).replace("%%", "%"),
        port=_port(found.get("port")),
        user=_value(found, "user"),
        jump=_jump(found),
    )


def _value(found: dict[str, _Setting], key: str) -> str:
    return found[key].value if key in found else ""


def _port(setting: _Setting | None) -> int | None:
    if setting is None:
        return None
    if not setting.value.isdecimal():
        raise InventoryError([f"{setting.place}: port {setting.value!r} is not a number"])
    return int(setting.value)


def _jump(found: dict[str, _Setting]) -> str:
    """ProxyJump, or the ProxyCommand that means the same; we start no commands to reach a host (CVE-2023-51385)."""
    if jump := _value(found, "proxyjump"):
        return jump
    command = found.get("proxycommand")
    if command is None or command.value.lower() == "none":
        return ""
    match = _THROUGH.fullmatch(command.value)
    if match is None:
        raise InventoryError([f"{command.place}: ProxyCommand is not supported: use ProxyJump"])
    return str(match[1] or match[2])
