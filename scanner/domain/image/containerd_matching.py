"""How containerd, hence Docker, matches platforms (containerd/platforms compare.go)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from scanner.domain.platform.cpu import ARM32_OF_ARM64, arm64_ladder
from scanner.domain.platform.platform import Platform, normalize

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_VARIANT_STEPS = 64
"""containerd counts an amd64 or arm variant down however high it is; no CPU has so many generations."""

OLDEST_ARM = 5
"""The fallback from newer to older ARM ends at v5."""

STABLE_WINDOWS_BUILDS = (20348, 26100)
"""Windows Server 2022 and 2025: from the first on, a host runs containers from the LTSC before it up to its own build."""

MATCHERS_KEPT = 256
"""Kinds of host in a fleet; one that is not kept is made again."""

_NUMBER = re.compile(r"v?([0-9]{1,9})", re.ASCII)
_WINDOWS_LIMITS = (0xFF, 0xFF, 0xFFFF)


@dataclass(frozen=True, slots=True)
class Matcher:
    """Platforms that somebody asks for, best first; all of them normalised."""

    wanted: tuple[Platform, ...]

    def matches(self, image: Platform) -> bool:
        """Whether any of the wanted platforms takes this one."""
        return self.rank(image) is not None

    def rank(self, image: Platform) -> int | None:
        """The place of the first wanted platform that takes this one."""
        return next((place for place, wanted in enumerate(self.wanted) if _takes(wanted, image)), None)

    def sort_key(self, image: Platform) -> tuple[int, int, int]:
        """Sorts by rank, more features first; what fails only by its features goes before what fails altogether."""
        if (rank := self.rank(image)) is not None:
            return (0, rank, -len(image.os_features))
        if image.os_features and (rank := self.rank(replace(image, os_features=()))) is not None:
            return (1, rank, 0)
        return (2, 0, 0)


@lru_cache(maxsize=MATCHERS_KEPT)
def only(host: Platform) -> Matcher:
    """What a host takes: its own platform, then everything older or narrower that the same CPU may run."""
    return ordered(*_ladder(normalize(host)))


def only_strict(host: Platform) -> Matcher:
    """What a host takes when nothing but its own platform will do."""
    return ordered(host)


def ordered(*wanted: Platform) -> Matcher:
    """Exactly these platforms, in this order."""
    return Matcher(tuple(map(normalize, wanted)))


def _ladder(host: Platform) -> list[Platform]:
    match host.architecture:
        case "amd64":
            older = _count_down(host.variant, 1)
            return [host, *(replace(host, variant=v) for v in older), replace(host, architecture="386", variant="")]
        case "arm":
            return [host, *(replace(host, variant=v) for v in _count_down(host.variant, OLDEST_ARM))]
        case "arm64":
            own = [replace(host, variant=variant) for variant in arm64_ladder(host.variant)]
            narrower = [replace(host, architecture="arm", variant=variant) for variant in ARM32_OF_ARM64]
            return own + narrower if own else []
    return [host]


def _count_down(variant: str, last: int) -> list[str]:
    found = _NUMBER.fullmatch(variant)
    newest = min(int(found[1]), MAX_VARIANT_STEPS) if found else 0
    return [f"v{number}" for number in range(newest - 1, last - 1, -1)]


def _takes(wanted: Platform, image: Platform) -> bool:
    """Equality after normalisation; the image's features have to be among those wanted."""
    seen = normalize(image, wanted.os)
    if (wanted.os, wanted.architecture, wanted.variant) != (seen.os, seen.architecture, seen.variant):
        return False
    return _takes_os(wanted, seen)


def _takes_os(wanted: Platform, seen: Platform) -> bool:
    features = set(seen.os_features)
    if wanted.os == "windows":
        if not windows_runs(wanted.os_version, seen.os_version):
            return False
        features.discard("win32k")
    return features <= set(wanted.os_features)


def windows_runs(host_version: str, image_version: str, os: str = "windows") -> bool:
    """Whether a Windows host of this build runs a container of that one; anything goes where one is not known.

    https://learn.microsoft.com/virtualization/windowscontainers/deploy-containers/version-compatibility
    """
    host = _windows_build(host_version)
    if os != "windows" or host is None or not image_version:
        return True
    image = _windows_build(image_version) or (0, 0, 0)
    if host[:2] != image[:2]:
        return False
    if host[2] < STABLE_WINDOWS_BUILDS[0]:
        return host[2] == image[2]
    older = [build for build in STABLE_WINDOWS_BUILDS if build < host[2]]
    return max(older, default=STABLE_WINDOWS_BUILDS[0]) <= image[2] <= host[2]


def _windows_build(version: str) -> tuple[int, int, int] | None:
    parts = version.split(".")[:3]
    if len(parts) < len(_WINDOWS_LIMITS) or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    if any(len(part) > 9 or int(part) > limit for part, limit in zip(parts, _WINDOWS_LIMITS, strict=True)):  # noqa: PLR2004 - longer than any limit
        return None
    major, minor, build = map(int, parts)
    return (major, minor, build) if (major, minor, build) != (0, 0, 0) else None


def accepts_config(host: Platform, config: Platform) -> bool:
    """Docker's check of an image's own config: as ``only``, but a config that names no variant passes.

    Where it fails Docker warns that the image's platform does not match the host's, or refuses a platform that was
    asked for (moby daemon/images/image.go).
    """
    if only(host).matches(config):
        return True
    wanted, seen = normalize(host), normalize(config, host.os)
    return not config.variant and (wanted.os, wanted.architecture) == (seen.os, seen.architecture)


def choose(matcher: Matcher, entries: Sequence[Platform | None]) -> tuple[int, ...]:
    """The places of the index entries that match, best first; entries without platform go last.

    Ties stay in the order of the index (containerd core/images/image.go).
    """
    places = [place for place, entry in enumerate(entries) if entry is None or matcher.matches(entry)]
    return tuple(sorted(places, key=lambda place: _key_or_last(matcher, entries[place])))


def _key_or_last(matcher: Matcher, entry: Platform | None) -> tuple[int, ...]:
    return (3,) if entry is None else matcher.sort_key(entry)


def choose_on_windows(host: Platform, entries: Sequence[Platform | None]) -> tuple[int, ...]:
    """The places that a Windows engine takes, the highest os.version first (containerd defaults_windows.go)."""
    matcher = only_strict(host)
    places = [place for place, entry in enumerate(entries) if entry is None or matcher.matches(entry)]
    newest_first = sorted(places, key=lambda place: getattr(entries[place], "os_version", ""), reverse=True)
    return tuple(sorted(newest_first, key=lambda place: entries[place] is None))
