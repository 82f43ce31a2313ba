"""A shell's script beside its commands, with the texts that commands are given to read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.formats.shell import grammar
from scanner.formats.shell.syntax import Group, Pipeline, Simple, Subshell
from scanner.probe.planned.commands import script_builtins
from scanner.probe.planned.commands.run_as import ROOT, RUN_BY
from scanner.probe.planned.commands.script_shell import (
    MANY,
    MAX_WORDS,
    OPEN,
    OPEN_TEXT,
    PLAIN_IFS,
    SOURCE,
    USER_NUMBER,
    Shell,
)
from scanner.probe.planned.plans import UnclearError
from scanner.probe.planned.unknown_text import UNKNOWN, is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from scanner.formats.shell.syntax import NotUnderstood, Redirect, Sequence, Statement, Word
    from scanner.probe.planned.commands.script_shell import Effort
    from scanner.probe.planned.commands.script_values import Expansion

STDIN = frozenset({"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})

CHARS_A_STEP = 64
"""Characters that cost about as much to parse as a step to follow."""

CHARS_A_COPY = 256
"""Characters that cost about as much to read, or to put together, as a step to follow."""

MAX_COMMAND_CHARS = 1 << 21
"""Of all words of a command: what the kernel takes together by default (a quarter of an 8 MiB stack)."""

MAX_GIVEN_CHARS = 1 << 20
"""Of what some commands give to another: more are data."""

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
    """What a script may run, in its order; why some of it is not known; the commands that may be its last.

    What is not known counts where an engine is named in the script, but for what is ``sure`` to start containers.
    """

    commands: list[Command] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    ends: frozenset[int] = frozenset({-1})
    sure: list[str] = field(default_factory=list)


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


def begun(
    script: Script, env: Mapping[str, str], *, env_is_whole: bool, read: Callable[[str], str | None] = lambda _: None
) -> Shell:
    """A shell in front of the first command of a script."""
    given = tuple(word.replace(UNKNOWN, MANY) if at else word for at, word in enumerate(script.parameters))
    variables = {name: text for name, text in env.items() if name != RUN_BY}
    own = Shell({**variables, OPEN: UNKNOWN}, set(variables), given, env_is_whole, is_bash=script.is_bash, read=read)
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


def all_fields(expansion: Expansion, words: Iterable[Word]) -> tuple[str, ...] | None:
    """The words of a command; none where they are more, or longer, than any command takes."""
    found: list[str] = []
    size = 0
    for word in words:
        fields = expansion.fields(word)
        size += sum(map(len, fields))
        if size > MAX_COMMAND_CHARS or len(found) + len(fields) > MAX_WORDS:
            return None
        found += [field.replace(OPEN_TEXT, UNKNOWN) for field in fields]
    expansion.shell.effort.steps += size // CHARS_A_COPY
    return tuple(found)


def of_file(shell: Shell, path: str) -> str:
    """What stands in a file that a command reads."""
    if path == "/dev/null":
        return ""
    try:
        text = shell.read(script_builtins.placed(shell, path)) if is_known(path) else None
    except UnclearError:
        text = None
    shell.effort.steps += len(text or "") // CHARS_A_COPY
    return UNKNOWN if text is None else text


def of_files(shell: Shell, paths: tuple[str, ...]) -> str | None:
    """What ``cat`` makes of files; none where one of its words is no file."""
    made: list[str] = []
    size = 0
    for path in paths:
        if path.startswith("-"):
            return None
        made.append(of_file(shell, path))
        size += len(made[-1])
        if size > MAX_GIVEN_CHARS:
            return UNKNOWN
    return "".join(made)


def fed_by(redirects: tuple[Redirect, ...], expansion: Expansion) -> str:
    """The text of a here-document, or of a file, that is all that some commands together read."""
    only = redirects[0] if len(redirects) == 1 and redirects[0].fd in {"", "0"} else None
    if only is not None and only.here is not None:
        text = expansion.text(only.here)
        return f"{text}\n" if only.operator == "<<<" and not text.endswith("\n") else text
    path = expansion.text(only.target) if only is not None and only.target is not None else UNKNOWN
    return of_file(expansion.shell, path)


def written(before: Statement, expansion: Expansion, stdin: str | None) -> str:
    """What commands in front of a pipe write, which read ``stdin``; one that is not known where that is not their own words."""
    if not isinstance(before, Group | Subshell):
        return _written(before, expansion, stdin)
    made: list[str] = []
    size = 0
    for item in before.body.items:
        made.append(_written(item.statement, expansion, None if item.background else stdin))
        size += len(made[-1])
        if size > MAX_GIVEN_CHARS:
            return UNKNOWN
    return "".join(made)


def _written(before: Statement, expansion: Expansion, stdin: str | None) -> str:
    if isinstance(before, Pipeline) and len(before.parts) == 1:
        before = before.parts[0]
    if not isinstance(before, Simple):
        return UNKNOWN
    words = all_fields(expansion, before.words)
    if words is None:
        return UNKNOWN
    if words[:1] == ("cat",) and all(word == "-" for word in words[1:]):
        given = tuple(one for one in before.redirects if one.here is not None or one.operator == "<")
        return fed_by(given[-1:], expansion) if given else UNKNOWN if stdin is None else stdin
    if words[:1] == ("cat",) and (found := of_files(expansion.shell, words[1:])) is not None:
        return found
    said = script_builtins.written(words)
    return UNKNOWN if said is None else f"{said}\n" if script_builtins.ends_line(words) else said
