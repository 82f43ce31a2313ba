"""The blocks of an OpenSSH client configuration, with the files that it includes at their places."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.inventory.error import InventoryError
from scanner.inventory.reading.inventory_file import lines
from scanner.inventory.ssh_config.connection_options import WANTED, Setting
from scanner.inventory.ssh_config.lines import is_pattern, next_word, split_keyword, split_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.inventory.reading.snapshot import Snapshot

MAX_INCLUDES = 16
"""OpenSSH's own limit of files within files."""

MAX_FILES = 1000
"""Files in all: sixteen levels of a hundred files each would be more than anybody could read."""

WITHOUT_ARGUMENT = frozenset({"all", "canonical", "final"})


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition of a Match line, such as ``host web-*``."""

    name: str
    argument: str
    is_negated: bool


@dataclass(slots=True)
class Block:
    """Settings that hold under one Host or Match line; ``around`` are the numbers of the blocks that include it.

    ``patterns`` are the words of a Host line, ``criteria`` those of a Match line; what stands before either holds always.
    """

    place: str
    patterns: tuple[str, ...] | None = None
    criteria: tuple[Criterion, ...] | None = None
    around: tuple[int, ...] = ()
    settings: list[Setting] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        """The single hosts that a Host line names."""
        return tuple(word for word in self.patterns or () if not is_pattern(word))

    @property
    def is_of_names(self) -> bool:
        """Whether only hosts that it names can be meant."""
        return self.patterns is not None and not self.around and len(self.names) == len(self.patterns)


@dataclass(frozen=True, slots=True)
class Missing:
    """Patterns of files to include that are not in the snapshot yet."""

    patterns: tuple[str, ...]


def read_blocks(path: str, home: str, snapshot: Snapshot) -> list[Block] | Missing:
    """The blocks in their order, or what has to be looked for before they can be known.

    Raises:
        InventoryError: a file that cannot be read, or a line that ssh would refuse whatever the host.
    """
    reader = _Reader(path.rpartition("/")[0], home, snapshot)
    reader.read(path, (), MAX_INCLUDES)
    return Missing(tuple(reader.missing)) if reader.missing else reader.blocks


class _Reader:
    """Reads one configuration; relative names of included files start from the folder of the outermost one."""

    def __init__(self, folder: str, home: str, snapshot: Snapshot) -> None:
        self.blocks: list[Block] = []
        self.missing: dict[str, None] = {}
        self._folder, self._home, self._snapshot = folder, home, snapshot
        self._files = 0

    def read(self, path: str, around: tuple[int, ...], includes_left: int) -> None:
        self._files += 1
        if self._files > MAX_FILES:
            raise InventoryError([f"{path}: is one of more than {MAX_FILES} files that are included"])
        self._open(Block(path, around=around))
        for number, line in enumerate(lines(self._snapshot.text(path), path), start=1):
            place = f"{path}:{number}"
            try:
                keyword, rest = split_keyword(line)
                if keyword and not rest and keyword not in WANTED:
                    raise ValueError("is not a keyword with a value")  # noqa: TRY301 -- told with its place below
                self._line(keyword, rest, place, around, includes_left)
            except InventoryError:
                raise
            except ValueError as error:
                raise InventoryError([f"{place}: {error}"]) from None

    def _line(self, keyword: str, rest: str, place: str, around: tuple[int, ...], includes_left: int) -> None:
        if keyword == "host":
            self._open(Block(place, tuple(split_words(rest)), around=around))
        elif keyword == "match":
            self._open(Block(place, criteria=tuple(_criteria(rest)), around=around))
        elif keyword == "include":
            self._include(split_words(rest), place, around, includes_left)
        elif keyword in WANTED:
            self.blocks[-1].settings.append(Setting(keyword, rest, place))

    def _open(self, block: Block) -> None:
        self.blocks.append(block)

    def _include(self, patterns: list[str], place: str, around: tuple[int, ...], includes_left: int) -> None:
        """Included files hold only for the hosts of the block that includes them; what follows belongs to it again."""
        if includes_left == 0:
            raise InventoryError([f"{place}: more than {MAX_INCLUDES} files include each other"])
        including = self.blocks[-1]
        number = len(self.blocks) - 1
        is_open = including.patterns is None and including.criteria is None and not including.around
        inner = around if is_open else (*around, number)
        for pattern in patterns:
            written_out = self._written_out(pattern, place)
            if written_out not in self._snapshot.found:
                self.missing[written_out] = None
            for found in self._snapshot.found.get(written_out, ()):
                self.read(found, inner, includes_left - 1)
        self._open(Block(including.place, including.patterns, including.criteria, including.around))

    def _written_out(self, pattern: str, place: str) -> str:
        if "${" in pattern:
            raise InventoryError([f"{place}: Include depends on a variable of the environment: write it out"])
        if pattern == "~" or pattern.startswith("~/"):
            return f"{self._home}{pattern[1:]}"
        if pattern.startswith("~"):
            raise InventoryError([f"{place}: {pattern} is in the home of another account: write it out"])
        return pattern if pattern.startswith("/") else f"{self._folder}/{pattern}"


def _criteria(text: str) -> Iterator[Criterion]:
    rest = text
    count = 0
    while rest and not rest.startswith("#"):
        name, rest = next_word(rest)
        is_negated, name = name.startswith("!"), name.removeprefix("!").lower()
        if not name:
            break
        argument = ""
        if name not in WITHOUT_ARGUMENT:
            if not rest or rest.startswith("#"):
                raise ValueError(f"Match {name} lacks its argument")
            argument, rest = next_word(rest)
        elif name == "all" and (count > 1 or (rest and not rest.startswith("#"))):
            raise ValueError("'all' cannot be combined with other criteria of Match")
        count += 1
        yield Criterion(name, argument, is_negated)
    if not count:
        raise ValueError("Match lacks its criteria")
