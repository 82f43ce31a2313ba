"""Why a host ran no probe, by what its login said last."""

from __future__ import annotations

import re

from scanner.domain.failure import Failure
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.remedy.logins import DOAS_RULES

MAX_WORDS_BYTES = 4096
"""Of what a login says beside its answer the end is kept: a screen full, of which one line is shown."""

MAX_LINE_CHARS = 300
"""A host's own words go into a table cell."""

_NOT_FOUND = re.compile(
    r"not found|no such file or directory|unknown command|is not recognized|does not exist", re.IGNORECASE
)
_NOT_EXECUTABLE, _NOT_THERE = 126, 127
"""How shells end for a command that they may not execute, or do not find."""

_PATH = re.compile(r"/[A-Za-z0-9_.+-]+(?:/[A-Za-z0-9_.+-]+)*", re.ASCII)
_SHELLS = re.compile(r"^(?:-?[a-z]*sh|/(?:usr/)?bin/[a-z]*sh)\b:?")
"""What a shell puts in front of its complaints: its own name."""

_SUDO = re.compile(
    r"^(?:sudo(?:-rs)?|doas): |is not in the sudoers file|not allowed to (?:run sudo|execute)|may not run sudo"
    r"|^We trust you have received the usual lecture",
    re.IGNORECASE,
)
_SUDO_ITSELF = re.compile(
    r"\b(sudo|doas)\b[^/]{0,200}(?:not found|unknown command)|(?:unknown command|not found):? {0,8}(sudo|doas)\b",
    re.IGNORECASE,
)

_LOCKED = re.compile(
    r"(?:account|password) (?:has|is) (?:expired|locked|disabled)|account (?:expired|locked|disabled)"
    r"|required to change your password|password change required|has been locked|must change your password",
    re.IGNORECASE,
)
_NO_SHELL = re.compile(
    r"account is (?:currently )?not available|allows sftp connections only|sftp only|what do you think i am\? *a shell|fatal: unrecognized command"
    r"|interactive git shell|git-shell|shell (?:access )?is (?:disabled|not allowed)|restricted by rssh|scponly|rrsync"
    r"|account is restricted|restricted: cannot|no shell|shell access|not permitted to log ?in|only (?:scp|rsync|sftp)",
    re.IGNORECASE,
)


def locked(words: bytes) -> Failure | None:
    """Why the login failed although its key was right; ``None`` where the server's banner does not say so."""
    found = next((line for line in _lines(words) if _LOCKED.search(line)), None)
    return Failure(Reason.HOST_ACCOUNT_LOCKED, found) if found else None


def refused(status: int, words: bytes, answer: bytes) -> Failure:
    """What became of a command that ended with ``status``, by what it said on standard error, else instead of an answer.

    Args:
        status: its exit status, other than 0.
        words: the end of its standard error.
        answer: the end of its standard output.
    """
    ended = f"the command ended with exit status {status}"
    said = _lines(words) or _lines(answer)
    if not said:
        if status == 1:  # a probe that fails says why; so does every shell, but false, which many accounts have for one
            return Failure(Reason.HOST_SHELL_REFUSED, f"{ended} without a word, as /bin/false does")
        return Failure(Reason.HOST_INCOMPLETE, ended)
    both = (*said, *_lines(answer))
    for reason, pattern in ((Reason.HOST_ACCOUNT_LOCKED, _LOCKED), (Reason.HOST_SHELL_REFUSED, _NO_SHELL)):
        if line := next((line for line in both if pattern.search(line)), ""):
            return Failure(reason, f"{ended}: {line}")
    last = said[-1]
    if missing := _missing(status, said):
        return missing
    if line := next((line for line in reversed(said) if _SUDO.search(line)), ""):
        rules = DOAS_RULES if line.startswith("doas: ") else ""
        return Failure(Reason.HOST_SUDO_REFUSED, f"{ended}: {line}", path=rules)
    return Failure(Reason.HOST_INCOMPLETE, f"{ended}: {last}")


def _missing(status: int, said: tuple[str, ...]) -> Failure | None:
    """A program that the login was to run and that is not there, or not to be executed."""
    is_said = status in {_NOT_EXECUTABLE, _NOT_THERE}
    line = next((line for line in reversed(said) if _NOT_FOUND.search(line)), said[-1] if is_said else "")
    if not line or (not is_said and status != 1):
        return None
    detail = f"the command ended with exit status {status}: {line}"
    if itself := _SUDO_ITSELF.search(line):
        return Failure(Reason.HOST_PROBE_MISSING, detail, path=(itself[1] or itself[2]).lower())
    path = next(iter(_PATH.findall(_SHELLS.sub("", line))), "")
    if not path and re.search(r"\bsh\b", _SHELLS.sub("", line)):
        return Failure(Reason.HOST_SHELL_REFUSED, detail)
    return Failure(Reason.HOST_PROBE_MISSING, detail, path=path)


def _lines(words: bytes) -> tuple[str, ...]:
    """The lines that say something, made printable; of a text that was cut the first is not whole."""
    raw = words[-MAX_WORDS_BYTES:].split(b"\n")
    return tuple(line for line in (printable(each, MAX_LINE_CHARS) for each in raw) if line)
