"""Whether the loader finds every symbol that a program, or a library of it, cannot start without."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from scanner.binary.program.elf.symbols import HIDDEN, NamesTooLongError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.binary.program.elf.symbols import NeededSymbol, Symbols
    from scanner.binary.program.libraries.paths import Loaded

MAX_SYMBOLS = 150_000
"""Of all files of one process: a desktop program of Qt brings in 60,000, which take 0.1 s of one core."""

REMEMBERED_FILES, MAX_REMEMBERED_SYMBOLS, MAX_REMEMBERED_BYTES = 8, 20_000, 2 << 20
"""Files whose offers are remembered by what they hold, unless they are large: some 300 bytes a symbol, besides its name."""

FEW_FILES = 8
"""Files that are asked one after the other for each symbol; what more offer is put together before."""


@dataclass(frozen=True, slots=True)
class Unbound:
    """A symbol that no file offers, and who asks for it: ``later``, on the first call, or before anything runs."""

    by: Loaded
    ask: NeededSymbol
    later: bool


@dataclass(frozen=True, slots=True)
class Offers:
    """What one file offers: names with a version, names that serve every version, names for who asks for none."""

    versioned: frozenset[tuple[bytes, str]]
    plain: frozenset[bytes]
    unversioned: frozenset[bytes]

    def has(self, ask: NeededSymbol, *, is_musl: bool) -> bool:
        """Whether an ask is met; musl looks for names alone, and passes over what is hidden."""
        if is_musl:
            return ask.name in self.plain
        if ask.version:
            return (ask.name, ask.version) in self.versioned or ask.name in self.plain
        return ask.name in self.unversioned


_OLDEST = 2
"""The index of the first version that a file defines beside its own name."""


def _offers(symbols: Symbols, *, is_musl: bool) -> Offers:
    """What one file offers; remembered, since the same C library is below most images of a fleet."""
    is_small = symbols.count <= MAX_REMEMBERED_SYMBOLS and symbols.kept_bytes <= MAX_REMEMBERED_BYTES
    return (_remembered if is_small else _told)(symbols, is_musl=is_musl)


def _told(symbols: Symbols, *, is_musl: bool) -> Offers:
    """Of elf/dl-lookup.c, check_match: a file's oldest version serves who asks for none."""
    offered, versions = symbols.offered(), symbols.version_names
    if is_musl:
        return Offers(frozenset(), frozenset(name for name, word in offered if not word & HIDDEN), frozenset())
    return Offers(
        frozenset((name, versions.get(word & ~HIDDEN, "")) for name, word in offered if word & ~HIDDEN > 1),
        frozenset(name for name, word in offered if word <= 1),
        frozenset(name for name, word in offered if word & ~HIDDEN <= _OLDEST or not word & HIDDEN),
    )


_remembered = lru_cache(maxsize=REMEMBERED_FILES)(_told)


def _together(offers: Sequence[Offers]) -> Sequence[Offers]:
    """The same offers, of a few files at most."""
    if len(offers) <= FEW_FILES:
        return offers
    versioned: frozenset[tuple[bytes, str]] = frozenset()
    names: frozenset[bytes] = frozenset()
    return [
        Offers(
            versioned.union(*(each.versioned for each in offers)),
            names.union(*(each.plain for each in offers)),
            names.union(*(each.unversioned for each in offers)),
        )
    ]


def unbound(asking: Sequence[Loaded], offering: Sequence[Loaded], *, is_musl: bool, binds_now: bool) -> Unbound | None:
    """The first symbol that is not found, those that are looked for before the start first.

    The first of ``asking`` is the program. ``None`` also where a file's symbols are not at hand: it may offer anything.
    """
    tables = [loaded.dynamic.symbols for loaded in offering]
    known = [table for table in tables if table is not None]
    if len(known) < len(tables) or sum(table.count for table in known) > MAX_SYMBOLS:
        return None
    program = asking[0].dynamic.symbols
    try:
        others = _together([_offers(table, is_musl=is_musl) for table in known if table is not program])
        everything = others if program is None else [*others, _offers(program, is_musl=is_musl)]
        return _unbound(asking, others, everything, is_musl=is_musl, binds_now=binds_now)
    except NamesTooLongError:
        return None


def _unbound(
    asking: Sequence[Loaded], others: Sequence[Offers], everything: Sequence[Offers], *, is_musl: bool, binds_now: bool
) -> Unbound | None:
    found: Unbound | None = None
    for by in asking:
        for ask in by.dynamic.symbols.asks() if by.dynamic.symbols is not None else ():
            if any(offers.has(ask, is_musl=is_musl) for offers in (others if ask.is_copied else everything)):
                continue
            if is_musl or binds_now or not ask.later:
                return Unbound(by, ask, later=False)
            found = found or Unbound(by, ask, later=True)
    return found
