"""The simple commands of a shell's script, their words put together as far as the script alone tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal as Word_

from scanner.formats import shell
from scanner.formats.shell_syntax import (
    AndOr,
    Assignment,
    Case,
    For,
    Function,
    Glob,
    Group,
    If,
    Item,
    Literal,
    Loop,
    NotUnderstood,
    Parameter,
    Part,
    Pipeline,
    Redirected,
    Sequence,
    Simple,
    Statement,
    Subshell,
    Word,
)
from scanner.probe.planned.unknown_text import UNKNOWN

MAX_STEPS = 20_000
"""Statements that one script makes us look at, loops unrolled."""

MAX_ROUNDS = 50
"""Words that a loop goes over; more are no list that somebody wrote."""

MAX_WORD_CHARS = 1 << 17
"""Of one word: the kernel takes no longer argument (MAX_ARG_STRLEN)."""

MAX_COMMAND_CHARS = 1 << 21
"""Of all words of a command: what the kernel takes together by default (a quarter of an 8 MiB stack)."""

_SET_BY_OTHERS = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "HOSTNAME", "UID", "EUID", "PPID", "RANDOM", "SECONDS",
    "LANG", "INVOCATION_ID", "JOURNAL_STREAM", "MAINPID", "SYSTEMD_EXEC_PID", "RUNTIME_DIRECTORY", "STATE_DIRECTORY",
    "CACHE_DIRECTORY", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "XDG_RUNTIME_DIR",
    "IFS", "LISTEN_FDS", "EXIT_CODE", "EXIT_STATUS", "SERVICE_RESULT", "TERM", "MONITOR_UNIT",
})  # fmt: skip
"""Variables that systemd or the shell sets by itself."""

_OPEN = "archscan_open"
"""A variable that stands in a script for what is not known of its text."""

_READS = frozenset({".", "source", "read", "mapfile", "readarray", "getopts"})


@dataclass(frozen=True, slots=True)
class Script:
    """A text with its positional parameters, ``$0`` first."""

    text: str
    parameters: tuple[str, ...]


Command = tuple[tuple[str, ...], Mapping[str, str]]
"""The words of a simple command with the variables that it has."""


def commands_of(script: Script, env: Mapping[str, str], *, env_is_whole: bool) -> tuple[list[Command], list[str]]:
    """Every simple command that a script may run, in its order; and why some of it is not known."""
    raw = script.text.replace(UNKNOWN, f"${_OPEN}").encode("utf-8", "surrogateescape")
    parsed = shell.parse(raw)
    if isinstance(parsed, NotUnderstood):
        return [], [f"its script is not understood: {parsed.why}"]
    walk = _Walk({**env, _OPEN: UNKNOWN}, script.parameters, is_whole=env_is_whole)
    walk.run(parsed)
    return walk.commands, walk.gaps


_Step = Word_["fork", "join", "drop"] | Statement | Sequence | Assignment | tuple[str, str]


@dataclass(slots=True)
class _Walk:
    """One pass over a script without recursion; both ways of a condition are taken."""

    env: dict[str, str]
    parameters: tuple[str, ...]
    is_whole: bool
    commands: list[Command] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    _saved: list[tuple[dict[str, str], bool, tuple[str, ...]]] = field(default_factory=list)

    def run(self, script: Sequence) -> None:
        waiting: list[_Step] = [script]
        for _ in range(MAX_STEPS):
            if not waiting:
                return
            waiting.extend(reversed(self._step(waiting.pop())))
        self.gaps.append(f"its script takes more than {MAX_STEPS} steps to follow")

    def _step(self, step: _Step) -> list[_Step]:
        match step:
            case "fork":
                self._saved.append((dict(self.env), self.is_whole, self.parameters))
            case "join" | "drop":
                self._back(joined=step == "join")
            case tuple((str() as name, str() as value)):
                self.env[name] = value
            case Simple():
                self._simple(step)
            case NotUnderstood(line=line, why=why):
                self.gaps.append(f"line {line} of its script is not understood: {why}")
            case _:
                return self._parts(step)
        return []

    def _parts(self, step: _Step) -> list[_Step]:
        match step:
            case Sequence(items=items):
                return [item.statement for item in items if isinstance(item, Item)]
            case Group(body=body) | Redirected(body=body):
                return [body]
            case AndOr(first=first, rest=rest):
                return [first, *(each for _, one in rest for each in _maybe(one))]
            case If(branches=branches, otherwise=otherwise):
                bodies = [each for condition, body in branches for each in (condition, *_maybe(body))]
                return [*bodies, *(_maybe(otherwise) if otherwise else ())]
            case Case(items=items):
                return [each for item in items for each in _maybe(item.body)]
            case Loop(condition=condition, body=body):
                return [condition, *_maybe(body)]
            case For():
                return self._rounds(step)
            case Function(body=body):
                return _maybe(body)
        return _in_subshells(step)

    def _rounds(self, loop: For) -> list[_Step]:
        words = self.parameters[1:] if loop.words is None else self._words(loop.words)
        if len(words) > MAX_ROUNDS or not words:
            words = (UNKNOWN,)
        rounds: list[_Step] = []
        for word in words:
            rounds += [(loop.name, word), loop.body]
        return rounds

    def _back(self, *, joined: bool) -> None:
        """Behind a part that may not have run, what it changed is not known; behind a subshell it is as before."""
        before, was_whole, parameters = self._saved.pop()
        if joined:
            for name in {*before, *self.env}:
                if before.get(name) != self.env.get(name):
                    before[name] = UNKNOWN
            was_whole = was_whole and self.is_whole
        self.env, self.is_whole, self.parameters = before, was_whole, parameters

    # ------------------------------------------------------------ simple commands

    def _simple(self, simple: Simple) -> None:
        words = self._words(simple.words)
        given = {one.name: self._assigned(one) for one in simple.assignments}
        name = words[0] if words else ""
        if name in _READS:
            self.env, self.is_whole = {_OPEN: UNKNOWN}, False
        elif name == "set" and "--" in words:
            self.parameters = (*(self.parameters[:1] or ("",)), *words[words.index("--") + 1 :])
        elif name == "unset":
            for each in words[1:]:
                self.env.pop(each, None)
        elif name == "shift":
            self.parameters = (*self.parameters[:1], *self.parameters[2:])
        elif name in {"export", "readonly", "local", "declare", "typeset"}:
            self._declare(words[1:], given)
        elif not words:
            self.env |= given
        else:
            self.commands.append((words, {name: value for name, value in (self.env | given).items() if name != _OPEN}))

    def _declare(self, words: tuple[str, ...], given: Mapping[str, str]) -> None:
        self.env |= given
        for word in words:
            name, equals, value = word.partition("=")
            if equals and name.isidentifier():
                self.env[name] = value

    def _assigned(self, one: Assignment) -> str:
        if one.append or one.elements is not None or one.subscript is not None:
            return UNKNOWN
        texts = self._texts(one.value) if one.value else []
        return UNKNOWN if texts is None else "".join(texts)

    # ------------------------------------------------------------ words

    def _words(self, words: tuple[Word, ...]) -> tuple[str, ...]:
        found: list[str] = []
        size = 0
        for word in words:
            fields = self._fields(word)
            size += sum(map(len, fields))
            if size > MAX_COMMAND_CHARS:
                self.gaps.append(
                    f"line {word.line} of its script has more than {MAX_COMMAND_CHARS} characters in a command"
                )
                return ()
            found += fields
        return tuple(found)

    def _texts(self, word: Word) -> list[str] | None:
        """The texts of a word's parts; none where they are longer than any argument."""
        found: list[str] = []
        size = 0
        for part in word.parts:
            text = self._text(part)
            size += len(text)
            if size > MAX_WORD_CHARS:
                return None
            found.append(text)
        return found

    def _fields(self, word: Word) -> list[str]:
        """The words that one becomes: unquoted variables are split at blanks, ``"$@"`` is as many as there are."""
        if len(word.parts) == 1 and isinstance(part := word.parts[0], Parameter) and part.name == "@":
            return list(self.parameters[1:])
        texts = self._texts(word)
        if texts is None:
            return [UNKNOWN]
        fields: list[str] = []
        current: str | None = None
        for part, text in zip(word.parts, texts, strict=True):
            if _is_split(part):
                pieces = text.split()
                if text[:1].isspace() and current is not None:
                    fields.append(current)
                    current = None
                for number, piece in enumerate(pieces):
                    current = piece if number or current is None else current + piece
                    if number < len(pieces) - 1:
                        fields.append(current)
                        current = None
                if text[-1:].isspace() and current is not None:
                    fields.append(current)
                    current = None
            else:
                current = (current or "") + text
        if current is not None:
            fields.append(current)
        return fields

    def _text(self, part: Part) -> str:
        match part:
            case Literal(text=text) | Glob(text=text):
                return text
            case Parameter():
                return self._parameter(part)
        return UNKNOWN

    def _parameter(self, part: Parameter) -> str:
        value = self._value(part.name)
        if part.indirect or part.subscript is not None or part.replacement is not None:
            return UNKNOWN
        if not part.operator:
            return UNKNOWN if value is None and not self._is_unset(part.name) else value or ""
        operator = part.operator.removeprefix(":")
        if operator not in {"-", "+", "=", "?"} or (value is None and not self._is_unset(part.name)):
            return UNKNOWN
        if value is not None and UNKNOWN in value and part.operator.startswith(":"):
            return UNKNOWN
        is_set = value is not None and (value != "" or not part.operator.startswith(":"))
        if operator == "+":
            return self._operand(part) if is_set else ""
        return value if is_set and value is not None else self._operand(part)

    def _operand(self, part: Parameter) -> str:
        """The word of an expansion; what would nest further is not followed."""
        parts = part.word.parts if part.word else ()
        return "".join(
            one.text if isinstance(one, Literal | Glob)
            else self._value(one.name) or UNKNOWN if isinstance(one, Parameter) and not one.operator
            else UNKNOWN
            for one in parts
        )  # fmt: skip

    def _value(self, name: str) -> str | None:
        if name in {"@", "*"}:
            return " ".join(self.parameters[1:])
        if name.isdigit():
            return self.parameters[int(name)] if int(name) < len(self.parameters) else ""
        return self.env.get(name)

    def _is_unset(self, name: str) -> bool:
        """Whether nothing sets a variable, as far as all that may set one is known."""
        return self.is_whole and name.isidentifier() and name not in _SET_BY_OTHERS


def _is_split(part: Part) -> bool:
    return not isinstance(part, Literal | Glob) and not getattr(part, "quoted", False)


def _in_subshells(step: _Step) -> list[_Step]:
    match step:
        case Pipeline(parts=parts):
            return list(parts) if len(parts) == 1 else [each for part in parts for each in ("fork", part, "drop")]
        case Subshell(body=body):
            return ["fork", body, "drop"]
    return []


def _maybe(part: Statement | Sequence) -> list[_Step]:
    return ["fork", part, "join"]
