"""Platforms in their canonical Go/OCI spelling."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import unquote

MAX_SPECIFIER_CHARS = 512
"""A platform is a few words; whatever is longer is no platform."""

KNOWN_OS = frozenset({
    "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd",
    "openbsd", "plan9", "solaris", "windows", "zos",
})  # fmt: skip
"""The GOOS names that containerd takes for an operating system where one word stands alone."""

KNOWN_ARCHITECTURES = frozenset({
    "386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "ppc64", "ppc64le", "loong64", "mips", "mipsle",
    "mips64", "mips64le", "mips64p32", "mips64p32le", "ppc", "riscv", "riscv64", "s390", "s390x", "sparc", "sparc64",
    "wasm",
})  # fmt: skip
"""The GOARCH names that containerd takes for an architecture where one word stands alone."""

_COMPONENT = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_OS_COMPONENT = re.compile(r"([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?", re.ASCII)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})", re.ASCII)

_ALIASES = {
    "i486": "386", "i586": "386", "i686": "386", "x86": "386",
    "x64": "amd64",
    "arm64v8": "arm64", "armv8": "arm64",
    "loongarch64": "loong64",
    "ppc64el": "ppc64le", "powerpc64le": "ppc64le", "powerpc64": "ppc64", "powerpc": "ppc",
    "mips64el": "mips64le", "mipsel": "mipsle",
    "riscv64gc": "riscv64",
}  # fmt: skip
"""Names that mean one architecture wherever they are used, though containerd does not translate them."""

_ARM_NAME = re.compile(r"arm(?:32)?v([5-8])(?:[a-z]*[ac-z])?", re.ASCII)
"""``armv7l``, ``armv6hl``, ``arm32v5``; a trailing ``b`` is big endian, which runs no usual image."""


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """An operating system, architecture and variant, such as ``linux/arm/v7``; canonical once ``canonical``ised."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()

    def __str__(self) -> str:
        """``os/architecture[/variant]``, the form that ``docker --platform`` takes."""
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


MAX_REMEMBERED = 1024
"""Spellings kept with what they mean: a fleet has some tens, and each is asked for once a workload."""


@lru_cache(MAX_REMEMBERED)
def normalize(platform: Platform, local_os: str = "") -> Platform:
    """What containerd makes of a platform before it compares (containerd/platforms database.go).

    An empty operating system means the engine's own there: ``local_os`` stands for it, and nothing is guessed without.
    """
    architecture, variant = _containerd_architecture(platform.architecture.lower(), platform.variant.lower())
    os = (platform.os or local_os).lower()
    return Platform(
        os="darwin" if os == "macos" else os,
        architecture=architecture,
        variant=variant,
        os_version=platform.os_version,
        os_features=tuple(sorted(set(platform.os_features))),
    )


def _containerd_architecture(architecture: str, variant: str) -> tuple[str, str]:
    match architecture:
        case "i386":
            return "386", ""
        case "x86_64" | "x86-64" | "amd64":
            return "amd64", "" if variant == "v1" else variant
        case "aarch64" | "arm64":
            return "arm64", _ARM64_SPELLINGS.get(variant, variant)
        case "armhf":
            return "arm", "v7"
        case "armel":
            return "arm", "v6"
        case "arm":
            return "arm", _ARM_SPELLINGS.get(variant, variant)
    return architecture, variant


_ARM64_SPELLINGS = {"8": "", "v8": "", "v8.0": "", "9": "v9", "9.0": "v9", "v9.0": "v9"}
_ARM_SPELLINGS = {"": "v7", "7": "v7", "5": "v5", "6": "v6", "8": "v8"}


@lru_cache(MAX_REMEMBERED)
def canonical(platform: Platform) -> Platform:
    """Our one spelling of a platform: containerd's, and the aliases that every distribution and kernel uses besides.

    ``armv7l`` is ``arm/v7`` here although no engine matches it: selection has to keep what was written.
    """
    plain = normalize(platform)
    if arm := _ARM_NAME.fullmatch(plain.architecture):
        if arm[1] == "8" and not plain.architecture.endswith("l"):  # armv8l is the 32-bit view, armv8 the whole machine
            return normalize(replace(plain, architecture="arm64"))
        return replace(plain, architecture="arm", variant=f"v{arm[1]}")
    return normalize(replace(plain, architecture=_ALIASES.get(plain.architecture, plain.architecture)))


def parse(text: str, local: Platform | None = None) -> Platform:
    """Read ``os[(version+feature)]/arch[/variant]`` as containerd does, ``os`` or ``arch`` alone only with ``local``.

    Args:
        text: the specifier.
        local: the platform that fills what a single word leaves open; nothing is guessed without it.

    Raises:
        ValueError: the text is no platform specifier; the message says why.
    """
    if len(text) > MAX_SPECIFIER_CHARS:
        raise ValueError(f"a platform has at most {MAX_SPECIFIER_CHARS} characters, this one has {len(text)}")
    if "*" in text:
        raise ValueError(f"platform {text!r}: wildcards are not supported")
    first, *others = text.split("/")
    named = _read_os(first, text)
    for part in others:
        if not _COMPONENT.fullmatch(part):
            raise ValueError(f"platform {text!r}: {part!r} is not a name of letters, digits, '_', '.' and '-'")
    match others:
        case []:
            return _read_one_word(first, named, text, local)
        case [architecture]:
            return _with_architecture(named, architecture)
        case [architecture, variant]:
            name, level = _containerd_architecture(architecture.lower(), variant.lower())
            return replace(named, architecture=name, variant=level or ("v8" if name == "arm64" else ""))
    raise ValueError(f"platform {text!r} has more than three parts: write os/arch or os/arch/variant")


def _read_os(part: str, text: str) -> Platform:
    found = _OS_COMPONENT.fullmatch(part)
    if not found:
        raise ValueError(
            f"platform {text!r}: {part!r} is not an operating system, such as linux or windows(10.0.20348)"
        )
    name = found[1].lower()
    features = tuple(_unescape(feature, text) for feature in (found[3] or "").split("+")[1:])
    return Platform(
        os="darwin" if name == "macos" else name,
        architecture="",
        os_version=_unescape(found[2] or "", text),
        os_features=tuple(feature for feature in features if feature),
    )


def _unescape(option: str, text: str) -> str:
    if _BAD_ESCAPE.search(option):
        raise ValueError(f"platform {text!r}: {option!r} has a '%' without two hexadecimal digits")
    return unquote(option)


def _with_architecture(named: Platform, architecture: str) -> Platform:
    """The two-part form, in which containerd leaves ``arm`` without its default variant."""
    name, variant = _containerd_architecture(architecture.lower(), "")
    return replace(named, architecture=name, variant="" if (name, variant) == ("arm", "v7") else variant)


def _read_one_word(word: str, named: Platform, text: str, local: Platform | None) -> Platform:
    lone = _with_architecture(named, word)
    if named.os not in KNOWN_OS and lone.architecture not in KNOWN_ARCHITECTURES:
        raise ValueError(f"platform {text!r} is neither a known operating system nor a known architecture")
    if local is None:
        raise ValueError(f"platform {text!r} is only half a platform: write os/arch, such as linux/amd64")
    if named.os in KNOWN_OS:
        variant = local.variant if local.architecture == "arm" and local.variant != "v7" else ""
        return replace(named, architecture=local.architecture, variant=variant)
    return replace(lone, os=local.os)
