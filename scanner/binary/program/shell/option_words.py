"""What getopt of util-linux, or of busybox, makes of the words that a script was given."""

from __future__ import annotations

from scanner.binary.program.launch.getopt import OptionError, grammar

_OWN = grammar("o:l:n:qQus:T", "options:>o longoptions:>l name:>n quiet>q quiet-output>Q unquoted>u shell:>s test>T")


def getopt(words: tuple[str, ...]) -> tuple[int, str] | None:
    """What it prints for a shell to read, ``None`` where that is not told here: wrong options, orders of its own."""
    own = _OWN.parse(words)
    if isinstance(own, OptionError) or own.has("q", "Q", "u", "s", "T") or not own.has("o"):
        return None
    short = own.value("o") or ""
    long = [name for option, value in own.options if option == "l" for name in (value or "").split(",") if name]
    names = [name.rstrip(":").replace("-", "") for name in long]
    if short.startswith(("+", "-")) or not all(name.isalnum() and len(name) > 1 for name in names):
        return None
    wanted = grammar(short, " ".join(long), permutes=True)
    found = wanted.parse(own.rest)
    if isinstance(found, OptionError):
        return None
    made = ""
    for option, value in found.options:
        dashes = "--" if len(option) > 1 else "-"
        takes = short.find(f"{option}:") >= 0 if dashes == "-" else any(name.startswith(f"{option}:") for name in long)
        made += f" {dashes}{option}" + (f" {_quoted(value or '')}" if takes else "")
    return 0, f"{made} --{''.join(f' {_quoted(word)}' for word in found.rest)}\n"


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"
