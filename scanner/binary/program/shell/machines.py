"""What programs answer that are asked for the machine, where the shell's own program tells it."""

from __future__ import annotations

from types import MappingProxyType

_UNAME = MappingProxyType({
    "amd64": "x86_64", "arm64": "aarch64", "s390x": "s390x", "ppc64le": "ppc64le", "riscv64": "riscv64", "loong64": "loongarch64",
})  # fmt: skip
"""What kernels call the machine on which a 64-bit program runs; emulators say it of the machine that they stand for.

A 32-bit one may run on several."""

_DPKG = MappingProxyType({"ppc64le": "ppc64el", "loong64": "loong64"})
"""Debian's words for architectures where they are not Go's."""


def answer(name: str, options: tuple[str, ...], architecture: str) -> str | None:
    """What a program answers that is asked for the machine, where the shell's own program tells it."""
    if name == "uname":
        return _uname(options, _UNAME.get(architecture))
    if architecture == "386":
        return _OF_386.get(" ".join((name, *options)))
    if architecture in _OF_32_BITS and (name, options) == ("getconf", ("LONG_BIT",)):
        return "32"
    if architecture not in _UNAME:
        return None
    match name, options:
        case ("arch", ()):
            return _UNAME[architecture]
        case ("getconf", ("LONG_BIT",)):
            return "64"
        case ("dpkg", ("--print-architecture",)):
            return _DPKG.get(architecture, architecture)
        case ("apk", ("--print-arch",)):
            return _UNAME[architecture]
        case _:
            return None


_OF_386 = MappingProxyType({
    "dpkg --print-architecture": "i386", "apk --print-arch": "x86", "getconf LONG_BIT": "32",
})  # fmt: skip
_OF_32_BITS = frozenset({"arm", "mips", "mipsle"})
_LETTERS = MappingProxyType({"--kernel-name": "s", "--machine": "m"})


def _uname(options: tuple[str, ...], machine: str | None) -> str | None:
    """What ``uname`` prints, in its own order, of what it is asked for by its options' letters."""
    letters = [_LETTERS.get(each, each[1:] if each[:1] == "-" and each[:2] != "--" else "?") for each in options]
    asked = set("".join(letters) or "s")
    if not asked <= set("sm") or ("m" in asked and machine is None):
        return None
    says = (("s", "Linux"), ("m", machine or ""))
    return " ".join(word for letter, word in says if letter in asked)
