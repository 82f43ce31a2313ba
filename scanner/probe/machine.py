"""The platform that `uname` names."""

from __future__ import annotations

from scanner.domain.platform import Platform, canonical

_SYSTEMS = {
    "linux": "linux", "darwin": "darwin", "freebsd": "freebsd", "openbsd": "openbsd", "netbsd": "netbsd",
    "dragonfly": "dragonfly", "windows": "windows",
}  # fmt: skip

_EMULATED_WINDOWS = ("mingw", "cygwin", "msys")
"""Unix shells on Windows put its version behind their own name (``MINGW64_NT-10.0-22631``)."""

_PLAIN = {
    "x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64", "aarch64_be": "arm64be",
    "i386": "386", "i486": "386", "i586": "386", "i686": "386", "x86": "386",
    "ppc": "ppc", "ppc64": "ppc64", "ppc64le": "ppc64le", "s390": "s390", "s390x": "s390x", "riscv": "riscv",
    "riscv32": "riscv", "riscv64": "riscv64", "loongarch64": "loong64", "sparc": "sparc", "sparc64": "sparc64",
}  # fmt: skip

_MIPS = {("mips", True): "mipsle", ("mips", False): "mips", ("mips64", True): "mips64le", ("mips64", False): "mips64"}

_OTHER_SYSTEMS = {
    ("freebsd", "riscv"): None, ("freebsd", "arm"): "arm", ("darwin", "power macintosh"): "ppc", ("netbsd", "arm"): "arm",
}  # fmt: skip
"""What systems other than Linux call their machines; FreeBSD's `riscv` is a family (its `uname -p` tells more)."""


def platform_of(system: str, machine: str, little_endian: bool | None = None) -> Platform | None:  # noqa: FBT001 - a fact
    """The canonical platform of a machine; ``None`` where the word is not known or leaves open what it is.

    Args:
        system: what ``uname -s`` says.
        machine: what ``uname -m`` says.
        little_endian: the byte order of a program that runs there; MIPS does not tell it in its name.
    """
    os = _system(system.strip().lower())
    word = machine.strip().lower()
    if os is None or not word.isascii():
        return None
    if (os, word) in _OTHER_SYSTEMS:
        architecture = _OTHER_SYSTEMS[os, word]
    elif word in ("mips", "mips64"):
        architecture = None if little_endian is None else _MIPS[word, little_endian]
    else:
        architecture = _PLAIN.get(word)
    if architecture:
        return canonical(Platform(os, architecture)) if architecture != "arm" else Platform(os, "arm")
    return _arm(os, word)


def _system(word: str) -> str | None:
    return "windows" if word.startswith(_EMULATED_WINDOWS) else _SYSTEMS.get(word)


def _arm(os: str, word: str) -> Platform | None:
    """``armv7l`` or ``armv5tejl``: the version is the digit, a trailing ``b`` big endian."""
    version = word.removeprefix("armv")[:1]
    if not word.startswith("armv") or version not in tuple("345678") or not word[5:].isalpha():
        return None
    return Platform(os, "armbe" if word.endswith("b") else "arm", f"v{version}")
