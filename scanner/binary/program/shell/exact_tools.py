"""Tells which programs change just what is recorded of them."""

from __future__ import annotations

import re

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS
from scanner.binary.program.shell import writes

_CHANGING = frozenset({"mkdir", "touch", "chmod", "chown", "chgrp", "rm", "rmdir", "unlink"})
_PLACING = frozenset({"cp", "mv", "ln"})
_PLAIN = re.compile(
    r"-[adfHiLlnPpRrsuv]+|--(?:archive|force|recursive|verbose|no-clobber|update|symbolic|no-dereference)", re.ASCII
)
"""Options under which the last operand tells where things are put."""

_READING = (writes.READING | {"tr", "true", "test"}) - {"update-ca-certificates", "file", "chgrp", "chown"}
"""``uniq`` has an operand that it writes, ``file`` compiles."""

_STARTING = frozenset({"-delete", "-exec", "-execdir", "-ok", "-okdir", "-fprint", "-fprint0", "-fprintf", "-fls"})


def is_exact(words: tuple[str, ...]) -> bool:
    """Whether a program changes no path that ``writes.written_by`` does not tell; any other may, whatever it is called."""
    name = words[0].rpartition("/")[2]
    if words[0] not in {name, f"/bin/{name}", f"/usr/bin/{name}"}:
        return False
    if name in _READING:
        return True
    if name == "find":
        return not _STARTING & set(words) and UNKNOWN_WORDS not in words
    if name == "mkdir":
        return True  # whatever the rest of a path is, nothing that stands is spoilt
    if any(UNKNOWN in word or UNKNOWN_WORDS in word for word in words) or "--" in words:
        return False
    if name in _PLACING:
        return all(_PLAIN.fullmatch(word) for word in words[1:] if word.startswith("-"))
    if name == "sed":
        return _edits_plainly(words)
    return name in _CHANGING


def _edits_plainly(words: tuple[str, ...]) -> bool:
    """``sed`` without a copy of what it edits, without a file that its text names."""
    return not any("w" in word or (word[:1] == "-" and not re.fullmatch(r"-[Enru]*[ie]?", word)) for word in words[1:])
