"""What runtimes, loaders, emulators say of a program that does not start: one table of phrases decodes it.

An engine's own error (State.Error) is always the runtime speaking. A log also holds what the application said, so a
log line counts only where it is a whole line in the runtime's own form, the last one of the log, and the exit code
agrees with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_EXPLAINED_CHARS = 1 << 20
"""More than any log that a person pastes; reading stops there."""

MAX_LINE_CHARS = 4096
"""A runtime's line is far shorter, and each pattern costs time in proportion."""

SIGILL_EXIT_CODE = 132
"""128 and the number of SIGILL: what an engine reports when the CPU does not know an instruction."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What somebody saw: the reason it stands for, the words that say so, what causes it."""

    reason: Reason
    phrase: str
    cause: str


@dataclass(frozen=True, slots=True)
class _Phrase:
    """Words of one speaker.

    ``anywhere`` is sought in an engine's error and in text to explain, ``line`` must be a whole log line. ``exits`` are
    the exit codes that go with it; none: any but zero.
    """

    reason: Reason
    cause: str
    anywhere: re.Pattern[str] | None = None
    line: re.Pattern[str] | None = None
    exits: frozenset[int] = frozenset()


def _compiled(pattern: str) -> re.Pattern[str] | None:
    return re.compile(pattern, re.ASCII | re.IGNORECASE) if pattern else None


def _phrase(reason: Reason, cause: str, anywhere: str = "", line: str = "", *exits: int) -> _Phrase:
    return _Phrase(reason, cause, _compiled(anywhere), _compiled(line), frozenset(exits))


_FOREIGN = "the kernel does not know the file's format: a program for another CPU, an empty or damaged file, or a script without #!"
_ENOENT = (
    "the file is there but not what it needs to start: the interpreter in its first line (a carriage return behind it "
    "counts), its dynamic loader, or the interpreter of a binfmt_misc handler without the F flag"
)
_MISSING = "there is no such file in the image"
_DENIED = "the file has no execute permission, or one of the directories above it lets nobody in"
_LEVEL = "the program was built for a newer CPU than this one"
_NO_OFFER = "the image does not offer the platform that the engine asked for"
_OTHER_PLATFORM = "the image was built for another platform than the one it is to run on"
_LOADER_FOREIGN = "the dynamic loader that the program names is for another CPU, or damaged"
_EMULATED_LOADER = "the emulator does not find the dynamic loader of the foreign program in the image"

_INIT = r"(?:time=\S+ level=\w+ msg=\")?(?:container_linux\.go:\d+: starting container process caused: )?standard_init_linux\.go:\d+: exec user process caused:? \\?\"?"
_RUNC = r"exec \S[^:]{0,300}: "
_CRUN = r"(?:\{\"msg\":\")?exec container process (?:\(missing dynamic library\?\) )?`[^`]{1,300}`: "
_CRUN_END = r"(?:\"(?:,\"[^{}]{0,200})?\})?"
_WRAPPER = (
    r"(?:\[FATAL tini \(\d+\)\] exec [^:]{1,300} failed|\[dumb-init\] [^:]{1,300}|error: exec: \"[^\"]{1,300}\"|"
    r"(?:s6-|su-exec: |gosu: |catatonit: )[^:]{1,300}(?:: [^:]{1,300}){0,2}|exec: [^:]{1,300}): "
)
_SHELL = r"(?:[^:\s]{1,100}: )(?:line )?(?:\d+: )?(?:exec: )?(?:[^:]{1,300}: )"
_STARTED = (1, 126, 127, 128, 255)
"""What engines report for a program that never started: old runc 1, now 255; 126, 127 and 128 by podman and Docker."""

