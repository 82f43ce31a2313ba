"""Files of variables as Docker's or Podman's own ``--env-file`` reads them: lines that are taken as they stand."""

from __future__ import annotations

MAX_BYTES = 256 << 10
"""Files of variables are written by hand, a hundred lines of them; a kernel gives one variable 128 KiB at most."""

MAX_LINE_BYTES = 64 << 10
"""Go's ``bufio.Scanner`` takes no line that is as long as this (``MaxScanTokenSize``)."""

SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
"""What Go's ``unicode.IsSpace`` holds."""

_BLANKS = " \t"


class EnvFileError(ValueError):
    """A file that its owner refuses, in the ``line`` (from 1; 0 where it concerns all)."""

    def __init__(self, problem: str, line: int = 0) -> None:
        self.problem = problem
        self.line = line
        super().__init__(f"line {line}: {problem}" if line else problem)


def decoded(raw: bytes) -> str:
    """The text of a file, without a byte order mark; bytes that are no UTF-8 stay as surrogates.

    Raises:
        EnvFileError: longer than ``MAX_BYTES``.
    """
    if len(raw) > MAX_BYTES:
        raise EnvFileError(f"longer than {MAX_BYTES} bytes")
    return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


def docker(raw: bytes) -> dict[str, str | None]:
    """The variables of ``docker run --env-file``; ``None`` for one that is taken from whoever starts Docker.

    A variable taken from there which is not set there is removed from the container (``docker run --env``).

    Raises:
        EnvFileError: Docker refuses the file.
    """
    found: dict[str, str | None] = {}
    for number, line in _lines(decoded(raw)):
        text = line.lstrip(SPACES)
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not name:
            raise EnvFileError("a value without a name", number)
        if any(blank in name for blank in _BLANKS):
            raise EnvFileError("a variable's name cannot have a space in it", number)
        found[name if equals else name.strip(SPACES)] = value if equals else None
    return found


def podman(raw: bytes) -> dict[str, str | None]:
    """The variables of ``podman run --env-file``; ``None`` for one that is taken from whoever starts Podman.

    A name that ends with ``*`` and has no value stands for every variable there that begins so.

    Raises:
        EnvFileError: Podman refuses the file.
    """
    if len(raw) > MAX_BYTES:
        raise EnvFileError(f"longer than {MAX_BYTES} bytes")
    found: dict[str, str | None] = {}
    for number, line in _lines(raw.decode("utf-8", "surrogateescape"), must_be_text=False):
        text = line.lstrip(_BLANKS)
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not name:
            raise EnvFileError("a value without a name", number)
        found[name] = value if equals else None
    return found


def _lines(text: str, *, must_be_text: bool = True) -> list[tuple[int, str]]:
    """Lines with their numbers, without a carriage return before the newline."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        raw = line.encode("utf-8", "surrogateescape")
        if len(raw) >= MAX_LINE_BYTES:
            raise EnvFileError(f"a line of {MAX_LINE_BYTES} bytes or more", number)
        if must_be_text and not line.isprintable() and any("\udc80" <= letter <= "\udcff" for letter in line):
            raise EnvFileError("not UTF-8", number)
        found.append((number, line.removesuffix("\r")))
    return found
