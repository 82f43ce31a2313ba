"""Tools whose own little language can start programs: sed, awk."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.binary.program.launch.getopt import OptionError, grammar
from scanner.binary.program.launch.launch import AtRunTime

if TYPE_CHECKING:
    from scanner.binary.program.launch.launch import Launch, LauncherCall

_SED = grammar(
    "bEe:i::f:l:nrsuz",
    "expression:>e file:>f in-place::>i quiet>n silent>n regexp-extended>E separate>s unbuffered>u null-data>z posix debug sandbox "
    "line-length:>l follow-symlinks binary>b help version",
    permutes=True,
)
_AWK = grammar("F:v:f:W::", "version help")

MAX_TEXT_CHARS = 4096
"""Of a text of sed's that is looked through; one on a command line has some dozens."""

_RUNS_IN_SED = re.compile(
    r"(?:^|[;{}\n])(?:[\d,~+$!\s]|/(?:\\.|[^/\\])*/[IM]*|\\(?P<a>[^\w\s\\])(?:\\.|(?!(?P=a))[^\\])*(?P=a)[IM]*)*e"
    r"|s(?P<s>[^\w\s\\])(?:\\.|(?!(?P=s))[^\\])*(?P=s)(?:\\.|(?!(?P=s))[^\\])*(?P=s)[gpiImM\d]*e",
    re.ASCII | re.DOTALL,
)
"""The command ``e`` behind what addresses lines, the flag ``e`` behind a substitution; more fits, never less."""

_RUNS_IN_AWK = re.compile(r"\bsystem\b|\|")
"""``system()`` and pipes; ``||`` is no pipe."""


def sed(call: LauncherCall) -> Launch:
    """GNU sed: a command ``e`` or a substitution with the flag ``e`` runs what a shell makes of a text."""
    parsed = _SED.parse(call.words)
    if isinstance(parsed, OptionError):
        return None
    texts = [value or "" for name, value in parsed.options if name == "e"]
    if parsed.has("f"):
        return AtRunTime(f"{call.name} reads its commands from a file, which may start programs")
    texts = texts or list(parsed.rest[:1])
    if any(len(text) > MAX_TEXT_CHARS or _RUNS_IN_SED.search(text) for text in texts):
        return AtRunTime(f"{call.name} starts programs by its command e")
    return None


def awk(call: LauncherCall) -> Launch:
    """Awk starts programs by ``system()`` and by pipes."""
    parsed = _AWK.parse(call.words)
    if isinstance(parsed, OptionError):
        return None
    if parsed.has("f"):
        return AtRunTime(f"{call.name} reads its program from a file, which may start others")
    text = (parsed.rest or ("",))[0].replace("||", "")
    return AtRunTime(f"{call.name} starts programs by its own words") if _RUNS_IN_AWK.search(text) else None
