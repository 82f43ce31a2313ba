"""Which other tags of a repository come closest to one: the same release in another build, then newer, then older ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_TAG_CHARS = 128
"""What the distribution grammar allows."""

_VERSION = re.compile(r"(?P<v>v?)(?P<numbers>[0-9]{1,9}(?:\.[0-9]{1,9}){0,3})(?P<suffix>(?:[-_+.].*)?)", re.ASCII)
_PRE_RELEASE = re.compile(r"(?:^|[-._+])(?:alpha|beta|rc|pre|preview|dev|nightly|snapshot|canary|edge|test)", re.ASCII)

_BUILDS = re.compile(
    r"[-._+](?:cpuv[1-4]|x86-64-v[1-4]|v[1-4]|baseline|generic|noavx2?|no-avx2?|amd64|x86_64|arm64(?:v8)?|aarch64|arm32v[5-7]|"
    r"arm(?:v[5-7]|hf)?|386|i386|ppc64le|s390x|riscv64)(?=$|[-._+])",
    re.ASCII,
)
"""Words of a tag that name a build of the same release: for a CPU, or for one that can less."""


@dataclass(frozen=True, slots=True)
class Version:
    """A tag that is a release: its numbers, what follows them but for the words that name a build, those words."""

    numbers: tuple[int, ...]
    flavour: str
    build: str
    is_pre_release: bool

    @classmethod
    def of(cls, tag: str) -> Version | None:
        """What a tag says, ``None`` where it is no version."""
        found = _VERSION.fullmatch(tag) if len(tag) <= MAX_TAG_CHARS else None
        if found is None:
            return None
        suffix = found["suffix"].lower()
        builds = _BUILDS.findall(suffix)
        flavour = _BUILDS.sub("", suffix)
        numbers = tuple(int(number) for number in found["numbers"].split("."))
        return cls(numbers, flavour, "".join(builds), bool(_PRE_RELEASE.search(flavour)))


def candidates(tag: str, listed: Iterable[str], limit: int) -> list[str]:
    """The tags that are worth a look where ``tag`` does not fit, best first, at most ``limit`` of them.

    Other builds of the same release come first; then releases of the same flavour (``-alpine``), the newest first and
    those of the same first number before others; no pre-release where ``tag`` is none. A tag that is no version has only
    other builds of itself.
    """
    others = list(dict.fromkeys(one for one in listed if one != tag and len(one) <= MAX_TAG_CHARS))
    own = Version.of(tag)
    if own is None:
        stem = _BUILDS.sub("", tag.lower())
        return sorted((one for one in others if _BUILDS.sub("", one.lower()) == stem), key=_short_first)[:limit]
    ranked = []
    for one in others:
        version = Version.of(one)
        if version is None or (version.flavour != own.flavour and not _is_same(own, version)):
            continue
        if version.is_pre_release and not own.is_pre_release:
            continue
        ranked.append((_rank(own, version), one))
    return [one for _, one in sorted(ranked)[:limit]]


def _short_first(tag: str) -> tuple[int, str]:
    return len(tag), tag


def _is_same(own: Version, other: Version) -> bool:
    return other.numbers == own.numbers


def _rank(own: Version, other: Version) -> tuple[int, int, tuple[int, ...], int, str]:
    """Sorts best first: numbers are turned round, so that the greatest comes first."""
    nearness = 0 if _is_same(own, other) and other.flavour == own.flavour else 1 if _is_same(own, other) else 2
    another_series = int(other.numbers[0] != own.numbers[0])
    newest_first = tuple(-number for number in (*other.numbers, 0, 0, 0, 0)[:4])
    return nearness, another_series, newest_first, -len(other.numbers), other.build