_PHRASES = (
    # execve said ENOEXEC
    _phrase(
        Reason.EXEC_FORMAT_ERROR, _FOREIGN, r"exec format error",
        rf"(?:{_INIT}|{_RUNC}|{_CRUN}|{_WRAPPER})exec format error(?:\\?\")?{_CRUN_END}", *_STARTED, 2,
    ),
    _phrase(
        Reason.EXEC_FORMAT_ERROR, _FOREIGN, r"cannot execute binary file",
        rf"{_SHELL}(?:cannot execute(?: binary file)?: )?(?:cannot execute binary file|exec format error)", 2, 126,
    ),
    # execve said ENOENT of a file that exists
    _phrase(
        Reason.INTERPRETER_MISSING, _ENOENT,
        r"exec user process caused:? \\?\"?no such file or directory|"
        r"exec container process \(missing dynamic library\?\) `[^`]{1,300}`: no such file|"
        r"^exec /[^:]{1,300}: no such file or directory$|start container process: exec /[^\":]{1,300}: no such file or directory|"
        r"cannot execute: required file not found|bad interpreter: no such file",
        rf"(?:{_INIT}|{_RUNC}|{_CRUN}|{_WRAPPER})no such file or directory(?:\\?\")?{_CRUN_END}", *_STARTED, 2,
    ),
    _phrase(
        Reason.INTERPRETER_MISSING, _ENOENT, "",
        rf"{_SHELL}(?:\S{{1,300}}: )?(?:cannot execute: required file not found|bad interpreter: no such file or directory)", 126, 127,
    ),
    _phrase(
        Reason.CRLF_SHEBANG, "the script's lines end in CR LF: the carriage return became part of the interpreter's name",
        r"env: ['\u2018\"]?\w{1,40}(?:\\r|\^M)|(?:/bin/|/usr/bin/)\w{1,40}(?:\^M|\\r): (?:bad interpreter|no such file)",
        r"(?:/usr/bin/)?env: ['\u2018\"]?\w{1,40}(?:\\r|\^M| )['\u2019\"]?: no such file or directory", 127,
    ),
    _phrase(
        Reason.INTERPRETER_MISSING, "the interpreter that env(1) looks for is not in PATH", "",
        r"(?:/usr/bin/)?env: ['\u2018\"]?\w{1,40}['\u2019\"]?: no such file or directory", 127,
    ),
    # the runtime looked before it started anything
    _phrase(
        Reason.ENTRYPOINT_MISSING, _MISSING,
        r"executable file (?:`[^`]{1,300}` )?not found in \$?PATH|exec: \\?\"[^\"]{1,300}\": stat [^:]{1,300}: no such file or directory",
    ),
    _phrase(
        Reason.ENTRYPOINT_DIRECTORY, "the path is a directory", r"exec: \\?\"[^\"]{1,300}\": (?:stat [^:]{1,300}: )?is a directory",
    ),
    _phrase(
        Reason.ENTRYPOINT_NOT_EXECUTABLE, _DENIED,
        r"exec: \\?\"[^\"]{1,300}\": (?:stat [^:]{1,300}: )?permission denied|exec user process caused:? \\?\"?permission denied|"
        r"open executable: permission denied|start container process: exec [^\":]{1,300}: permission denied",
        rf"(?:{_INIT}|{_RUNC}|{_CRUN})permission denied(?:\\?\")?{_CRUN_END}", *_STARTED,
    ),
    _phrase(
        Reason.ENTRYPOINT_MISSING, "PATH holds a relative directory, and runtimes start nothing that they find there",
        r"exec: \\?\"[^\"]{1,300}\\?\": cannot run executable found relative to current directory",
    ),
    _phrase(
        Reason.ENTRYPOINT_MISSING, "the working directory is not an absolute path, so that no runtime starts anything in it",
        r"\bcwd must be an absolute path",
    ),
    _phrase(Reason.SYMLINK_LOOP, "symbolic links lead in a circle", r"exec: \\?\"[^\"]{1,300}\": stat [^:]{1,300}: too many levels of symbolic links"),
    _phrase(
        Reason.SHEBANG_TOO_DEEP, "interpreters that are scripts themselves, nested too deep", "",
        rf"(?:{_INIT}|{_RUNC}|{_CRUN})too many levels of symbolic links(?:\\?\")?{_CRUN_END}", *_STARTED,
    ),
    _phrase(
        Reason.LOADER_INVALID, _LOADER_FOREIGN, r"accessing a corrupted shared library",
        rf"(?:{_INIT}|{_RUNC}|{_CRUN}|{_WRAPPER})accessing a corrupted shared library(?:\\?\")?{_CRUN_END}", *_STARTED,
    ),
    _phrase(Reason.NO_COMMAND, "neither the image nor the container says what to run", r"no command specified"),
    # loaders and language runtimes that look at the CPU
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, _LEVEL, r"CPU ISA level is lower than required",
        r"(?:[^:]{1,300}: ){0,3}CPU ISA level is lower than required", 127,
    ),
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, _LEVEL, r"fatal glibc error: CPU does not support \S+",
        r"fatal glibc error: CPU does not support \S+", 127,
    ),
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, _LEVEL, r"this program can only be run on AMD64 processors with v\d microarchitecture support",
        r"this program can only be run on AMD64 processors with v\d microarchitecture support\.", 1, 2,
    ),
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, _LEVEL, r"runtime: this CPU has no [^,]{1,60}, so it cannot run",
        r"runtime: this CPU has no [^,]{1,60}, so it cannot run.{0,200}", 1, 2,
    ),
    _phrase(
        Reason.ILLEGAL_INSTRUCTION, "the CPU does not know an instruction of the program",
        r"uncaught target signal 4 \(illegal instruction\)|\billegal instruction(?: \(core dumped\)|$)",
        r"(?:.{0,300}: )?(?:line \d+: +\d+ )?(?:qemu: uncaught target signal 4 \()?illegal instruction\)?(?:(?: -)? \(?core dumped\)?.{0,300})?",
        SIGILL_EXIT_CODE,
    ),
    # emulators
    _phrase(
        Reason.LOADER_MISSING, _EMULATED_LOADER,
        r"qemu-\w{2,20}(?:-static)?: could not open '[^']{1,300}': no such file|rosetta error: failed to open elf at",
        r"(?:qemu-\w{2,20}(?:-static)?: could not open '[^']{1,300}': no such file or directory|rosetta error: failed to open elf at \S{1,300})",
    ),
    _phrase(
        Reason.EMULATOR_UNUSABLE, "the emulator crashed while it ran the foreign program",
        r"qemu: uncaught target signal \d+ \((?!illegal)", r"qemu: uncaught target signal \d+ \((?!illegal)[^)]{1,40}\).{0,40}",
    ),
    # engines that select a platform
    _phrase(
        Reason.PLATFORM_MISSING, _NO_OFFER,
        r"no matching manifest for \S+ in the manifest list entries|no match for platform in manifest|"
        r"no image found in (?:image index|manifest list) for architecture|does not provide the specified platform",
    ),
    _phrase(
        Reason.WRONG_PLATFORM, _OTHER_PLATFORM,
        r"requested image's platform \([^)]{1,60}\) does not match the detected host platform|"
        r"its platform \([^)]{1,60}\) does not match the specified platform|"
        r"image platform \([^)]{1,60}\) does not match the expected platform",
    ),
)  # fmt: skip

