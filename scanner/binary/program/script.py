"""Reads a file's first line that begins with ``#!`` as the kernel does.

The rule is load_script of Linux fs/binfmt_script.c: it sees 256 bytes, filled up with zeros, and nothing after them.
"""

from __future__ import annotations

from dataclasses import dataclass

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

LINE_BYTES = 256
"""BINPRM_BUF_SIZE: all of a script that the kernel looks at."""

MAX_NESTING = 5
"""Scripts in a row before a binary; the kernel answers the sixth with ELOOP (exec_binprm in fs/exec.c)."""

_BLANK = b" \t"
_TERMINATORS = b" \t\0"


@dataclass(frozen=True, slots=True)
class Shebang:
    """The interpreter of a script and the one argument that the kernel hands it; both as written."""

    interpreter: str
    argument: str = ""

    def __str__(self) -> str:
        """The line without ``#!``."""
        return f"{self.interpreter} {self.argument}".strip()

    def argv(self, script: tuple[str, ...]) -> tuple[str, ...]:
        """What the kernel execs for a script that was started with these words, its name first.

        It opens an interpreter without a slash in the working directory, never in PATH.
        """
        interpreter = self.interpreter if "/" in self.interpreter else f"./{self.interpreter}"
        return (interpreter, *((self.argument,) if self.argument else ()), *script)


def parse(head: bytes) -> Shebang | Failure:
    """The interpreter line of a file that begins with ``#!``; ``head`` is its first 256 bytes, or all if shorter."""
    line = head[:LINE_BYTES].ljust(LINE_BYTES, b"\0")
    newline = line.partition(b"\0")[0].find(b"\n")
    if newline < 0:
        end = LINE_BYTES - 1
        start = _skip_blanks(line, 2, end)
        if start is None:
            return Failure(Reason.NO_SHEBANG, "the line after #! is blank")
        if _find_terminator(line, start, end) is None:
            return Failure(Reason.SHEBANG_TOO_LONG, f"the interpreter's path does not end within {LINE_BYTES} bytes")
    else:
        end = newline
    while line[end - 1] in _BLANK:
        end -= 1
    start = _skip_blanks(line, 2, end)
    if start is None or start == end:
        return Failure(Reason.NO_SHEBANG, "there is no interpreter after #!")
    return _split(line, start, end)


def _split(line: bytes, start: int, end: int) -> Shebang:
    stop = _find_terminator(line, start, end)
    stop = end if stop is None else stop
    argument = b""
    if stop < end and line[stop] != 0:
        begin = _skip_blanks(line, stop, end)
        if begin is not None:
            argument = line[begin:end].partition(b"\0")[0]
    return Shebang(_text(line[start:stop]), _text(argument))


def _skip_blanks(line: bytes, first: int, last: int) -> int | None:
    return next((at for at in range(first, last + 1) if line[at] not in _BLANK), None)


def _find_terminator(line: bytes, first: int, last: int) -> int | None:
    return next((at for at in range(first, last + 1) if line[at] in _TERMINATORS), None)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


_SHELLS = frozenset({"sh", "ash", "dash", "bash", "ksh", "mksh", "zsh", "busybox"})


def is_shell(shebang: Shebang) -> bool:
    """Whether a shell reads the script, directly or through env."""
    words = (shebang.interpreter, *shebang.argument.split())
    return any(word.rpartition("/")[2] in _SHELLS for word in words)
