"""What the kernel makes of a file's first line that begins with ``#!``.

The rule is load_script of Linux fs/binfmt_script.c: it sees 256 bytes, filled up with zeros, and nothing after them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from scanner.domain.facts import Failure
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


_FORWARDING = re.compile(rb"exec(?:[ \t]+[\w./:@%+=,-]+)*[ \t]+\"\$@\"[ \t]*;?[ \t]*\r?$")
_REWRITING = re.compile(rb"(?m)^[^#\n]*\b(?:shift|set[ \t]+--)")


def forwards_arguments(body: bytes) -> bool:
    """Whether a script surely ends by exec'ing its own arguments: a last line ``exec ... "$@"`` at the margin.

    A script that shifts or resets its arguments may exec something else, so it does not count.
    """
    if b"s6-overlay" in body:
        return True  # s6-overlay's /init starts the command it was given
    lines = [line for line in body.split(b"\n") if line.strip() and not line.lstrip().startswith(b"#")]
    return bool(lines) and _FORWARDING.fullmatch(lines[-1]) is not None and not _REWRITING.search(body)


def forwarding_prefix(body: bytes) -> tuple[str, ...]:
    """The words between ``exec`` and ``"$@"`` of the last line, such as ``gosu app``."""
    lines = [line for line in body.split(b"\n") if line.strip() and not line.lstrip().startswith(b"#")]
    if not lines or not _FORWARDING.fullmatch(lines[-1]):
        return ()
    return tuple(_text(word) for word in lines[-1].split()[1:-1])
