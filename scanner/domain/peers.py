"""How other tools match platforms, so that `explain` can say why they disagree."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.domain.platform.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Sequence

# ---------------------------------------------------------------- regclient

_REGCLIENT_PART = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_REGCLIENT_ARCHITECTURES = frozenset({
    "386", "amd64", "i386", "x86_64", "x86-64", "arm", "armhf", "armel", "arm64", "aarch64", "mips", "mips64",
    "mips64le", "ppc", "ppc64", "ppc64le", "loong64", "riscv", "riscv64", "s390", "s390x", "sparc", "sparc64", "wasm",
})  # fmt: skip
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


def regclient_parse(text: str, local: Platform) -> Platform:
    """Read ``os/arch/variant[,osver=version]`` as regclient does; ``local`` fills what is left out.

    Raises:
        ValueError: regclient refuses it.
    """
    plain, comma, options = text.partition(",")
    parts = [part.lower() for part in plain.split("/")]
    if not all(_REGCLIENT_PART.fullmatch(part) for part in parts):
        raise ValueError(f"regclient refuses the platform {text!r}")
    named = _regclient_named(parts)
    if comma:
        named = replace(named, os_version=_regclient_os_version(text, options))
    if text == "local":
        return local
    if named.os in ("local", ""):
        named = replace(named, os=local.os)
    return _regclient_filled(_regclient_plain(named), local, is_short=len(parts) == 1)


def _regclient_named(parts: Sequence[str]) -> Platform:
    if len(parts) == 1 and parts[0] in _REGCLIENT_ARCHITECTURES:
        return Platform("", parts[0])
    os, architecture, variant = (*parts, "", "")[:3]
    return Platform(os, architecture, variant)


def _regclient_os_version(text: str, options: str) -> str:
    version = ""
    for option in options.split(","):
        key, _, value = option.partition("=")
        if key.strip().lower() not in ("osver", "osversion"):
            raise ValueError(f"regclient refuses the platform {text!r}: it knows no option {key!r}")
        version = value.strip()
    return version


def _regclient_filled(named: Platform, local: Platform, *, is_short: bool) -> Platform:
    runs_here = regclient_compatible(Platform(local.os, ""), Platform(named.os, ""))
    if is_short and runs_here and named.os in ("linux", "darwin", "windows"):
        named = replace(named, architecture=named.architecture or local.architecture)
        if named.architecture == local.architecture:
            named = replace(named, variant=named.variant or local.variant)
    same = (named.os, named.architecture) == ("windows", local.architecture) and local.os == "windows"
    if same and not named.os_version and _covers(local.variant, named.variant):
        return replace(named, os_version=local.os_version)
    return named


def _regclient_plain(platform: Platform) -> Platform:
    """Its normalisation: fewer spellings than containerd's, case counts."""
    named = replace(platform, os="darwin") if platform.os == "macos" else platform
    match named.architecture:
        case "i386":
            return replace(named, architecture="386", variant="")
        case "x86_64" | "x86-64" | "amd64":
            return replace(named, architecture="amd64", variant="" if named.variant == "v1" else named.variant)
        case "aarch64" | "arm64":
            return replace(named, architecture="arm64", variant="" if named.variant in ("8", "v8") else named.variant)
        case "armhf":
            return replace(named, architecture="arm", variant="v7")
        case "armel":
            return replace(named, architecture="arm", variant="v6")
        case "arm":
            spelled = {"": "v7", "7": "v7", "5": "v5", "6": "v6", "8": "v8"}
            return replace(named, variant=spelled.get(named.variant, named.variant))
    return named


def regclient_compatible(host: Platform, image: Platform) -> bool:
    """The same architecture and no newer variant; macOS and Windows hosts take Linux images too."""
    host, image = _regclient_plain(host), _regclient_plain(image)
    fits = host.architecture == image.architecture and _covers(host.variant, image.variant)
    match host.os:
        case "linux" | "freebsd":
            return fits and host.os == image.os
        case "darwin":
            return fits and image.os in ("darwin", "linux")
        case "windows" if image.os == "windows":
            same_build = _windows_build(host.os_version) == _windows_build(image.os_version)
            return fits and (not host.os_version or same_build)
        case "windows":
            return fits and image.os == "linux"
    rest = (host.os, host.os_version, host.os_features) == (image.os, image.os_version, image.os_features)
    return fits and rest


