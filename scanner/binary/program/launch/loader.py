"""Reads the command line of a loader that is started as a program, by glibc's rules beside musl's."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.launch.launch import AtRunTime, By, Launched

if TYPE_CHECKING:
    from scanner.binary.program.launch.launch import Launch, LauncherCall

MUSL = re.compile(r"ld-musl-[a-z0-9_.-]+\.so\.1", re.ASCII)
GLIBC = re.compile(r"ld-linux[a-z0-9_.-]*\.so\.[0-9]|ld64\.so\.[0-9]|ld\.so(?:\.[0-9])?|ld-[0-9.]+\.so", re.ASCII)

_GLIBC_FLAGS = frozenset({"--inhibit-cache"})
_GLIBC_VALUED = frozenset({
    "--library-path", "--inhibit-rpath", "--audit", "--preload", "--argv0", "--glibc-hwcaps-prepend",
    "--glibc-hwcaps-mask",
})  # fmt: skip
_GLIBC_ENDS = frozenset({"--list", "--verify", "--list-tunables", "--list-diagnostics", "--help", "--version"})
_FOR_LIBRARIES = {"--library-path": "LD_LIBRARY_PATH", "--preload": "LD_PRELOAD"}
"""Options that stand in for a variable."""
_MUSL_VALUED = frozenset({"library-path", "preload", "argv0"})


def glibc(call: LauncherCall) -> Launch:
    """rtld.c of glibc: options are whole words that begin with ``--``, without ``=``; ``--`` itself is none."""
    words, argv0, said = call.words, None, dict[str, str]()
    while words and words[0].startswith("--"):
        option = words[0]
        if option in _GLIBC_ENDS:
            return None
        if option not in _GLIBC_FLAGS | _GLIBC_VALUED or (option in _GLIBC_VALUED and len(words) < 2):  # noqa: PLR2004 - the option and its value
            return call.refused(f"there is no option {option}, or it lacks its value")
        argv0 = words[1] if option == "--argv0" else argv0
        said |= {option: words[1]} if option in _FOR_LIBRARIES else {}
        words = words[2:] if option in _GLIBC_VALUED else words[1:]
    if words and "/" not in words[0]:
        return AtRunTime(f"{call.name} looks for {words[0]!r} among libraries, not in PATH")
    return _loaded(call, words, argv0, said)


def musl(call: LauncherCall) -> Launch:
    """dynlink.c of musl: ``--name value`` or ``--name=value``; a name without slash is a file of the directory."""
    words, argv0, said = call.words, None, dict[str, str]()
    while words and words[0].startswith("--"):
        name, equals, value = words[0][2:].partition("=")
        words = words[1:]
        if not name and not equals:
            break
        if name == "list" and not equals:
            return None
        if name not in _MUSL_VALUED or (not equals and not words):
            return call.refused(f"there is no option --{name}, or it lacks its value")
        if not equals:
            value, words = words[0], words[1:]
        argv0 = value if name == "argv0" else argv0
        said |= {f"--{name}": value} if f"--{name}" in _FOR_LIBRARIES else {}
    if words and words[0] and "/" not in words[0]:
        words = (f"./{words[0]}", *words[1:])
    return _loaded(call, words, argv0, said)


def _loaded(call: LauncherCall, words: tuple[str, ...], argv0: str | None, said: dict[str, str]) -> Launch:
    launch = call.starting(words, By.LOADER)
    variables = tuple((_FOR_LIBRARIES[option], value) for option, value in said.items())
    return replace(launch, argv0=argv0, for_loader=variables) if isinstance(launch, Launched) else launch
