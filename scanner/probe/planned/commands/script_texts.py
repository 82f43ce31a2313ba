"""A shell's script beside its commands, with the texts that commands are given to read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.formats.shell import grammar
from scanner.formats.shell.syntax import Simple
from scanner.probe.planned.commands import script_builtins
from scanner.probe.planned.commands.run_as import ROOT, RUN_BY
from scanner.probe.planned.commands.script_shell import MANY, OPEN, OPEN_TEXT, PLAIN_IFS, SOURCE, USER_NUMBER, Shell
from scanner.probe.planned.plans import UnclearError
from scanner.probe.planned.unknown_text import UNKNOWN, is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.formats.shell.syntax import NotUnderstood, Redirect, Sequence, Statement
    from scanner.probe.planned.commands.script_shell import Effort
    from scanner.probe.planned.commands.script_values import Expansion

STDIN = frozenset({"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})

CHARS_A_STEP = 64
"""Characters that cost about as much to parse as a step to follow."""

STARTS = frozenset({"run", "create", "play", "up", "compose"})
"""Words of engines' commands that start something."""


@dataclass(frozen=True, slots=True)
class Script:
    """A text with its positional parameters, ``$0`` first; ``path`` is the file that it stands in, where it is one.

    ``is_bash`` tells that bash runs it, and no other shell.
    """

    text: str
    parameters: tuple[str, ...]
    path: str = UNKNOWN
    is_bash: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """The words of a simple command, the variables that it has, the text that it is given to read, as far as known.

    ``after`` are the commands of its script, by their number, of which any may be the last before it; -1 is none. Where
    not ``env_is_whole``, a variable that is not there may be set.
    """

    words: tuple[str, ...]
    env: Mapping[str, str]
    stdin: str | None = None
    after: frozenset[int] = frozenset({-1})
    env_is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Followed:
    """What a script may run, in its order; why some of it is not known; the commands that may be its last."""

    commands: list[Command] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    ends: frozenset[int] = frozenset({-1})


@dataclass(slots=True)
class ParsedTexts:
    """Texts that a script comes to on its way, each parsed once however often that is."""

    _known: dict[str, Sequence | NotUnderstood] = field(default_factory=dict)

    def parsed(self, text: str, effort: Effort) -> Sequence | NotUnderstood:
        """The commands of a text."""
        found = self._known.get(text)
        if found is None:
            effort.steps += len(text) // CHARS_A_STEP
            found = self._known[text] = parsed(text)
        return found


def begun(script: Script, env: Mapping[str, str], *, env_is_whole: bool) -> Shell:
    """A shell in front of the first command of a script."""
    given = tuple(word.replace(UNKNOWN, MANY) if at else word for at, word in enumerate(script.parameters))
    variables = {name: text for name, text in env.items() if name != RUN_BY}
    own = Shell({**variables, OPEN: UNKNOWN}, set(variables), given, env_is_whole, is_bash=script.is_bash)
    for name, text in ((SOURCE, script.path), ("OPTIND", "1"), ("IFS", PLAIN_IFS)):  # whatever it is given
        own.put(name, text)
    if env.get(RUN_BY) in {"", ROOT, "0"}:
        for name in (USER_NUMBER, *(("UID", "EUID") if script.is_bash else ())):
            own.put(name, "0")
    return own


def parsed(text: str) -> Sequence | NotUnderstood:
    """The commands of a script."""
    return grammar.parse(text.replace(UNKNOWN, OPEN_TEXT).encode("utf-8", "surrogateescape"))


def is_one_word(word: str) -> bool:
    """Whether all of a word is known, and no pattern for names of files."""
    return is_known(word) and not any(sign in word for sign in "*?[")


def in_place(words: tuple[str, ...], stdin: str | None) -> tuple[str, ...]:
    """``. /dev/stdin`` as what it does with the text that it is given."""
    reads = words[0] in {".", "source"} and len(words) > 1 and words[1] in STDIN
    return ("eval", stdin) if reads and stdin is not None else words


def of_file(shell: Shell, path: str, read: Callable[[str], str | None]) -> str:
    """What stands in a file that a command reads."""
    try:
        text = read(script_builtins.placed(shell, path)) if is_known(path) else None
    except UnclearError:
        text = None
    return UNKNOWN if text is None else text


def fed_by(redirects: list[Redirect], expansion: Expansion, read: Callable[[str], str | None]) -> str:
    """The text of a here-document, or of a file, that is all that some commands together read."""
    only = redirects[0] if len(redirects) == 1 and redirects[0].fd in {"", "0"} else None
    if only is not None and only.here is not None:
        text = expansion.text(only.here)
        return f"{text}\n" if only.operator == "<<<" and not text.endswith("\n") else text
    path = expansion.text(only.target) if only is not None and only.target is not None else UNKNOWN
    return of_file(expansion.shell, path, read)


def piped(
    before: Statement,
    words: tuple[str, ...],
    expansion: Expansion,
    read: Callable[[str], str | None],
) -> str:
    """What a command in front of a pipe writes; one that is not known where that is not its own words."""
    if not isinstance(before, Simple):
        return UNKNOWN
    if words[:1] == ("cat",) and len(words) == 1:
        here = [one.here for one in before.redirects if one.here is not None]
        return expansion.text(here[-1]) if here else UNKNOWN
    if words[:1] == ("cat",) and not any(word.startswith("-") for word in words):
        return "".join(of_file(expansion.shell, path, read) for path in words[1:])
    said = script_builtins.written(words)
    return UNKNOWN if said is None else said