def regclient_match(one: Platform, other: Platform) -> bool:
    """The same platform, where Windows versions count up to the build."""
    one, other = _regclient_plain(one), _regclient_plain(other)
    if (one.os, one.architecture, one.variant) != (other.os, other.architecture, other.variant):
        return False
    match one.os:
        case "linux" | "freebsd":
            return True
        case "windows":
            return _windows_build(one.os_version) == _windows_build(other.os_version)
    return (one.os_version, one.os_features) == (other.os_version, other.os_features)


def regclient_better(host: Platform, image: Platform, previous: Platform | None) -> bool:
    """Whether an image is compatible, besides a better choice than the previous one."""
    if not regclient_compatible(host, image):
        return False
    host, image = _regclient_plain(host), _regclient_plain(image)
    before = _regclient_plain(previous or Platform("", ""))
    for own, new, old, compare in (
        (host.os, image.os, before.os, None),
        (host.architecture, image.architecture, before.architecture, None),
        (host.variant, image.variant, before.variant, _level_order),
        (host.os_version, image.os_version, before.os_version, _version_order),
    ):
        if new != old and own in (new, old):
            return new == own
        if new != old and compare and (order := compare(old, new)):
            return order < 0
    return False


def _covers(host: str, image: str) -> bool:
    own, needed = _level(host), _level(image)
    return own >= needed or (own == 1 and not image) or (not host and needed == 1)


def _level(variant: str) -> int:
    number = variant.removeprefix("v")
    return int(number) if _INTEGER.fullmatch(number) else 0


def _level_order(one: str, other: str) -> int:
    return _level(one) - _level(other)


def _windows_build(version: str) -> str:
    parts = version.split(".")
    return version if len(parts) < 4 else ".".join(parts[:3])  # noqa: PLR2004 - major, minor, build, revision


def _version_order(one: str, other: str) -> int:
    theirs = other.split(".")
    for place, part in enumerate(one.split(".")):
        if place >= len(theirs):
            return 1
        known = bool(_INTEGER.fullmatch(part)), bool(_INTEGER.fullmatch(theirs[place]))
        if known != (True, True):
            return known[0] - known[1]
        if int(part) != int(theirs[place]):
            return 1 if int(part) > int(theirs[place]) else -1
    return 0


def regclient_choose(host: Platform, entries: Sequence[Platform | None]) -> int | None:
    """The place of the entry that regclient takes; entries without platform are passed over."""
    best: int | None = None
    for place, entry in enumerate(entries):
        before = entries[best] if best is not None else None
        if entry is not None and regclient_better(host, entry, before):
            best = place
    return best


# ---------------------------------------------------------------- go-containerregistry

GGCR_DEFAULT = Platform("linux", "amd64")
"""What crane, kaniko or ko take an index entry without platform for."""


def ggcr_equals(one: Platform, other: Platform) -> bool:
    """The same in every field, as written; features in any order."""
    return _sorted_features(one) == _sorted_features(other)


def _sorted_features(platform: Platform) -> Platform:
    return replace(platform, os_features=tuple(sorted(platform.os_features)))


def ggcr_satisfies(required: Platform, given: Platform | None) -> bool:
    """Whether an entry has what is required, as written; empty required fields do not count."""
    seen = given or GGCR_DEFAULT
    fields = (
        (required.os, seen.os),
        (required.architecture, seen.architecture),
        (required.variant, seen.variant),
        (required.os_version, seen.os_version),
    )
    return all(wanted in ("", found) for wanted, found in fields) and set(required.os_features) <= set(seen.os_features)


# ---------------------------------------------------------------- oras


def oras_match(target: Platform, given: Platform) -> bool:
    """Operating system and architecture as written, the rest only where the target names it."""
    if (target.os, target.architecture) != (given.os, given.architecture):
        return False
    optional = ((target.variant, given.variant), (target.os_version, given.os_version))
    return all(wanted in ("", found) for wanted, found in optional) and set(target.os_features) <= set(
        given.os_features
    )
