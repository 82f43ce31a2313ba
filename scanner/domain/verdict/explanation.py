"""Explains a pasted error: its cause, how to see that for oneself, what mends it, who says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.domain.platform.platform import Platform, canonical
from scanner.domain.platform.platform import parse as parse_platform
from scanner.domain.verdict import error_phrases, remedy
from scanner.domain.verdict.phrases import causes
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

USUAL_PLATFORMS = (Platform("linux", "amd64"), Platform("linux", "arm64"))
"""Built for beside what a text names: a push replaces what the tag offered before, and servers are one of these."""

_PLATFORM = re.compile(r"(?<![\w/])(?:linux|windows)/[a-z0-9]{2,12}(?:/v\d(?:\.\d)?)?(?![\w/])", re.ASCII)
_IN_PARTS = re.compile(
    r'architecture \\{0,3}"?(\w{2,12})\\{0,3}"?(?:, variant \\{0,3}"(v\d(?:\.\d)?)?\\{0,3}")?(?:, OS \\{0,3}"?(linux|windows))?',
    re.ASCII,
)
"""As Podman names a platform."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One reason that a text gives, for a person who has nothing but the text.

    Attributes:
        reason: the reason; its status follows from it.
        phrase: the words that say so.
        cause: what they mean.
        said_by: who prints them, with versions.
        confirm: commands that show whether it is so; IMAGE, CONTAINER, PATH stand for the reader's own.
        fix: what mends it.
    """

    reason: Reason
    phrase: str
    cause: str
    said_by: str
    confirm: tuple[str, ...]
    fix: Fix

    @property
    def status(self) -> Status:
        """What the reason stands for."""
        return STATUS_OF[self.reason]


def explained(text: str) -> tuple[Explanation, ...]:
    """Everything that a pasted text says about programs that do not start, each reason once."""
    return explained_all([text])


def explained_all(excerpts: Iterable[str]) -> tuple[Explanation, ...]:
    """The same of a log of any length, which comes as excerpts of whole lines."""
    return tuple(_explanation(observation) for observation in error_phrases.explain_all(excerpts))


def _explanation(seen: error_phrases.Observation) -> Explanation:
    named = _named(seen.phrase)
    linux = tuple(platform for platform in named if platform.os == "linux")
    is_npm = seen.cause == causes.NODE_MODULES or "/node_modules/" in seen.phrase
    trouble = remedy.Trouble(
        host="HOST",
        image="IMAGE",
        needed=_asked(seen, named),
        beside=tuple(dict.fromkeys((*linux, *USUAL_PLATFORMS))),
        path="node_modules" if is_npm and seen.reason is Reason.WRONG_LIBRARY else "",
        emulator=_emulator(seen.phrase) if seen.reason is Reason.EMULATOR_UNUSABLE else None,
    )
    is_unit = seen.reason is Reason.BINARY_UNKNOWN and "status=203" in seen.phrase
    return Explanation(
        reason=seen.reason,
        phrase=seen.phrase,
        cause=seen.cause,
        said_by=seen.said_by,
        confirm=_JOURNAL if is_unit else _CONFIRM.get(seen.reason, _LOOK_INSIDE),
        fix=_LINE_ABOVE if is_unit else remedy.fix(seen.reason, trouble),
    )


def _emulator(words: str) -> remedy.Handler:
    """The emulator that speaks: it ran, so that its handler is as it should be."""
    low = words.lower()
    name = next((name for sign, name in _EMULATED_BY if sign in low), "itself")
    return remedy.Handler(name, name, name, is_fixed=True)


_EMULATED_BY = (("qemu", "QEMU"), ("rosetta", "Rosetta"), ("fex", "FEX"), ("box64", "box64"), ("box86", "box86"))


def _asked(seen: error_phrases.Observation, named: tuple[Platform, ...]) -> Platform | None:
    """The platform that the words say was asked for; a text of two tells first what the image is for, save of what was wanted."""
    if seen.reason is Reason.PLATFORM_MISSING:
        return named[0] if named else None
    if seen.reason is Reason.WRONG_PLATFORM and len(named) > 1:
        return named[0] if "wanted " in seen.phrase.lower() else named[-1]
    return None


def _named(words: str) -> tuple[Platform, ...]:
    """The platforms that the words name, what the image has as well as what was asked for."""
    found: dict[Platform, None] = {}
    parts = ("/".join(filter(None, (os or "linux", cpu, variant))) for cpu, variant, os in _IN_PARTS.findall(words))
    for name in (*_PLATFORM.findall(words), *parts):
        platform = canonical(parse_platform(name))  # which reads whatever the patterns find
        is_level = platform.architecture == "amd64"  # what the host's CPU could do is nothing to build for
        found.setdefault(Platform(platform.os, platform.architecture, "" if is_level else platform.variant))
    return tuple(found)


_JOURNAL = ("systemctl status UNIT", "journalctl --unit UNIT --lines 20")
_LINE_ABOVE = Fix(
    "The line above it in the unit's journal says why: have that explained.",
    ("journalctl --unit UNIT --lines 20 | archscan explain -",),
)
_LOOK_INSIDE = ("archscan image IMAGE",)
_PLATFORMS = (
    "uname -m",
    "docker image inspect --format '{{.Os}}/{{.Architecture}}{{.Variant}}' IMAGE",
    "archscan image IMAGE",
)
_CPU = ("lscpu", "/lib64/ld-linux-x86-64.so.2 --help | grep supported", "archscan image IMAGE")
_LIBRARIES = ("docker run --rm --entrypoint ldd IMAGE PATH", "archscan image IMAGE")
_FILE = ('docker create --name look IMAGE && docker cp look:PATH . && file "$(basename PATH)"; docker rm look',)
_MODES = ("docker run --rm --entrypoint ls IMAGE -ld PATH", "docker image inspect --format '{{.Config.User}}' IMAGE")
_SCRIPT = ("docker run --rm --entrypoint head IMAGE -n 1 PATH | od -c | head -n 3", "archscan image IMAGE")
_TAGS = ("docker buildx imagetools inspect IMAGE", "archscan image IMAGE")
_EMULATORS = (
    "grep -r '^flags\\|^interpreter\\|abled' /proc/sys/fs/binfmt_misc/",
    "docker run --rm --platform linux/arm64 alpine uname -m",
)

_CONFIRM: Mapping[Reason, tuple[str, ...]] = {
    Reason.EXEC_FORMAT_ERROR: (*_PLATFORMS, *_FILE),
    Reason.WRONG_PLATFORM: _PLATFORMS,
    Reason.PLATFORM_MISSING: ("docker version --format '{{.Server.Os}}/{{.Server.Arch}}'", *_TAGS),
    Reason.CPU_LEVEL_TOO_LOW: _CPU,
    Reason.ILLEGAL_INSTRUCTION: ("docker inspect --format '{{.State.ExitCode}}' CONTAINER", "dmesg | grep -i 'invalid opcode\\|undefined instruction'", *_CPU),
    Reason.INTERPRETER_MISSING: _SCRIPT,
    Reason.CRLF_SHEBANG: _SCRIPT,
    Reason.LOADER_MISSING: _LIBRARIES,
    Reason.LOADER_INVALID: _LIBRARIES,
    Reason.LIBRARY_MISSING: _LIBRARIES,
    Reason.LIBRARY_TOO_OLD: _LIBRARIES,
    Reason.WRONG_LIBRARY: (*_FILE, "archscan image IMAGE"),
    Reason.PAGE_SIZE_UNSUPPORTED: ("getconf PAGESIZE", "readelf --segments --wide PATH | grep LOAD"),
    Reason.EMULATOR_UNUSABLE: _EMULATORS,
    Reason.ENTRYPOINT_MISSING: ("docker image inspect --format '{{.Config.Entrypoint}} {{.Config.Cmd}}' IMAGE", "archscan image IMAGE"),
    Reason.ENTRYPOINT_NOT_EXECUTABLE: _MODES,
    Reason.PERMISSION_DENIED: _MODES,
    Reason.USER_MISSING: ("docker image inspect --format '{{.Config.User}}' IMAGE", "docker run --rm --user 0 --entrypoint cat IMAGE /etc/passwd"),
    Reason.WORKDIR_INVALID: ("docker image inspect --format '{{.Config.WorkingDir}}' IMAGE",),
    Reason.IMAGE_TAG_MISSING: _TAGS,
    Reason.IMAGE_DENIED: ("docker login REGISTRY", *_TAGS),
    Reason.LAYER_MISSING: ("docker pull IMAGE", "archscan image IMAGE"),
    Reason.LAYER_UNREADABLE: ("docker pull IMAGE", "archscan image IMAGE"),
    Reason.IMAGE_REFUSED: ("docker pull IMAGE", "docker buildx imagetools inspect --raw IMAGE"),
    Reason.CRASH_UNEXPLAINED: ("docker inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' CONTAINER", "dmesg | grep segfault", "getconf PAGESIZE", "archscan image IMAGE"),
    Reason.BINARY_UNKNOWN: ("docker inspect --format '{{.State.ExitCode}} {{.State.Error}}' CONTAINER", "journalctl --unit UNIT --lines 20"),
}  # fmt: skip
"""What shows on the host or in the image whether it is so."""
