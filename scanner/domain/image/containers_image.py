"""How podman, skopeo, CRI-O choose from an index (containers/image)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.domain.platform.platform import Platform, normalize

if TYPE_CHECKING:
    from collections.abc import Sequence

_VARIANTS = {"arm": ("v8", "v7", "v6", "v5"), "arm64": ("v8",)}
"""The variants that containers/image knows of an architecture, newest first."""


def wanted_platforms(choice: Platform) -> tuple[Platform, ...]:
    """The platforms that are looked for in turn; nothing is normalised, nothing narrower is taken.

    A known variant falls back to older ones, then to none; without variant, none comes first.
    """
    known = _VARIANTS.get(choice.architecture, ())
    if not choice.variant:
        variants = ("", *known)
    elif choice.variant in known:
        variants = (*known[known.index(choice.variant) :], "")
    else:
        variants = (choice.variant, "")
    return tuple(Platform(choice.os, choice.architecture, variant) for variant in variants)


def choose(
    choice: Platform,
    entries: Sequence[Platform | None],
    zstd: Sequence[bool] = (),
    *,
    prefer_gzip: bool = False,
) -> tuple[int, ...]:
    """The places of the entries that would do, best first: wanted platform, compression, then position.

    Entries without platform come last. ``zstd`` tells which entries are compressed so, none where it is empty.
    """
    wanted = wanted_platforms(choice)
    ranks = {place: _rank(wanted, entry) for place, entry in enumerate(entries)}
    compressed = zstd or [False] * len(entries)
    found = [(rank, compressed[place] is prefer_gzip, place) for place, rank in ranks.items() if rank is not None]
    return tuple(place for *_, place in sorted(found))


def _rank(wanted: Sequence[Platform], entry: Platform | None) -> int | None:
    """Os version and features are not looked at."""
    if entry is None:
        return len(wanted)
    plain = Platform(entry.os, entry.architecture, entry.variant)
    return wanted.index(plain) if plain in wanted else None


def read_choice(requested: Platform) -> Platform:
    """What ``podman --platform`` makes of a platform before it looks for it: containerd's spelling, arm64/v8 kept."""
    plain = normalize(requested)
    if plain.architecture == "arm64" and requested.variant and not plain.variant:
        return replace(plain, variant="v8")
    return plain
