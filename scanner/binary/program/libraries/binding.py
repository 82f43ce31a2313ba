"""Whether the loader finds every symbol that a program, or a library of it, cannot start without."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.binary.program.elf.symbols import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.binary.program.elf.symbols import NeededSymbol, Symbols
    from scanner.binary.program.libraries.paths import Loaded

MAX_SYMBOLS = 150_000
"""Of all files of one process: a desktop program of Qt brings in 60,000, which take 0.1 s of one core."""


@dataclass(frozen=True, slots=True)
class Unbound:
    """A symbol that no file offers, and who asks for it: ``later``, on the first call, or before anything runs."""

    by: Loaded
    ask: NeededSymbol
    later: bool


@dataclass(slots=True)
class Offers:
    """What files offer together: names with a version, names that serve every version, names for who asks for none."""

    is_musl: bool
    versioned: set[tuple[bytes, str]] = field(default_factory=set)
    plain: set[bytes] = field(default_factory=set)
    unversioned: set[bytes] = field(default_factory=set)

    def copy(self) -> Offers:
        """The same, to which more can be added."""
        return Offers(self.is_musl, set(self.versioned), set(self.plain), set(self.unversioned))

    def add(self, symbols: Symbols) -> None:
        """What one file offers (check_match of elf/dl-lookup.c): its oldest version serves who asks for none."""
        offered, versions = symbols.offered(), symbols.version_names
        if self.is_musl:
            self.plain.update(name for name, word in offered if not word & HIDDEN)
            return
        self.versioned.update((name, versions.get(word & ~HIDDEN, "")) for name, word in offered if word & ~HIDDEN > 1)
        self.plain.update(name for name, word in offered if word <= 1)
        self.unversioned.update(name for name, word in offered if word & ~HIDDEN <= _OLDEST or not word & HIDDEN)

    def has(self, ask: NeededSymbol) -> bool:
        """Whether an ask is met; musl looks for names alone, and passes over what is hidden."""
        if self.is_musl:
            return ask.name in self.plain
        if ask.version:
            return (ask.name, ask.version) in self.versioned or ask.name in self.plain
        return ask.name in self.unversioned


_OLDEST = 2
"""The index of the first version that a file defines beside its own name."""


def unbound(asking: Sequence[Loaded], offering: Sequence[Loaded], *, is_musl: bool, binds_now: bool) -> Unbound | None:
    """The first symbol that is not found, those that are looked for before the start first.

    The first of ``asking`` is the program. ``None`` also where a file's symbols are not at hand: it may offer anything.
    """
    tables = [loaded.dynamic.symbols for loaded in offering]
    known = [table for table in tables if table is not None]
    if len(known) < len(tables) or sum(table.count for table in known) > MAX_SYMBOLS:
        return None
    program = asking[0].dynamic.symbols
    others = Offers(is_musl=is_musl)
    for table in known:
        if table is not program:
            others.add(table)
    all_of_them = others if program is None else others.copy()
    if program is not None:
        all_of_them.add(program)
    found: Unbound | None = None
    for by in asking:
        for ask in by.dynamic.symbols.asks() if by.dynamic.symbols is not None else ():
            if (others if ask.is_copied else all_of_them).has(ask):
                continue
            if is_musl or binds_now or not ask.later:
                return Unbound(by, ask, later=False)
            found = found or Unbound(by, ask, later=True)
    return found