_UNDECODED = _phrase(
    Reason.BINARY_UNKNOWN,
    "the runtime could not start the program, in words that are not known here",
    r"start(?:ing)? container process:? (?:caused: )?\"?exec\b",
)
"""What no other phrase decodes is still no start."""


def observe(error: str, log: Sequence[str], exit_code: int | None) -> Observation | None:
    """What an unhealthy container's engine error, last log lines or exit code prove; ``None`` if they prove nothing.

    Args:
        error: the engine's own words (State.Error).
        log: last lines, oldest first.
        exit_code: ``None`` where it is not known.
    """
    said = _said(error)
    if said is not None:
        return said
    last = next((line.strip() for line in reversed(log) if line.strip()), "")
    for phrase in _PHRASES:
        if phrase.line and _agrees(phrase, exit_code) and phrase.line.fullmatch(last[:MAX_LINE_CHARS]):
            return Observation(phrase.reason, last[:MAX_LINE_CHARS], phrase.cause)
    return None


def explain(text: str) -> tuple[Observation, ...]:
    """Everything that a pasted text says about programs that do not start, each reason once, in order of appearance."""
    found: dict[Reason, Observation] = {}
    for line in text[:MAX_EXPLAINED_CHARS].splitlines():
        for observation in _all_said(line.strip()):
            found.setdefault(observation.reason, observation)
    return tuple(found.values())


def _agrees(phrase: _Phrase, exit_code: int | None) -> bool:
    if exit_code is None:
        return True
    return exit_code in phrase.exits if phrase.exits else exit_code != 0


def _said(text: str) -> Observation | None:
    return next(_all_said(text.strip()), None)


def _all_said(text: str) -> Iterator[Observation]:
    words = text[:MAX_LINE_CHARS]
    decoded = False
    for phrase in _PHRASES:
        found = phrase.anywhere and phrase.anywhere.search(words)
        if found or (phrase.line and phrase.line.fullmatch(words)):
            decoded = True
            yield Observation(phrase.reason, found[0] if found else words, phrase.cause)
    if not decoded and _UNDECODED.anywhere and _UNDECODED.anywhere.search(words):
        yield Observation(_UNDECODED.reason, words, _UNDECODED.cause)
